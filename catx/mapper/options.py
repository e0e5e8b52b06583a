"""What a user may ask of the mapper: how much a proof may take, and which mappings are wanted."""

from dataclasses import dataclass

from catx.arguments import refuse
from catx.errors import OptionError
from catx.ir.constraints import Block
from catx.units import parse_quantity


@dataclass(frozen=True, slots=True)
class Seconds:
    """A budget of time [s]."""

    value: float


Budget = int | Seconds
"""What the proof of one einsum may take: steps, or time. Time depends on the machine, and so does what is
proved in it."""

BUDGET = 20_000
"""Steps, where nothing else is asked for: partial nests, boxes and bounds of unrollings, a few microseconds
each."""

MAX_STEPS = 10**12
"""More are refused: they would take months."""

MAX_SECONDS = 31 * 86400.0

EXPECTED = f"a number of steps from 0 to {MAX_STEPS:,}, or a time such as `2 s` or `500 ms`"


@dataclass(frozen=True, slots=True)
class MapperOptions:
    """How each einsum of a design is mapped."""

    budget: Budget = BUDGET
    constraints: tuple[Block, ...] = ()


DEFAULT_OPTIONS = MapperOptions()


def parse_budget(value: object) -> Budget:
    """A budget from a number of steps, digits, or a time with its unit.

    >>> parse_budget("20000"), parse_budget("0.5 s")
    (20000, Seconds(value=0.5))

    Raises:
        OptionError: it is something else, or out of range.
    """
    if isinstance(value, str):
        text = value.strip().replace(",", "").replace("_", "")
        if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_STEPS)):
            return parse_budget(int(text))
        try:
            seconds = parse_quantity(value, "time")
        except ValueError:
            raise refuse("mapper budget", EXPECTED, value) from None
        if not 0 < seconds <= MAX_SECONDS:
            raise OptionError(f"mapper budget: a time above 0 and at most 31 days, not {value}")
        return Seconds(seconds)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_STEPS:
        raise refuse("mapper budget", EXPECTED, value)
    return value
