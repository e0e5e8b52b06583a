"""Studies as JSON text, without loss: what a study file on disk is resumed and read by."""

import json
from dataclasses import fields, is_dataclass, replace
from typing import Any

from catx.errors import Loc, SpecError
from catx.ir.constraints import Block, Keep, Order, Range, Tile, Unroll
from catx.ir.plain import from_plain, to_plain
from catx.ir.scenario import Profile, Scenario
from catx.mapper.options import Seconds
from catx.search.grid import AnyStudy, Grid, MapperChoice
from catx.search.study import (
    AccuracyChoice,
    Goal,
    HardwareChoice,
    Limit,
    ModelChoice,
    SearchPlan,
    Study,
)

_CLASSES = (
    Study,
    Grid,
    MapperChoice,
    ModelChoice,
    HardwareChoice,
    AccuracyChoice,
    SearchPlan,
    Goal,
    Limit,
    Scenario,
    Profile,
    Seconds,
    Block,
    Keep,
    Unroll,
    Tile,
    Order,
    Range,
    Loc,
)


def study_to_json(study: AnyStudy) -> str:
    """The study as JSON text."""
    return json.dumps(to_plain(study))


def study_from_json(text: str) -> AnyStudy:
    """The study of such a text.

    Raises:
        SpecError: it is none, or one of another version of catx.
    """
    try:
        study = from_plain(json.loads(text), _CLASSES)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise SpecError(f"a study of another version of catx: {error}") from error
    assert isinstance(study, Study | Grid)
    return study


def differences(one: AnyStudy, other: AnyStudy) -> list[str]:
    """Where two studies differ, but for how many evaluations they want."""
    if type(one) is not type(other):
        return ["the kind of study"]
    same = replace(other, plan=replace(other.plan, evaluations=one.plan.evaluations))
    return list(_differences(one, same, ""))


def _differences(one: Any, other: Any, path: str) -> list[str]:
    if is_dataclass(one) and type(one) is type(other) and not isinstance(one, type):
        return [
            found
            for field in fields(one)
            for found in _differences(
                getattr(one, field.name), getattr(other, field.name), f"{path}.{field.name}".lstrip(".")
            )
        ]
    return [] if one == other else [path]
