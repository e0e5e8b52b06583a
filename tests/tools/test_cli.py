"""The command line, from arguments to exit codes. Models are tiny; each test is one habit of a user."""

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from catx.frontend.hardware import DEFAULT
from catx.frontend.models import builtin_models
from catx.ir.scenario import Scenario
from catx.mapper.objective import OBJECTIVES
from catx.tools import cli, inputs
from catx.tools.compile import compile_models
from tests.frontend.onnx_models import model, node, save, weight

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: exit code, standard output, standard error."""

    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.catx([str(arg) for arg in args], prog_name="catx")
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


SIZE = "expected a positive integer up to 2^48"


def in_shell(script: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a script with `catx` as a command."""
    command = f"catx() {{ '{sys.executable}' -c 'from catx.tools.cli import main; main()' \"$@\"; }}\n"
    return subprocess.run(
        ["bash", "-c", "set -o pipefail\n" + command + script],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"} | settings,
        check=False,
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two linear layers of the same shape, an activation between them, and a reshape."""
    nodes = [
        node("MatMul", ["x", "w1"], ["h"], name="first"),
        node("Relu", ["h"], ["r"], name="relu"),
        node("MatMul", ["r", "w2"], ["y"], name="second"),
        node("Softmax", ["y"], ["p"], name="softmax"),
        node("Flatten", ["p"], ["z"], name="flat"),
    ]
    weights = [weight("w1", 16, 16), weight("w2", 16, 16)]
    proto = model(nodes, {"x": ("tokens", 16)}, {"z": None}, weights)
    return save(proto, tmp_path_factory.mktemp("models"), "tiny.onnx")


@pytest.fixture(scope="module")
def compiled(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a compile run."""
    folder = tmp_path_factory.mktemp("compiled") / "out"
    with pytest.raises(SystemExit) as ended:
        cli.catx(["compile", str(tiny), "--dim", "tokens=7", "-o", str(folder), "--json"], prog_name="catx")
    assert not ended.value.code
    return folder


def loaded(path: Path) -> Any:
    return json.loads(path.read_text())


def test_compile_writes_three_files(compiled: Path) -> None:
    names = sorted(path.name for path in compiled.iterdir())
    assert names == [".catx.json", "layers.csv", "mapping.yaml", "report.json"]
    schema = json.loads(files("catx.data").joinpath("report.schema.json").read_text())
    data = loaded(compiled / "report.json")
    jsonschema.Draft202012Validator(schema).validate(data)
    assert data["totals"]["macs"] == 2 * 7 * 16 * 16
    assert data["coverage"]["free"] == 1
    mapped = [layer for layer in data["layers"] if layer["kind"] == "einsum"]
    assert sorted(name for layer in mapped for name in layer["names"]) == ["first", "second"]
    assert data["models"][0]["sha256"]
    assert data["accelerator"]["name"] == "edge"


def test_json_is_the_file_and_nothing_else(run: Run, tiny: Path, compiled: Path) -> None:
    code, out, err = run("compile", tiny, "--dim", "tokens=7", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == loaded(compiled / "report.json")


def test_report_on_a_terminal(run: Run, tiny: Path) -> None:
    code, out, err = run("compile", tiny, "--dim", "tokens=7", "--objective", "latency", "--hw", "edge4")
    assert (code, err) == (0, "")
    assert "tiny on edge4" in out
    assert "objective latency" in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 100


def test_a_scenario_of_a_file(run: Run, tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "windy.yaml"
    file.write_text("base: edge-default\ngrid: 10 g/kWh\n")
    code, out, err = run("compile", tiny, "--dim", "tokens=7", "--scenario", file, "--json")
    assert (code, err) == (0, "")
    scenario = json.loads(out)["scenario"]
    assert (scenario["name"], scenario["grid_gco2e_per_kwh"], scenario["lifetime_years"]) == ("windy", 10, 3)


def test_several_models_make_one_report(run: Run, tiny: Path, tmp_path: Path) -> None:
    other = model(
        [node("MatMul", ["x", "w"], ["y"], name="fc")], {"x": ("b", 8)}, {"y": None}, [weight("w", 8, 8)]
    )
    second = save(other, tmp_path, "other.onnx")
    code, out, _ = run("compile", tiny, second, "--dim", "tokens=7", "--dim", "b=2", "--json")
    assert code == 0
    assert [m["name"] for m in json.loads(out)["models"]] == ["tiny", "other"]
    assert {layer["model"] for layer in json.loads(out)["layers"]} == {"tiny", "other"}
    code, _, err = run("compile", tiny, second, "--dim", "tokens=7", "--dim", "c=2")
    assert code == 2
    assert err == (
        "error: --dim c: none of the models has such a dimension\n  hint: their dimensions are b, tokens\n"
    )


def test_a_misspelt_dimension(run: Run, tiny: Path) -> None:
    code, out, err = run("compile", tiny, "--dim", "tokns=1")
    assert (code, out) == (2, "")
    assert "--dim 'tokns': the model has no such dimension; did you mean 'tokens'?" in err
    assert err.endswith("hint: its dimensions are tokens\n")


def test_evaluate_gives_the_same_numbers(run: Run, tiny: Path, compiled: Path, tmp_path: Path) -> None:
    mapping = compiled / "mapping.yaml"
    code, out, err = run(
        "evaluate", tiny, "--dim", "tokens=7", "--mapping", mapping, "--json", "-o", tmp_path
    )
    assert (code, err) == (0, "")
    again, first = json.loads(out), loaded(compiled / "report.json")
    assert again == loaded(tmp_path / "report.json")
    assert again["totals"] == first["totals"]
    for layer, before in zip(again["layers"], first["layers"], strict=True):
        before.pop("certificate", None)
        assert layer == before
    strip = re.compile("objective: .*")
    texts = [strip.sub("", (folder / "mapping.yaml").read_text()) for folder in (tmp_path, compiled)]
    assert texts[0] == texts[1]


def test_evaluate_takes_dims_in_any_order(run: Run, tiny: Path, compiled: Path, tmp_path: Path) -> None:
    def turned(found: re.Match[str]) -> str:
        return f"dims: {{{', '.join(reversed(found[1].split(', ')))}}}"

    mapping, text = tmp_path / "mapping.yaml", (compiled / "mapping.yaml").read_text()
    mapping.write_text(re.sub(r"dims: \{(.*)\}", turned, text))
    assert mapping.read_text() != text
    code, out, err = run("evaluate", tiny, "--dim", "tokens=7", "--mapping", mapping, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["totals"] == loaded(compiled / "report.json")["totals"]


def test_evaluate_keeps_the_edited_file(run: Run, tiny: Path, compiled: Path, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("# my notes\n" + (compiled / "mapping.yaml").read_text())
    code, _, _ = run("evaluate", tiny, "--dim", "tokens=7", "--mapping", mapping, "-o", tmp_path)
    assert code == 0
    assert mapping.read_text().startswith("# my notes\n")
    assert (tmp_path / "report.json").exists()


def test_evaluate_tells_an_illegal_nest(run: Run, tiny: Path, compiled: Path, tmp_path: Path) -> None:
    text = (compiled / "mapping.yaml").read_text()
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(re.sub(r"loop: m, tile: \d+", "loop: m, tile: 99", text, count=1))
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "- {loop: m" in row)
    code, out, err = run("evaluate", tiny, "--dim", "tokens=7", "--mapping", mapping)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {mapping}:{line} [O[m,n] += ")
    assert "the tile must lie in 1..7" in err


def test_evaluate_names_a_layer_without_mapping(
    run: Run, tiny: Path, compiled: Path, tmp_path: Path, golden: Callable[[str], None]
) -> None:
    narrow = model(
        [node("MatMul", ["x", "w"], ["y"], name="fc")], {"x": ("b", 8)}, {"y": None}, [weight("w", 8, 8)]
    )
    other = save(narrow, tmp_path, "other.onnx")
    args = ("--dim", "tokens=7", "--dim", "b=2", "--mapping", compiled / "mapping.yaml")
    code, out, err = run("evaluate", tiny, other, *args)
    assert (code, out) == (2, "")
    golden(err.replace(str(compiled), "out"))


def test_evaluate_tells_mappings_of_other_models(
    run: Run, tiny: Path, compiled: Path, golden: Callable[[str], None]
) -> None:
    code, out, err = run("evaluate", tiny, "--dim", "tokens=8", "--mapping", compiled / "mapping.yaml")
    assert (code, out) == (2, "")
    golden(err.replace(str(compiled), "out"))


def test_evaluate_tells_mappings_of_another_accelerator(
    run: Run, tiny: Path, compiled: Path, golden: Callable[[str], None]
) -> None:
    args = ("--dim", "tokens=7", "--hw", "eyeriss_like", "--mapping", compiled / "mapping.yaml")
    code, out, err = run("evaluate", tiny, *args)
    assert (code, out) == (2, "")
    golden(err.replace(str(compiled), "out"))


def test_evaluate_says_when_the_accelerator_is_another(
    run: Run, tiny: Path, compiled: Path, tmp_path: Path
) -> None:
    _, text, _ = run("hw", "show", "edge")
    (tmp_path / "hw.yaml").write_text(text.replace("name: edge", "name: mine"))
    args = ("--dim", "tokens=7", "--hw", tmp_path / "hw.yaml", "--mapping", compiled / "mapping.yaml")
    code, _, err = run("evaluate", tiny, *args)
    assert code == 0
    assert "note:" in err
    assert "written for edge" in err


def test_ops(run: Run, tiny: Path, golden: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")  # workers of xdist set another width
    code, out, _ = run("ops", tiny, "--dim", "tokens=7")
    assert code == 0
    golden(out.replace(str(tiny), "tiny.onnx"))


def test_ops_as_json(run: Run, tiny: Path, golden: Callable[[str], None]) -> None:
    code, out, err = run("ops", tiny, "--dim", "tokens=7", "--json")
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert len(data["models"][0].pop("sha256")) == 64
    golden(json.dumps(data, indent=1).replace(str(tiny), "tiny.onnx") + "\n")


@pytest.mark.parametrize(
    ("verb", "key", "keys"),
    [
        ("hw", "accelerators", {"name", "description", "source", "default"}),
        ("models", "models", {"name", "description", "source", "files"}),
        (
            "scenarios",
            "scenarios",
            {"sources", "default", *(f.name for f in fields(Scenario) if f.name != "sources")},
        ),
    ],
)
def test_lists_as_json(run: Run, verb: str, key: str, keys: set[str]) -> None:
    code, out, err = run(verb, "--json")
    assert (code, err) == (0, "")
    data = json.loads(out)
    assert data.pop("schema") == f"catx.{key}/1"
    assert list(data) == [key]
    assert all(row.keys() == keys for row in data[key])
    names = [row["name"] for row in data[key]]
    _, table, _ = run(verb)
    assert sorted(names, key=table.index) == names
    assert [row["name"] for row in data[key] if row.get("default")] == (
        [names[0]] if verb != "models" else []
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("models",), ("clip_vit_b16",)),
        (("hw",), ("edge", "a100_like")),
        (("hw", "show", "edge4"), ("name: edge4",)),
        (("hw", "show", "edge", "--expand"), ("levels:",)),
        (("hw", "schema"), ('"$schema"',)),
        (("scenarios",), ("edge-default", "the default")),
        (("--version",), ("catx ",)),
        (("compile", "--version"), ("catx ",)),
        (("compile", "--help"), ("--objective", "--dim", "--allow-unknown")),
    ],
)
def test_what_is_built_in(run: Run, args: tuple[str, ...], words: tuple[str, ...]) -> None:
    code, out, err = run(*args)
    assert (code, err) == (0, "")
    assert all(word in out for word in words)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("compile", "missing.onnx"), ("error: missing.onnx: ",)),
        (("compile", "clip_vit"), ("error: ", "clip_vit_b16")),
        (("compile", "clip_vit_b16_txt"), ("error: ", "did you mean 'clip_vit_b16_text'?", "built in are")),
        (("compile", ""), ("error: no built-in model and no file ''",)),
        (("compile", "--hw", "egde"), ("error: ", "did you mean 'edge'?", "built in are edge, ")),
        (("compile", "--hw", ""), ("error: no built-in accelerator and no file ''",)),
        (("compile", "--scenario", "edge"), ("error: ", "did you mean 'edge-default'?", "built in are ")),
        (("compile", "--scenario", ""), ("error: no built-in scenario ''", "built in are ")),
        (("compile", "--dim", "batch"), ("error: --dim 'batch'", "batch=1")),
        (("compile", "--dim", "=1"), ("expected NAME=VALUE",)),
        *(
            (("compile", "--dim", f"batch={size}"), (f"--dim batch: {SIZE}, not '{size}'", "--dim batch=1`"))
            for size in ("0", "-1", "1.5", "x", "", "1_0", "\u0663", "281474976710657", "9" * 23)
        ),
        (("compile", "--dim", "b=1", "--dim", "b=2"), ("twice",)),
        (("compile", "-o", __file__), ("is a file, not a folder",)),
        (("compile", "-o", Path(__file__) / "out"), ("cannot write into",)),
        (("compile", "-o", ""), ("error: -o '': an empty path names no folder",)),
        (
            ("compile", "--objective", "speed"),
            ("error: unknown objective 'speed'", "known are latency, "),
        ),
        (("compile", "--objective", "Energie"), ("error: ", "did you mean 'energy'?")),
        (("compile", "--objective", ""), ("error: unknown objective ''",)),
        (("compile", "--nonsense"), ("--nonsense",)),
        (("nonsense",), ("nonsense",)),
        (("hw", "--json", "show", "edge"), ("error: --json prints the list",)),
        (("hw", "show", __file__), ("is shown in its general form only", "--expand")),
        (("hw", "show", "egde"), ("error: ", "'edge'")),
        (("hw", "show", "x" * 300), ("error: no built-in accelerator 'xxx",)),
        (("compile", "x" * 300), ("error: no built-in model and no file 'xxx",)),
        (("evaluate",), ("--mapping",)),
        (("evaluate", "--mapping", "missing.yaml"), ("error: missing.yaml: no such file",)),
        (("evaluate", "--mapping", ""), ("error: an empty path names no file",)),
        (("evaluate", "--mapping", "."), ("error: .: not a regular file",)),
        (("evaluate", "--mapping", "missing.yaml", "-o", ""), ("error: -o '': ",)),
        (("ops",), ("MODEL",)),
    ],
)
def test_mistakes_exit_with_2(run: Run, args: tuple[str, ...], words: tuple[str, ...]) -> None:
    code, out, err = run(*args)
    assert (code, out) == (2, "")
    assert all(word in err for word in words), err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("args", "block"),
    [
        (
            ("compile", "--jsn"),
            "no such option: --jsn; did you mean '--json'?\n  hint: `catx compile --help`",
        ),
        (("hw", "show"), "missing argument 'NAME'\n  hint: `catx hw show --help`"),
        (("compile", "--hw"), "option '--hw' requires an argument\n"),
        (("models", "x"), "unexpected words after `catx models`: x"),
        (
            ("comple",),
            "no such command: 'comple'; did you mean 'compile'?\n  hint: the commands are compile, ",
        ),
        (
            ("hw", "shw"),
            "no such command: 'shw'; did you mean 'show'?\n  hint: the commands are ",
        ),
        (("x.onnx",), "no such command: 'x.onnx'\n  hint: to compile a model: `catx compile x.onnx`\n"),
        (
            ("--objective", "edp", "compile"),
            "no such option before a command: --objective\n  hint: it stands after the command: "
            "`catx compile ... --objective`\n",
        ),
        (("compile", "-objective=edp"), "no such option: -objective; did you mean '--objective'?\n"),
        (("compile", "x.onnx", "-output", "y"), "no such option: -output; did you mean '--output'?\n"),
    ],
)
def test_mistakes_of_use_are_one_block(run: Run, args: tuple[str, ...], block: str) -> None:
    code, out, err = run(*args)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {block}")
    assert err.count("\n") <= 2


