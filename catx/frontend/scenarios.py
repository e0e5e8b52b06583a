"""Scenarios: a built-in name, or a YAML file, becomes what carbon totals assume."""

import os
from pathlib import Path

from catx.costmodel.carbon.scenarios import SCENARIOS
from catx.errors import SpecError
from catx.frontend.file_kind import SCENARIO
from catx.frontend.hardware.document import Format, read_document
from catx.frontend.text_file import is_missing, read_text
from catx.ir.scenario import Scenario
from catx.names import nearest

FORM = Format(
    "one scenario", "a scenario file has keys such as `base: edge-default` and `grid: 24 g/kWh`", SCENARIO
)
SUFFIXES = (".yaml", ".yml")


def load_scenario(path_or_name: str | Path) -> Scenario:
    """A built-in scenario by its name, or the one that a file describes (docs/carbon.md).

    Example:
        >>> load_scenario("edge-default").lifetime_years
        3.0

    Raises:
        SpecError: no such scenario or file, or everything that is wrong in the file, by line.
    """
    name = os.fspath(path_or_name)
    if name in SCENARIOS:
        return SCENARIOS[name]
    is_file = isinstance(path_or_name, Path) or Path(name).suffix in SUFFIXES or not is_missing(name)
    if not is_file:
        raise SpecError(
            f"no built-in scenario {name!r}{nearest(name, SCENARIOS)}",
            hint=f"built in are {', '.join(SCENARIOS)}; files end in .yaml",
        )
    return parse_scenario(read_text(path_or_name, FORM.max_bytes, SCENARIO), name)


def parse_scenario(text: str, file: str = "<text>") -> Scenario:
    """The scenario that YAML text describes; `file` is what messages call it.

    Raises:
        SpecError: listing everything that is wrong, with lines.
    """
    from catx.frontend.scenario_spec import scenario_of  # pydantic is slow to import

    return scenario_of(read_document(text, file, FORM))
