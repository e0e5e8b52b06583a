"""`catx demo clip`, as a user runs it."""

from pathlib import Path

import pytest

from catx.frontend.clip import load_clip
from catx.tools import cli


def test_the_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.catx(["demo", "clip", "--recover", "20", "-o", str(tmp_path / "kept")], prog_name="catx")
    out, err = capsys.readouterr()
    assert not ended.value.code, err
    assert "recall@1, recovered" in out
    assert "of 1,600 pictures" in out
    pruned = load_clip(tmp_path / "kept" / "pruned").config
    assert {block.heads for block in (*pruned.text.blocks, *pruned.vision.blocks)} == {2}
    with pytest.raises(SystemExit) as ended:
        cli.catx(["demo", "clip", "-o", str(tmp_path / "kept")], prog_name="catx")
    assert ended.value.code == 2
    assert "exists already" in capsys.readouterr().err
