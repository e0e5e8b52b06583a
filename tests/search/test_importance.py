"""Importance on tables whose rule is known."""

from pathlib import Path

import numpy as np
import pytest

from catx.errors import OptionError
from catx.search import importance
from catx.search.importance import TRUSTED, importance_of, importances
from tests.search.made import TEXT, findings


def test_the_genes_that_matter_are_found(tmp_path: Path) -> None:
    found = findings(tmp_path, count=108)
    names = [gene.name for _, gene in found.varying]
    by_metric = {one.metric: one for one in importances(found)}
    assert list(by_metric) == ["accuracy", "total_gco2e", "latency_s"]
    for one in by_metric.values():
        assert one.shares is not None
        assert one.drops is not None
        assert sum(one.shares) == pytest.approx(1)
        assert one.r2 is not None
        assert one.r2 > 0.9
        assert one.note == ""
        assert abs(one.drops[names.index("hw.l2_kib")]) < 0.02
    accuracy, carbon = by_metric["accuracy"], by_metric["total_gco2e"]
    assert accuracy.shares is not None
    assert accuracy.shares[names.index("model.text_layers")] > 0.8
    assert abs(accuracy.shares[names.index("hw.pe_width")]) < 0.02
    assert not accuracy.logarithm
    assert carbon.logarithm
    assert carbon.shares is not None
    assert carbon.shares[names.index("hw.pe_width")] > carbon.shares[names.index("model.vision_ffn")]


def test_the_same_seed_tells_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "TREES", 5)
    found = findings(tmp_path, count=30)
    assert importances(found, ["latency_s"], seed=3) == importances(found, ["latency_s"], seed=3)
    assert importances(found, ["latency_s"], seed=3) != importances(found, ["latency_s"], seed=4)


def test_what_no_gene_decides_is_not_trusted() -> None:
    generator = np.random.default_rng(1)
    genes = generator.integers(0, 4, (80, 3)).astype(float)
    noise = importance_of(genes, generator.normal(size=80), "latency_s")
    assert noise.r2 is not None
    assert noise.r2 < TRUSTED
    assert "not to be trusted" in noise.note
    same = importance_of(genes, np.ones(80), "latency_s")
    assert (same.r2, same.drops, same.shares) == (None, None, None)
    assert "the same at all points" in same.note


def test_too_few_points_and_no_gene(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="10 points have numbers; importance needs 20"):
        importances(findings(tmp_path, count=12, failed=[3, 4]))
    text = TEXT.replace("1..3", "[3]").replace("[0.25, 0.5, 1.0]", "[0.5]")
    text = text.replace("[16, 32, 64, 128]", "[16]").replace("[64, 128, 256]", "[64]")
    with pytest.raises(OptionError, match="no gene varies"):
        importances(findings(tmp_path, "fixed", text=text))
