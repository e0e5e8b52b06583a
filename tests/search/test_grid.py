"""Batch studies: every combination, each as `catx compile` evaluates it."""

import re
from pathlib import Path

import pytest

import catx
from catx.errors import CatxError, OptionError, SpecError
from catx.search.build import evaluator_of
from catx.search.grid import FACTORS, Grid
from catx.search.open_study import begin, resume
from catx.search.points import front
from catx.search.runner import run
from catx.search.study_file import load_grid, load_study, parse_any
from catx.search.study_json import differences, study_from_json, study_to_json
from tests.frontend.onnx_models import model, node, save, weight
from tests.search.studies import TEXT, tiny

GRID = """\
study: several
models: [tiny.onnx, {name: [tiny.onnx, other.onnx], label: both}]
accelerators:
  - edge
  - {base: edge, label: edges, vary: {l2_kib: [64, 128], glb_mib: [2, 4]}}
scenarios:
  - edge-default
  - {name: edge-default, label: sweden, keys: {grid: sweden}}
mapper:
  - {budget: 0}
  - {mapped_for: latency, budget: pools}
  - {budget: 0, constraints: fixed.yaml}
"""
FIXED = "constraints: [{tiles: {L2.weight: {n: 1..16}}}]\n"


def several(folder: Path, text: str = GRID) -> Grid:
    """The grid, its files in the folder."""
    tiny(folder)
    nodes = [node("MatMul", ["x", "w"], ["y"], name="fc")]
    save(model(nodes, {"x": (8, 24)}, {"y": None}, [weight("w", 24, 40)]), folder, "other.onnx")
    (folder / "fixed.yaml").write_text(FIXED)
    found = parse_any(text, str(folder / "grid.yaml"))
    assert isinstance(found, Grid)
    return found


def test_all_points_once(tmp_path: Path) -> None:
    grid = several(tmp_path)
    points = list(grid.space.every())
    assert len(points) == len(set(points)) == grid.space.size == 2 * (1 + 4) * 2 * 3
    told = [tuple(grid.space.values(point).items()) for point in points]
    assert len(set(told)) == len(points)
    first = grid.space.values(points[0])
    assert first == {
        "model": "tiny",
        "accelerator": "edge",
        "scenario": "edge-default",
        "mapper": "edp, 0 steps",
    }
    assert [gene.name for gene in grid.space.genes] == [*FACTORS, "hw.l2_kib", "hw.glb_mib"]
    assert study_from_json(study_to_json(grid)) == grid
    assert differences(grid, grid) == []


def test_points_cost_what_compile_says(tmp_path: Path) -> None:
    grid = several(tmp_path)
    evaluate = evaluator_of(grid)
    for genome in ((1, 0, 1, 0), (0, 1, 0, 2, 1, 0)):
        values = grid.space.values(genome)
        machine = evaluate.design(genome).hw_yaml
        (tmp_path / "hw.yaml").write_text(machine)
        names = [tmp_path / "tiny.onnx"] + ([tmp_path / "other.onnx"] if values["model"] == "both" else [])
        report = catx.compile_model(
            names,
            tmp_path / "hw.yaml",
            scenario=grid.scenarios[genome[2]][1],
            mapper_budget=0,
            constraints=tmp_path / "fixed.yaml" if genome[3] == 2 else (),
        )
        found = evaluate(genome).numbers
        assert found["latency_s"] == pytest.approx(report.latency_s, rel=1e-12)
        assert found["total_gco2e"] == pytest.approx(report.carbon.total_gco2e, rel=1e-12)
    cleaner = [evaluate(genome).numbers["total_gco2e"] for genome in ((0, 0, 0, 0), (0, 0, 1, 0))]
    assert cleaner[1] < cleaner[0]


