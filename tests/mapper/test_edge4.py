"""Three matmuls of CLIP on the machine `edge4`: the mapper reaches or beats AccelForge's recorded optima."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from catx.frontend.hardware import load_accelerator
from catx.ir.accelerator import Accelerator, Fanout
from catx.ir.einsum import ROLES, Einsum
from catx.mapper.map_einsum import MappedEinsum, map_einsum
from catx.mapper.objective import Objective
from tests.einsums import matmul

GEMMS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data" / "edge4.json").read_text())["gemms"]
SPACES = ("perfect", "imperfect_coarse2", "bypass_perfect")
"""AccelForge's map spaces: factors that divide, remainder tiles, dividing factors with optional buffers."""

CASES = [(gemm, space) for gemm, rows in GEMMS.items() for space in SPACES if space in rows]


def edge4(*, bypass: bool) -> Accelerator:
    """The machine; with `bypass` any tensor may skip the local and the global buffer."""
    machine = load_accelerator("edge4")
    if not bypass:
        return machine
    levels = tuple(
        replace(level, optional=frozenset(ROLES)) if level.name in ("GlobalBuffer", "LocalBuffer") else level
        for level in machine.levels
    )
    return replace(machine, levels=levels)


def restricted(machine: Accelerator) -> Accelerator:
    """With the axes of AccelForge's runs: loops on rows reuse the output, loops on columns the input."""
    dims = {"row": frozenset({"reduction"}), "column": frozenset({"weight_output"})}
    levels = tuple(
        replace(level, axes=tuple(replace(axis, dims=dims[axis.name]) for axis in level.axes))
        if isinstance(level, Fanout) and level.name == "array"
        else level
        for level in machine.levels
    )
    return replace(machine, levels=levels)


def shape_of(gemm: str) -> Einsum:
    return matmul(**{name: GEMMS[gemm][name] for name in ("m", "k", "n", "batch")})


@cache
def mapped(gemm: str, *, bypass: bool) -> MappedEinsum:
    return map_einsum(shape_of(gemm), edge4(bypass=bypass), Objective("edp"))


@pytest.mark.parametrize(("gemm", "space"), CASES)
def test_edp_and_latency_are_at_most_the_recorded_ones(gemm: str, space: str) -> None:
    bypass = space.startswith("bypass")
    counts, machine = mapped(gemm, bypass=bypass).counts, edge4(bypass=bypass)
    latency_s = counts.cycles.latency_cycles / machine.clock_hz
    energy_j = counts.dynamic_energy_j + machine.static_w * latency_s
    recorded = GEMMS[gemm][space]
    assert latency_s * energy_j <= recorded["edp"]
    assert latency_s <= recorded["latency_s"] * (1 + 1e-9)
    assert energy_j <= recorded["energy_j"]


SAME = 1e-7
"""Relative difference of equal optima: AccelForge computes in single precision."""

EQUAL = [case for case in CASES if case not in (("QK", "perfect"), ("QK", "bypass_perfect"))]
"""Cases whose optimum has no remainders, or where AccelForge looks at them."""


@pytest.mark.parametrize(("gemm", "space"), CASES)
def test_optimum_of_the_same_space_is_proved(gemm: str, space: str) -> None:
    """Where both may do the same, both find the same, and the proof says so."""
    machine = restricted(edge4(bypass=space.startswith("bypass")))
    found = map_einsum(shape_of(gemm), machine, Objective("edp"))
    latency_s = found.counts.cycles.latency_cycles / machine.clock_hz
    edp = (found.counts.dynamic_energy_j + machine.static_w * latency_s) * latency_s
    recorded = GEMMS[gemm][space]["edp"]
    assert found.certificate.status == "proved"
    assert edp <= recorded * (1 + SAME)
    if (gemm, space) in EQUAL:
        assert edp == pytest.approx(recorded, rel=SAME)


def test_optional_buffers_never_cost_more() -> None:
    for gemm in GEMMS:
        plain, free = (mapped(gemm, bypass=bypass) for bypass in (False, True))
        edp = [entry.counts.dynamic_energy_j * entry.counts.cycles.latency_cycles for entry in (plain, free)]
        assert edp[1] <= edp[0]