def test_without_a_command_there_is_help(run: Run) -> None:
    code, out, err = run()
    assert (code, err) == (2, "")
    assert "Usage" in out
    assert "compile" in out


def test_results_do_not_go_over_files_of_the_user(run: Run, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "layers.csv").write_text("mine\n")
    code, out, err = run("compile", tiny, "--dim", "tokens=7", "-o", tmp_path)
    assert (code, out) == (2, "")
    assert "not written by catx" in err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine\n"]


def test_kernels_that_cannot_be_kept_are_told(
    run: Run, tiny: Path, compiled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("mine")
    monkeypatch.setenv("CATX_CACHE_DIR", str(tmp_path / "cache"))
    args = ("evaluate", tiny, "--dim", "tokens=7", "--mapping", compiled / "mapping.yaml", "--json")
    code, _, err = run(*args)
    assert code == 0
    (note,) = [line for line in err.splitlines() if not line.startswith("catx: ")]
    assert note.startswith(
        f"note: compiled kernels and found mappings could not be written to {tmp_path / 'cache'}, "
    )


def test_ctrl_c(run: Run, monkeypatch: pytest.MonkeyPatch, tiny: Path) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(inputs, "load_models", interrupted)
    assert run("compile", tiny) == (130, "", "interrupted\n")


def test_a_bug_is_no_mistake_of_the_user(monkeypatch: pytest.MonkeyPatch, tiny: Path) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(inputs, "load_models", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        cli.catx(["ops", str(tiny)], prog_name="catx")


def test_defaults_of_the_command_line_are_those_of_the_library() -> None:
    assert inspect.signature(compile_models).parameters["objective"].default in OBJECTIVES
    assert DEFAULT == "edge"
    assert set(inputs.DEFAULT_MODELS) <= set(builtin_models())


def test_a_reader_that_goes_away() -> None:
    ended = in_shell("{ sleep 0.2; catx scenarios; echo $? >&2; } | true; catx hw show edge | head -1")
    assert (ended.returncode, ended.stderr) == (0, "141\n")
    assert len(ended.stdout.splitlines()) == 1


def test_a_full_disk_behind_stdout() -> None:
    for verb in ("hw schema", "compile --help", "--help", "hw --help"):
        ended = in_shell(f"catx {verb} > /dev/full")
        assert (ended.returncode, ended.stdout) == (2, "")
        assert ended.stderr == "error: cannot write to standard output: No space left on device\n"


def test_help_for_nobody() -> None:
    ended = in_shell("{ sleep 0.2; catx --help; echo $? >&2; } | true; catx --help >&-; echo $?")
    assert ended.stderr == "141\nerror: standard output is closed\n"
    assert ended.stdout == "2\n"


def test_an_uncaught_bug_exits_with_1() -> None:
    script = "import catx.tools.cli as c\ndef bug(): raise RuntimeError\nc.catx.command('bug')(bug)\nc.main()"
    ended = subprocess.run([sys.executable, "-c", script, "bug"], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Traceback")
    assert ended.stdout == ""


def test_nothing_heavy_is_imported_before_a_verb_runs() -> None:
    script = "import sys, catx.tools.cli; print(*{m.split('.')[0] for m in sys.modules})"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"numpy", "numba", "onnx", "rich", "yaml", "pydantic", "networkx"} & set(ended.stdout.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--seed", "x"), "--seed: expected a whole number, not 'x'"),
        (("--seed", "-1"), "--seed: expected 0 or more, not '-1'"),
        (("--seed", "99999999999999999999999"), "--seed: expected at most 4294967295"),
        (("--batch", "1"), "--batch: expected 2 or more, not '1'"),
        (("--learning-rate", "fast"), "--learning-rate: expected a number, not 'fast'"),
        (("more", "words"), "unexpected words after MODEL: more words"),
        (("-o", ""), "-o '': an empty path names no folder"),
    ],
)
def test_values_that_are_none_are_told_in_catx_words(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run("prune", "digits", "-o", "out", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert list(tmp_path.iterdir()) == []
