"""Bad hardware files: every problem is told, with its line, key, what was expected, and the nearest name."""

import os
from pathlib import Path

import pytest
import yaml

from catx.errors import SpecError
from catx.frontend.hardware import accelerator_text, load_accelerator, parse_accelerator
from tests.frontend.hardware_text import BASE, edited


def error_of(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        parse_accelerator(text, "hw.yaml")
    return caught.value


def cases() -> list[tuple[str, str, str, str]]:
    text = Path(__file__).with_name("hardware_errors.txt").read_text(encoding="utf-8")
    records = [record.replace("\\n", "\0").splitlines() for record in text.split("\n--\n")[1:]]
    return [(old.replace("\0", "\n"), new.replace("\0", "\n"), *rest) for old, new, *rest in records]


@pytest.mark.parametrize(("old", "new", "where", "message"), cases())
def test_one_problem(old: str, new: str, where: str, message: str) -> None:
    error = error_of(edited((old, new)))
    assert error.loc is not None
    assert error.loc.line > 0
    assert error.loc.where == where or f"[{where}]: " in str(error), str(error)
    assert message in str(error)


@pytest.mark.parametrize("key", ["name", "clock", "technology", "levels", "compute"])
def test_missing_keys_are_named_with_what_they_hold(key: str) -> None:
    data = yaml.safe_load(BASE)
    del data[key]
    assert f"missing key '{key}'" in str(error_of(yaml.safe_dump(data, sort_keys=False)))


def test_lines_point_at_the_key() -> None:
    error = error_of(edited(("capacity: 4 B", "capacity: 4")))
    assert error.loc is not None
    assert BASE.splitlines()[error.loc.line - 1].strip() == "capacity: 4 B"
    assert str(error).startswith(f"hw.yaml:{error.loc.line} [levels[3].capacity]: expected a size")


def test_all_problems_are_told_at_once_in_file_order() -> None:
    text = edited(
        ("clock: 500 MHz", "clock: fast"),
        ("capacity: 1 MiB", "capacty: 1 MiB"),
        ("size: 4", "size: -4"),
        ("lanes: 16", "lanes: 0"),
    )
    error = error_of(text)
    lines = str(error).splitlines()
    assert lines[0] == "hw.yaml:2: 4 problems"
    assert [line.split("[", 1)[1].split("]:")[0] for line in lines[1:]] == [
        "clock",
        "levels[1].capacty",
        "levels[2].axes[1].size",
        "compute.vector.lanes",
    ]


def test_inconsistencies_are_told_at_once_too() -> None:
    text = edited(
        ("fanout: array", "fanout: GLB"),
        ("memory: GLB\n    lanes", "memory: L7\n    lanes"),
        ("keeps: [weight, output]\n    optional: [output]", "keeps: []"),
    )
    assert "3 problems" in str(error_of(text))


def test_many_problems_are_cut() -> None:
    text = BASE + "".join(f"x{i}: 1\n" for i in range(500))
    assert "... and 480 more" in str(error_of(text))
    assert len(str(error_of(text))) < 10_000


def test_the_outermost_level_is_a_memory() -> None:
    start, end = BASE.index("  - memory: DRAM"), BASE.index("  - fanout")
    assert "the outermost level must be a memory" in str(error_of(BASE[:start] + BASE[end:]))


def test_too_many_instances() -> None:
    text = edited(("size: 8,", "size: 1000000,"), ("size: 4,", "size: 1000000,"))
    assert "more than 100000000 instances" in str(error_of(text))


def test_long_and_odd_keys_stay_short_and_visible() -> None:
    error = error_of(BASE + f'"{"k" * 5000}": 1\n"\\e[2J": 1\n')
    assert len(str(error)) < 2000
    assert "\x1b" not in str(error)


class TestFiles:
    def test_nearest_builtin(self) -> None:
        with pytest.raises(SpecError, match="did you mean 'edge'") as caught:
            load_accelerator("egde")
        assert "eyeriss_like" in caught.value.hint

    def test_unknown_builtin_text(self) -> None:
        with pytest.raises(SpecError, match="did you mean 'a100_like'"):
            accelerator_text("a100")

    @pytest.mark.parametrize("name", ["no/such.yaml", "missing.yaml", "x\0y", "", "y" * 100_000])
    def test_paths_that_are_none(self, name: str) -> None:
        with pytest.raises(SpecError) as caught:
            load_accelerator(name)
        assert len(str(caught.value)) < 200_500

    def test_directory(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="not a regular file"):
            load_accelerator(tmp_path)

    def test_fifo_does_not_hang(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(SpecError, match="not a regular file"):
            load_accelerator(tmp_path / "pipe")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "the file is empty"),
            (b"\x08\x01\x12\x00onnx\xff\xfe", "this looks like an ONNX model"),
            (b"name: \xe9\n", "not UTF-8 text"),
            (b"PK\x03\x04\x00\x00", "this looks like a zip archive"),
            (b"x: y\n" * 300_000, "larger than"),
        ],
    )
    def test_wrong_content(self, tmp_path: Path, content: bytes, message: str) -> None:
        path = tmp_path / "hw.yaml"
        path.write_bytes(content)
        with pytest.raises(SpecError, match=message) as caught:
            load_accelerator(path)
        assert str(path) in str(caught.value)

    def test_unreadable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "hw.yaml"
        path.write_text(BASE)

        def denied(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("builtins.open", denied)
        with pytest.raises(SpecError, match="Permission denied"):
            load_accelerator(path)
