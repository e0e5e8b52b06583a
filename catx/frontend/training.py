"""Carbon of a training that pruned models bring along, and that a scenario does not have yet."""

import json
import math
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from catx.errors import Loc, ModelError
from catx.frontend.json_numbers import no_number
from catx.frontend.models import EXPORTED
from catx.ir.scenario import Scenario

ORIGIN = "origin.json"
"""Of the folder of a pruned model."""


def with_training(scenario: Scenario, models: Iterable[str | Path]) -> Scenario:
    """The scenario with the trainings of pruned models, each counted once.

    They stand in the record of a model's folder, which is named itself or by the files that were exported
    into it. A scenario that has a training of its own keeps it: it may count the same one.

    Raises:
        ModelError: a folder's record is damaged.
    """
    if scenario.training_gco2e:
        return scenario
    found: dict[str, tuple[float, str]] = {}
    for folder in dict.fromkeys(folder for model in models if (folder := _folder(model))):
        found |= _trainings(folder)
    if not found:
        return scenario
    told = "; ".join(dict.fromkeys(text for _, text in found.values()))
    sources = dict(scenario.sources) | {"training_gco2e": told}
    mass = math.fsum(mass for mass, _ in found.values())
    return replace(scenario, training_gco2e=mass, sources=tuple(sources.items()))


def origin_of(folder: Path) -> Any:
    """The record of a folder, as JSON data; None where there is none.

    Raises:
        ModelError: it is damaged.
    """
    path = folder / ORIGIN
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=no_number)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", loc=Loc(str(path))) from error
    except ValueError as error:
        raise ModelError(f"a damaged record: {error}", loc=Loc(str(path))) from error


def _folder(model: str | Path) -> Path | None:
    """Where the record of a model would be."""
    path = Path(model)
    if os.path.isdir(path):
        return path
    return path.parent if path.name in EXPORTED and path.is_file() else None


def _trainings(folder: Path) -> dict[str, tuple[float, str]]:
    """Carbon [gCO2e] and source of all trainings that a folder tells of: its own, and those before.

    By their whole records: models that were pruned from the same one share its training.
    """
    record, found = origin_of(folder), {}
    try:
        while record is not None:
            told = record.get("footprint")
            if told is not None:
                found[json.dumps(record, sort_keys=True)] = _mass(told["gco2e"]), str(told["source"])
            record = record.get("before")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"a damaged record: footprint, {error}", loc=Loc(str(folder / ORIGIN))) from error
    return found


def _mass(value: object) -> float:
    if not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"gco2e is {value!r}, no mass")
    return float(value)
