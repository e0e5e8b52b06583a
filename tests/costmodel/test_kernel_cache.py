"""Progress says when kernels are compiled, and does not where their machine code is on disk."""

from pathlib import Path

import pytest

from catx.costmodel.kernel_cache import COMPILING, SHELF, kernels_cached, phase_of
from catx.mapper.tree_search import search_front
from tests.tools.reports import MACHINE, matmul


def test_a_cold_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATX_CACHE_DIR", str(tmp_path))
    assert not kernels_cached("costmodel")
    assert phase_of("costing", "costmodel") == COMPILING
    (SHELF.folder / "costmodel").mkdir(parents=True)
    (SHELF.folder / "costmodel" / "nest_kernel.evaluate_nest-0.nbc").touch()
    assert phase_of("costing", "costmodel") == "costing"
    assert phase_of("costing", "costmodel", "mapper") == COMPILING


def test_a_folder_that_may_not_be_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "glob", refuse)
    assert not kernels_cached("costmodel")


def test_numba_keeps_its_files_where_they_are_looked_for() -> None:
    search_front(matmul(4, 4, 4), MACHINE, 1_000)
    assert phase_of("costing", "costmodel", "mapper") == "costing"
