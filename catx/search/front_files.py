"""A study's front as files: a table, and each point as a design that can be run again."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from catx.search.evaluation import Design
from catx.search.grid import AnyStudy
from catx.search.model_space import ClipSpace, FamilySpace
from catx.search.runner import Point
from catx.search.space import DesignSpace
from catx.search.study import AccuracyChoice, Study


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
    models = design.evaluator.models
    names = study.models.names
    if not isinstance(models, ClipSpace | FamilySpace):
        return " ".join(names)
    options = [f"--{key.replace('_', '-')} {value}" for key, value in models.asked(design.values).items()]
    if study.accuracy is not None and study.accuracy.kind == "finetune":
        options += _training_options(study.accuracy)
    if study.models.tokens is not None:
        options.append(f"--tokens {study.models.tokens}")
    if study.models.context is not None:
        options.append(f"--context {study.models.context}")
    return " ".join(["catx prune", names[0], *options, "-o model"])


def _training_options(choice: AccuracyChoice) -> list[str]:
    """How `catx prune` ranks and trains as the study did."""
    given = {
        "--importance": choice.importance if choice.ranking is None else None,
        "--ranking": choice.ranking,
        "--data": choice.data,
        "--test": choice.test,
        "--validation": choice.validation,
        "--recover": choice.steps or None,
        "--batch": choice.batch if choice.steps else None,
        "--learning-rate": choice.learning_rate if choice.steps else None,
    }
    return [f"{option} {value}" for option, value in given.items() if value is not None]
