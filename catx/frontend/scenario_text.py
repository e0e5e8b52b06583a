"""Scenarios as files that `--scenario` reads: the inverse of `load_scenario`."""

import math
from dataclasses import fields
from typing import Any

import yaml

from catx.errors import OptionError
from catx.frontend.hardware.document import read_document
from catx.frontend.scenario_spec import FIELDS, IDLE, OF_WAFERS, scenario_of
from catx.frontend.scenarios import FORM
from catx.ir.scenario import Scenario

FILE, PROFILE = "scenario.yaml", "grid.csv"

_UNITS = {
    "lifetime": "years",
    "grid": "g/kWh",
    "fab_grid": "g/kWh",
    "abatement": "%",
    "packaging": "g",
    "board": "cm2",
    "other": "g",
    "training": "g",
}
"""Of keys that are quantities."""


def scenario_files(scenario: Scenario) -> dict[str, str]:
    """Files by name: the scenario as YAML, and its grid by the hour where it has one.

    Raises:
        OptionError: a value that no file can say, such as an `idle_share` other than 0 and 1.
    """
    keys = {key: _written(scenario, key) for key in FIELDS}
    if scenario.embodied != "wafer":
        keys |= dict.fromkeys(OF_WAFERS)
    written: dict[str, Any] = {key: value for key, value in keys.items() if value is not None}
    told = dict(scenario.sources)
    sources = {key: told[FIELDS[key]] for key in written if FIELDS[key] in told}
    data = {"name": scenario.name, **written, **({"sources": sources} if sources else {})}
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110)
    _check(scenario, text)
    if scenario.grid_profile is None:
        return {FILE: text}
    hours = scenario.grid_profile.gco2e_per_kwh
    return {FILE: text, PROFILE: "gco2e_per_kwh\n" + "".join(f"{value!r}\n" for value in hours)}


def _written(scenario: Scenario, key: str) -> Any:
    """What a file says of a key; None where it need not say anything."""
    value = getattr(scenario, FIELDS[key])
    if key == "grid" and scenario.grid_profile is not None:
        return PROFILE
    if value is None:
        return None
    if key == "idle":
        return next((word for word, share in IDLE.items() if share == value), None)
    if key == "hours":
        return f"{value[0]}-{value[1]}" if scenario.grid_profile is not None else None
    if key in ("inferences", "fleet"):
        return int(value)
    return f"{value!r} {_UNITS[key]}" if key in _UNITS else value


def _check(scenario: Scenario, text: str) -> None:
    """Check that the text is read as the scenario."""
    profile = scenario.grid_profile
    found = scenario_of(read_document(text, FILE, FORM), lambda _: profile or _no_profile())
    for field in fields(Scenario):
        one, other = getattr(scenario, field.name), getattr(found, field.name)
        same = one == other
        if isinstance(one, int | float) and isinstance(other, int | float):
            same = math.isclose(one, other, rel_tol=1e-12)
        if field.name != "sources" and not same:
            raise OptionError(f"scenario {scenario.name}: no file can say {field.name} {one!r}")


def _no_profile() -> Any:
    raise AssertionError("no scenario without a profile names one")
