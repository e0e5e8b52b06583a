"""Carbon of a training that pruned models bring along, and that a scenario does not have yet."""

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from catx.errors import Loc, ModelError
from catx.ir.scenario import Scenario

ORIGIN = "origin.json"
"""Of the folder of a pruned model."""


def with_training(scenario: Scenario, models: Iterable[str | Path]) -> Scenario:
    """The scenario with the training of models whose folders tell of one.

    A scenario that has a training of its own keeps it: it may count the same one.

    Raises:
        ModelError: a folder's record is damaged.
    """
    if scenario.training_gco2e:
        return scenario
    folders = [Path(model) for model in models if os.path.isdir(model)]
    found = [training for folder in folders if (training := _training(folder))]
    if not found:
        return scenario
    sources = dict(scenario.sources) | {"training_gco2e": "; ".join(dict.fromkeys(text for _, text in found))}
    return replace(scenario, training_gco2e=sum(mass for mass, _ in found), sources=tuple(sources.items()))


def origin_of(folder: Path) -> Any:
    """The record of a folder, as JSON data; None where there is none.

    Raises:
        ModelError: it is damaged.
    """
    path = folder / ORIGIN
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", loc=Loc(str(path))) from error
    except ValueError as error:
        raise ModelError(f"a damaged record: {error}", loc=Loc(str(path))) from error


def _training(folder: Path) -> tuple[float, str] | None:
    """Carbon [gCO2e] and source of all trainings that a folder tells of: its own, and those before."""
    record, found = origin_of(folder), []
    try:
        while record is not None:
            told = record.get("footprint")
            if told is not None:
                found.append((float(told["gco2e"]), str(told["source"])))
            record = record.get("before")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"a damaged record: footprint, {error}", loc=Loc(str(folder / ORIGIN))) from error
    return (sum(mass for mass, _ in found), "; ".join(text for _, text in found)) if found else None
