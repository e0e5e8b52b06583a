"""What the documentation shows runs, and what it links to exists."""

import doctest
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import catx.api
from catx.tools import cli
from tests.frontend.onnx_models import model, node, save, weight

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md", "docs/sensitivity.md"])
def test_python_blocks_run(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), {})
    assert "mJ" in capsys.readouterr().out


def test_docstring_example() -> None:
    assert doctest.testmod(catx.api).failed == 0
    assert doctest.testmod(catx.api).attempted >= 3


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


HARDWARE = re.search(r"```yaml\n(template: .*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
EXAMPLES = [
    "README.md",
    "docs/quickstart.md",
    "docs/hw-yaml.md",
    "docs/report.md",
    "docs/sensitivity.md",
    "examples/05_onnx_from_torch.md",
]


def commands(page: str) -> Iterator[list[str]]:
    """The words of every line of a page's shell blocks that starts with `catx`."""
    text = (ROOT / page).read_text()
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    blocks = [block for language, block in fenced if language in ("", "bash")]
    for line in "\n".join([*blocks, *re.findall(r"\n    (catx .*)", text)]).splitlines():
        words = shlex.split(line, comments=True) if line.startswith("catx") else []
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            yield words[:end]
            words = words[end + 1 :]


def save_model(path: Path, *, dynamic: bool) -> None:
    rows: Any = "batch" if dynamic else 3
    proto = model(
        [node("MatMul", ["x", "w"], ["y"], name="fc")], {"x": (rows, 8)}, {"y": None}, [weight("w", 8, 8)]
    )
    save(proto, path.parent, path.name)


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command as a shell would."""
    target = None
    if ">" in words:
        words, target = words[: words.index(">")], Path(words[-1])
    names = {"MODEL": "model.onnx", "HW": "my.yaml", "DIR": "out", "FILE": "out/mapping.yaml"}
    words = [names.get(word, word) for word in words]
    for word in words:
        if word.endswith(".onnx"):
            save_model(Path(word).absolute(), dynamic="--dim" in words)
    app = get_command(cli.catx)
    args = ["compile", *words[1:]] if words[0] == "catx-compile" else words[1:]
    capsys.readouterr()
    app.main(args, prog_name="catx", standalone_mode=False)
    out, err = capsys.readouterr()
    assert out
    assert err == ""
    if target:
        target.write_text(out)


@pytest.mark.parametrize("page", EXAMPLES)
def test_commands_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert HARDWARE
    for name in ("hw.yaml", "my.yaml", "my-edge.yaml"):
        (tmp_path / name).write_text(HARDWARE[1])
    (tmp_path / "my-grid.yaml").write_text("base: edge-default\ngrid: 24 g/kWh\n")
    (tmp_path / "study.yaml").write_text("constraints: [{bypass: {GLB: [weight]}}]\n")
    monkeypatch.chdir(tmp_path)
    lines = list(commands(page))
    assert lines
    if page == "docs/report.md":  # it begins after a compile run
        run(shlex.split("catx compile MODEL --hw HW -o ."), capsys)
    for words in lines:
        run(words, capsys)


def verbs(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    yield name, command
    for verb, inner in getattr(command, "commands", {}).items():
        yield from verbs(inner, f"{name} {verb}")


@pytest.mark.parametrize(
    ("name", "command"), list(verbs(get_command(cli.catx), "catx")), ids=lambda x: str(x)[:20]
)
def test_options_are_documented(name: str, command: Any) -> None:
    page = (ROOT / "docs" / "command-line.md").read_text()
    sections = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))
    told = set(re.findall(r"`(-[^` ]*)(?: [A-Z=]+)?`", sections[name]))
    have = {option for parameter in command.params for option in parameter.opts if option.startswith("-")}
    assert told - {"--help", "-h"} == have - {"--help", "-h"}
