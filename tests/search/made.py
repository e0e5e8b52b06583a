"""Files of studies made by hand: the numbers of their points are given, nothing is evaluated."""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from catx.search.evaluation import Evaluation
from catx.search.findings import Findings, read_findings
from catx.search.open_study import begin
from catx.search.space import Genome, Value
from catx.search.study_file import parse_any

TEXT = """\
study: NAME
model: {name: digits, vary: {text_layers: 1..3, vision_ffn: [0.25, 0.5, 1.0]}}
hardware:
  base: edge
  vary: {pe_width: [16, 32, 64, 128], l2_kib: [64, 128, 256]}
accuracy: {kind: proxy}
objectives: [accuracy, total_gco2e]
constraints: {latency_s: "<= 20 ms"}
search: {evaluations: 500, seed: 4}
"""

GRID = """\
study: NAME
models: [a.onnx, b.onnx]
accelerators: [edge, {base: edge, label: wide, vary: {pe_width: [16, 32]}}]
scenarios: [edge-default]
mapper: [{budget: 0}]
objectives: [latency_s, energy_j]
"""

Numbers = Callable[[dict[str, Value]], Mapping[str, float]]


def by_rule(values: dict[str, Value]) -> dict[str, float]:
    """Numbers that a few of the genes decide; `l2_kib` none of them."""
    layers, ffn, width = (
        float(values[name]) for name in ("model.text_layers", "model.vision_ffn", "hw.pe_width")
    )
    work = layers * (1 + ffn)
    return {
        "accuracy": 0.2 + 0.2 * layers + 0.1 * ffn,
        "total_gco2e": 50 * work + 3 * width,
        "latency_s": 0.2 * work / width,
        "area_mm2": width / 10,
    }


def made(
    folder: Path,
    name: str = "one",
    *,
    text: str = TEXT,
    numbers: Numbers = by_rule,
    genomes: Sequence[Genome] | None = None,
    count: int = 60,
    seed: int = 1,
    failed: Sequence[int] = (),
    measured: Sequence[int] = (),
) -> Path:
    """A file of a study.

    Args:
        folder: where it goes.
        name: of the study and the file.
        text: a study file, in which `NAME` is the name.
        numbers: of the values of a point.
        genomes: points by number; default all in some order.
        count: at most so many of them.
        seed: of the order.
        failed: numbers of points that failed.
        measured: numbers of points whose accuracy was measured.
    """
    study = parse_any(text.replace("NAME", name), str(folder / "study.yaml"))
    space = study.space
    points = list(space.every()) if genomes is None else list(genomes)
    if genomes is None:
        random.Random(seed).shuffle(points)
    path = folder / f"{name}.db"
    store = begin(study, path)
    store.begin_run({"versions": "catx by hand"})
    for number, genome in enumerate(points[:count]):
        if number in failed:
            told = Evaluation(genome=genome, numbers={}, error="no mapping", seconds=0.25)
        else:
            told = Evaluation(
                genome=genome, numbers=numbers(space.values(genome)), measured=number in measured, seconds=0.5
            )
        store.add(number, told)
    store.close()
    return path


def findings(folder: Path, name: str = "one", **how: object) -> Findings:
    """What such a file holds."""
    return read_findings(made(folder, name, **how))  # type: ignore[arg-type]  # as of `made`