def test_a_run_and_its_fronts(tmp_path: Path) -> None:
    grid = several(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("catx.search.sampler.GridSampler.ask", _stops_after(30))
        with pytest.raises(KeyboardInterrupt):
            run(grid, begin(grid, tmp_path / "a.db"))
    points = run(grid, resume(grid, tmp_path / "a.db"))
    assert [point.genome for point in points] == list(grid.space.every())
    assert not [point.evaluation.error for point in points if point.evaluation.error]
    best = front(points)
    for point in points:
        beaten = any(
            other.group == point.group
            and other.costs != point.costs
            and all(a <= b for a, b in zip(other.costs or (), point.costs or (), strict=True))
            for other in points
        )
        assert beaten != (point in best)
    assert {point.group for point in best} == {(model, scenario) for model in (0, 1) for scenario in (0, 1)}


def _stops_after(most: int):  # type: ignore[no-untyped-def]
    from catx.search.sampler import GridSampler

    ask, asked = GridSampler.ask, 0

    def stopping(self: GridSampler, count: int) -> list[tuple[int, ...]]:
        nonlocal asked
        if asked >= most:
            raise KeyboardInterrupt
        asked += count
        return ask(self, count)

    return stopping


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[tiny.onnx, {", "[tiny.onnx, tiny.onnx, {", "two choices of model are called 'tiny'"),
        ("models: [", "models: []\nmodls: [", "did you mean 'models'"),
        ("- edge\n", "- egde\n", "did you mean 'edge'"),
        ("keys: {grid: sweden}", "keys: {grid: swedn}", "swed"),
        ("keys: {grid: sweden}", "keys: {gird: 3}", "did you mean 'grid'"),
        ("fixed.yaml}", "none.yaml}", "no such file"),
        ("{budget: 0, constraints", "{budget: pools, constraints", "pools obey no constraints"),
        ("mapped_for: latency", "mapped_for: speed", "latency"),
        ("scenarios:\n", "objectives: [accuracy]\nscenarios:\n", "nothing says how it is found"),
        ("scenarios:\n", "constraints: {latency_s: '< 3 ms'}\nscenarios:\n", "expected a bound such as"),
        ("{l2_kib: [64, 128]", "{l2_kib: [64, 64]", "64 stands twice"),
    ],
)
def test_mistakes_have_lines(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GRID
    with pytest.raises(SpecError, match=re.escape(message)) as raised:
        several(tmp_path, GRID.replace(old, new, 1))
    assert re.search(r"\.yaml(:\d+)?", str(raised.value))


def test_what_accelerators_tell(tmp_path: Path) -> None:
    with pytest.raises(CatxError, match="unknown key; did you mean 'l2_kib'"):
        evaluator_of(several(tmp_path, GRID.replace("l2_kib", "l2_kb")))


def test_grids_and_searches_are_told_apart(tmp_path: Path) -> None:
    several(tmp_path)
    (tmp_path / "grid.yaml").write_text(GRID)
    (tmp_path / "study.yaml").write_text(TEXT)
    with pytest.raises(SpecError, match="this is a grid") as raised:
        load_study(tmp_path / "grid.yaml")
    assert "catx study" in raised.value.hint
    with pytest.raises(SpecError, match="not a grid") as raised:
        load_grid(tmp_path / "study.yaml")
    assert "catx search" in raised.value.hint


def test_files_that_changed_stop_a_study(tmp_path: Path) -> None:
    grid = several(tmp_path)
    store = begin(grid, tmp_path / "a.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("catx.search.sampler.GridSampler.ask", _stops_after(20))
        with pytest.raises(KeyboardInterrupt):
            run(grid, store)
    store.close()
    whole = (tmp_path / "other.onnx").read_bytes()
    nodes = [node("MatMul", ["x", "w"], ["y"], name="fc")]
    save(model(nodes, {"x": (8, 24)}, {"y": None}, [weight("w", 24, 48)]), tmp_path, "other.onnx")
    with pytest.raises(OptionError, match=r"other.onnx has changed since"):
        resume(grid, tmp_path / "a.db")
    (tmp_path / "other.onnx").write_bytes(whole)
    resume(grid, tmp_path / "a.db").close()


def test_the_sweep_of_the_paper() -> None:
    assert load_grid("clip-sweep").space.size == 3240
