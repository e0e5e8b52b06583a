"""Every example runs and prints what its first lines promise."""

import ast
import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.rglob("*.py"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run an example as a script; its output."""

    def call(name: str) -> str:
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return call


def figures(line: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+\.\d+|\d+", line)]


def test_compile_clip(run) -> None:
    out = run("01_compile_clip.py")
    assert "CLIP ViT-B/16 on edge: 20.5 GMAC" in out
    assert len(re.findall(r"^ +\d+ x ", out, re.MULTILINE)) == 5
    shares = [float(share) for share in re.findall(r"([\d.]+)% of the latency", out)]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 100


def test_own_hardware(run) -> None:
    rows = {
        line[:20].strip(): figures(line[22:]) for line in run("02_own_hardware/compare.py").splitlines()[1:]
    }
    latency, energy, area = ({name: row[i] for name, row in rows.items()} for i in range(3))
    assert latency["4 x multipliers"] < latency["as written"]
    assert latency["4 x buffer bandwidth"] < latency["as written"]
    assert area["4 x buffer"] > 2 * area["as written"]
    assert all(value > 0 for value in energy.values())


def test_mapping_by_hand(run) -> None:
    out = run("03_mapping_by_hand.py")
    ratio = re.search(r"by hand: ([\d.]+) times", out)
    assert ratio
    assert float(ratio[1]) >= 1.0
    assert "Too large: LocalBuffer overflows by 630272 bytes" in out


def test_carbon_scenarios(run) -> None:
    lines = run("04_carbon_scenarios.py").splitlines()
    rows = {line[:16].strip(): figures(line[16:]) for line in lines[1:4]}
    energy = {name: row[0] for name, row in rows.items()}
    operational = {name: row[1] for name, row in rows.items()}
    assert len(set(energy.values())) == 1
    assert operational["on hydropower"] < operational["catransformers"] < operational["edge-default"]
    assert any(line.startswith("  grid_gco2e_per_kwh = 24 gCO2e/kWh: hydropower") for line in lines)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_starts_with_what_it_shows(script: Path) -> None:
    text = ast.get_docstring(ast.parse(script.read_text()))
    assert text
    assert f"python {script.relative_to(EXAMPLES.parent).as_posix()}" in text


def test_the_list_is_complete() -> None:
    listed = set(re.findall(r"\]\(([^)]+)\)", (EXAMPLES / "README.md").read_text()))
    there = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*") if path.is_file()}
    assert listed == {path for path in there if "__pycache__" not in path} - {"README.md"}


def test_python_on_pages_is_valid() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (EXAMPLES / "05_onnx_from_torch.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        ast.parse(block)
