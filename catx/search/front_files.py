"""A study's front as files: a table, and each point as a design that can be run again."""

import csv
import io
import json
import shlex
from collections.abc import Sequence
from typing import Any

from catx.search.evaluation import Design
from catx.search.grid import AnyStudy
from catx.search.model_space import ClipSpace, FamilySpace
from catx.search.points import Point
from catx.search.space import DesignSpace
from catx.search.study import AccuracyChoice, Study

SEED = 0
"""Of rankings, trainings and weights that are random in every study."""


def front_csv(space: DesignSpace, points: Sequence[Point]) -> str:
    """A row per point: its number, values of genes, all its numbers, and whether accuracy is measured."""
    genes = [gene.name for gene in space.genes]
    numbers = list(dict.fromkeys(name for point in points for name in point.evaluation.numbers))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["number", *genes, *numbers, "accuracy_is_measured"])
    for point in points:
        values = space.values(point.genome)
        found = point.evaluation.numbers
        writer.writerow(
            [
                point.number,
                *(values.get(gene, "") for gene in genes),
                *(repr(found[name]) if name in found else "" for name in numbers),
                int(point.evaluation.measured),
            ]
        )
    return text.getvalue()


def point_json(study: AnyStudy, design: Design, point: Point) -> str:
    """Everything that is known of a point, and the command that makes its model."""
    data: dict[str, Any] = {
        "schema": "catx.point/1",
        "study": study.name,
        "number": point.number,
        "values": study.space.values(point.genome),
        "numbers": dict(point.evaluation.numbers),
        "accuracy_is_measured": point.evaluation.measured,
        "mapped_for": design.evaluator.mapped_for,
        "model": model_command(study.at(point.genome), design),
    }
    return json.dumps(data, indent=1) + "\n"


def model_command(study: Study, design: Design) -> str:
    """The `catx prune` that makes a design's model; the names of models that are as they are."""
    models, choice = design.evaluator.models, study.models
    if not isinstance(models, ClipSpace | FamilySpace):
        return shlex.join(choice.names)
    options: dict[str, object] = {
        f"--{key.replace('_', '-')}": value for key, value in models.asked(design.values).items()
    }
    if isinstance(models, ClipSpace) and study.accuracy is not None:
        options |= _as_measured(study.accuracy)
    options |= {"--tokens": choice.tokens, "--context": choice.context, "-o": "model"}
    words = [str(word) for pair in options.items() if pair[1] is not None for word in pair]
    return shlex.join(["catx", "prune", choice.names[0], *words])


def _as_measured(choice: AccuracyChoice) -> dict[str, object]:
    """How `catx prune` ranks as the study did, and trains where it trained."""
    if not choice.ranks:
        return {}
    options: dict[str, object] = {"--ranking": choice.ranking}
    if choice.ranking is None and choice.importance != "none":  # `none` counts parts: any ranking will do
        options["--importance"] = choice.importance
    if choice.reads_data:
        options |= {"--data": choice.data, "--test": choice.test, "--validation": choice.validation}
    if choice.trains and choice.steps:
        options |= {
            "--recover": choice.steps,
            "--batch": choice.batch,
            "--learning-rate": choice.learning_rate,
        }
    return {**options, "--seed": SEED}
