"""`catx sensitivity` from arguments to tables and JSON."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from catx.errors import OptionError
from catx.tools import cli
from catx.tools.sensitivity import parse_step
from catx.tools.sensitivity_text import change
from tests.frontend.onnx_models import model, node, save, weight

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "100")  # workers of xdist set another width

    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.catx([str(arg) for arg in args], prog_name="catx")
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, "".join(x for x in err.splitlines(True) if "catx: " not in x)

    return call


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linear layer and a softmax."""
    nodes = [node("MatMul", ["x", "w"], ["y"], name="fc"), node("Softmax", ["y"], ["p"], name="softmax")]
    proto = model(nodes, {"x": ("tokens", 48)}, {"p": None}, [weight("w", 48, 32)])
    return save(proto, tmp_path_factory.mktemp("models"), "tiny.onnx")


def test_tables(run: Run, tiny: Path) -> None:
    code, out, err = run("sensitivity", tiny, "--dim", "tokens=16", "--step", "50%")
    assert (code, err) == (0, "")
    places = [
        out.index(title)
        for title in ("Sensitivity of tiny on edge", "50 % more of one resource", "How full", "What binds")
    ]
    assert places == sorted(places)
    rows = {line[:21].strip(): line for line in out.splitlines()}
    for name in ("DRAM bandwidth", "GLB read bandwidth", "L2 capacity", "MAC rate (int8)", "vector lanes"):
        assert name in rows
    assert rows["L2 capacity"].split()[2:6] == ["512", "KiB", "768", "KiB"]
    assert rows["vector lanes"].split()[2:4] == ["256", "384"]
    assert max(map(len, out.splitlines())) <= 100


def test_layers_of_several_models_are_told_apart(run: Run, tiny: Path, tmp_path: Path) -> None:
    proto = model(
        [node("MatMul", ["x", "w"], ["y"], name="fc")], {"x": (64, 64)}, {"y": None}, [weight("w", 64, 64)]
    )
    other = save(proto, tmp_path, "other.onnx")
    code, out, err = run("sensitivity", tiny, other, "--dim", "tokens=16", "--hw", "edge4")
    assert (code, err) == (0, "")
    assert "Sensitivity of [1] tiny + [2] other on edge4" in out
    assert "[2] fc" in out


def test_carbon_has_its_own_column(run: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    code, out, err = run("sensitivity", tiny, "--dim", "tokens=16", "--objective", "carbon")
    assert (code, err) == (0, "")
    (head,) = [line for line in out.splitlines() if line.lstrip().startswith("resource ")]
    assert " ".join(head.split()) == (
        "resource from to new latency new energy latency energy EDP carbon mappings"
    )
    assert "gCO2e   per inference" in out


def test_json(run: Run, tiny: Path) -> None:
    code, out, err = run("sensitivity", tiny, "--dim", "tokens=16", "--hw", "edge4", "--json")
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert set(data) == {
        "schema",
        "catx_version",
        "objective",
        "step",
        "accelerator",
        "models",
        "scenario",
        "base",
        "resources",
        "fullness",
        "bound_by",
        "notes",
    }
    assert (data["schema"], data["objective"], data["step"]) == ("catx.sensitivity/1", "edp", 0.1)
    assert set(data["base"]) == {"latency_s", "energy_j", "edp_js", "objective_value"}
    before = data["base"]
    assert data["resources"]
    for row in data["resources"]:
        assert set(row) == {
            *("name", "kind", "dtype", "unit", "before", "after", "latency_s", "energy_j", "edp_js"),
            *("objective_value", "latency_change", "energy_change", "edp_change", "objective_change"),
            "mappings",
        }
        assert row["latency_change"] == pytest.approx(row["latency_s"] / before["latency_s"] - 1, abs=1e-12)
        assert row["objective_value"] == pytest.approx(row["latency_s"] * row["energy_j"])
        assert (row["kind"] == "rate") == (row["dtype"] is not None)
    changes = [row["objective_change"] for row in data["resources"]]
    assert changes == sorted(changes)
    assert {row["layer"] for row in data["fullness"]} == {"fc"}
    assert {row["model"] for row in data["fullness"]} == {"tiny"}
    assert sum(row["latency_share"] for row in data["bound_by"]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "step"), [("10%", 0.1), ("10 %", 0.1), ("0.1", 0.1), ("900%", 9.0), ("9", 9.0), ("0.01%", 1e-4)]
)
def test_steps(text: str, step: float) -> None:
    assert parse_step(text) == step


@pytest.mark.parametrize(
    "text", ["0", "0%", "-10%", "-0.1", "ten", "", "%", "nan", "inf", "10", "1000%", "1e99", "10 B", "10%%"]
)
def test_steps_that_are_refused(run: Run, tiny: Path, text: str) -> None:
    with pytest.raises(OptionError, match="--step"):
        parse_step(text)
    code, out, err = run("sensitivity", tiny, "--dim", "tokens=16", "--step", text)
    assert (code, out) == (2, "")
    hint = "did you mean `--step 10%`?" if text == "10" else "for example `--step 10%`"
    assert err == (
        "error: --step: expected a relative step from 0.0001 to 9 (0.01 % to 900 %: ten times as much), "
        f"not {text!r}\n  hint: {hint}\n"
    )


def test_other_mistakes_are_told_as_by_compile(run: Run, tiny: Path) -> None:
    for words, message in (
        (("--objective", "speed"), "unknown objective 'speed'"),
        (("--hw", "edgy"), "edgy"),
        (("--mapper-budget", "-1"), "mapper budget: "),
        (("--dim", "tokns=3"), "--dim"),
    ):
        code, out, err = run("sensitivity", tiny, *words)
        assert (code, out) == (2, "")
        assert err.startswith("error: ")
        assert message in err


@pytest.mark.parametrize(
    ("share", "text"),
    [(-0.0123, "-1.2 %"), (0.5, "+50.0 %"), (0.0, "0 %"), (-1e-7, ">-0.1 %"), (1e-7, "<+0.1 %")],
)
def test_changes_in_words(share: float, text: str) -> None:
    assert change(share) == text
