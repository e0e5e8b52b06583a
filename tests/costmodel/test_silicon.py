"""Predicted latencies and power beside measured ones."""

from pathlib import Path

import onnx
import pytest

import catx
from tests.oracle.alexnet import BATCH, alexnet_convolutions
from tests.oracle.silicon import matmuls, mean_error, softmaxes


def test_softmaxes_on_an_a100() -> None:
    assert mean_error(list(softmaxes())) < 0.15


def test_some_matmuls_on_an_a100() -> None:
    found = list(matmuls(budget=0, every=4))
    assert len(found) == 5
    assert mean_error(found) < 0.12


@pytest.mark.slow
def test_matmuls_on_an_a100() -> None:
    found = list(matmuls(budget=20_000))
    assert mean_error(found) < 0.10
    assert max(abs(one.error) for one in found) < 0.25


@pytest.mark.slow
def test_free_mappings_are_quicker_than_those_of_a_library() -> None:
    """Nothing in the hardware forbids them; what is measured is a library."""
    free, library = list(matmuls(20_000, (), every=3)), list(matmuls(20_000, every=3))
    for one, other in zip(free, library, strict=True):
        assert one.predicted_s <= other.predicted_s * 1.02


def test_alexnet_on_eyeriss(tmp_path: Path) -> None:
    """35 frames/s, 278 mW, 0.0029 DRAM accesses per MAC (JSSC 2017); docs/fidelity.md has the reasons."""
    path = tmp_path / "alexnet.onnx"
    onnx.save(alexnet_convolutions(), path)
    report = catx.compile_model(path, "eyeriss_like", mapper_budget=0)
    macs = sum(model.macs for model in report.models)
    assert macs == pytest.approx(4 * 666e6, rel=0.01)
    assert BATCH / report.latency_s == pytest.approx(35, rel=0.45)
    assert report.energy_j / report.latency_s == pytest.approx(0.278, rel=0.45)
    dram = report.traffic[0]
    words = (dram.read_bytes + dram.write_bytes) / 2
    assert 1.0 < words / macs / 0.0029 < 2.1
