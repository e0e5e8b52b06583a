"""Values that rankings measured, between runs and between processes."""

from pathlib import Path

import pytest

from catx.frontend.clip.measured_store import ShelfStore


def test_runs_at_once_keep_the_values_of_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATX_CACHE_DIR", str(tmp_path))
    one, other = ShelfStore("weights data"), ShelfStore("weights data")
    one.put("layer 0", 0.25)
    other.put("layer 1", 0.5)
    one.put("layer 2", 1)
    for store in (one, other, ShelfStore("weights data")):
        assert [store.get(f"layer {at}") for at in range(4)] == [0.25, 0.5, 1.0, None]
    assert ShelfStore("other weights").get("layer 0") is None
