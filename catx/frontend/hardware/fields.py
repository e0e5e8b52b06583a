"""Field types of a hardware file: quantities with units, and words out of a fixed set.

Each reads one YAML value, or raises a ValueError that says what was expected, and knows its JSON schema.
"""

from dataclasses import dataclass
from math import inf
from typing import Annotated, Any, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from catx.costmodel.carbon.regions import region
from catx.costmodel.carbon.tables import tables
from catx.costmodel.legality import DIM_CLASSES
from catx.errors import SpecError
from catx.frontend.hardware.document import describe
from catx.ir.dtype import DType
from catx.ir.einsum import ROLES
from catx.names import nearest
from catx.units import DIMENSIONS, Rate, parse_quantity, parse_rate

RANGES = {
    "size": ("1 bit", "1024 TiB"),
    "width": ("1 bit", "1 MiB"),
    "DRAM capacity": ("1 kB", "1024 TB"),
    "bandwidth per second": ("1 B/s", "1000000 TB/s"),
    "bandwidth per cycle": ("1e-12 B/cycle", "1000 TB/cycle"),
    "energy per byte": ("0 pJ/B", "1 J/B"),
    "energy": ("0 pJ", "1 J"),
    "power": ("0 W", "1000 kW"),
    "frequency": ("1 kHz", "1000 GHz"),
    "area": ("0 mm2", "1000000 mm2"),
    "time": ("0 s", "3600 s"),
    "feature size": ("1 nm", "10 um"),
    "lifetime": ("1 days", "1000 years"),
    "carbon intensity": ("0 g/kWh", "100000 g/kWh"),
    "percentage": ("0 %", "100 %"),
    "mass of CO2e": ("0 g", "1000000 kg"),
    "length": ("0 mm", "1000 mm"),
}
"""Least and most of each dimension that a file may hold: far beyond any machine, so that what lies outside is
a slip of the unit or the exponent, and no number that follows is infinite or nothing."""

_NUMBER = r"[+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
ACROSS = "across"
"""For a length: whatever it is to cross everything further in."""
_RATE_EXAMPLES = ("80 GB/s", "64 B/cycle", "unlimited")


class Reader:
    """A field whose value is read by `_read`; messages say what it expects."""

    @property
    def expected(self) -> str:
        """What to write, with an example."""
        raise NotImplementedError

    def _read(self, value: object) -> Any:
        raise NotImplementedError

    def _schema(self) -> JsonSchemaValue:
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._read)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return self._schema()


@dataclass(frozen=True)
class Quantity(Reader):
    """A number with a unit of `dimension`; above zero, or from zero on."""

    dimension: str
    zero: bool = False

    @property
    def expected(self) -> str:
        """What to write, with an example."""
        return DIMENSIONS[self.dimension].expected

    def _read(self, value: object) -> float:
        if not isinstance(value, str):
            unit = ": the unit is missing" if isinstance(value, int | float) else ""
            raise ValueError(f"expected {self.expected}, not {describe(value)}{unit}")
        number = parse_quantity(value, self.dimension)
        _check_sign(number, value, self.zero)
        _check_range(number, value, self.dimension)
        return abs(number)

    def _schema(self) -> JsonSchemaValue:
        dimension = DIMENSIONS[self.dimension]
        pattern = rf"{_NUMBER}\s*({'|'.join(dimension.units)})"
        pattern = rf"({pattern}|inf|unlimited)" if dimension.unlimited else pattern
        return {"type": "string", "pattern": f"^{pattern}$", "examples": [dimension.example]}


@dataclass(frozen=True)
class Bandwidth(Reader):
    """Bytes per second or per cycle; a bare number is per cycle where `bare` is set."""

    bare: bool = False

    @property
    def expected(self) -> str:
        """What to write, with examples."""
        return "a bandwidth such as " + ", ".join(f"`{text}`" for text in _RATE_EXAMPLES)

    def _read(self, value: object) -> Rate:
        if self.bare and isinstance(value, int | float) and not isinstance(value, bool):
            value = f"{value} B/cycle"
        if not isinstance(value, str):
            unit = ": the unit is missing" if isinstance(value, int | float) else ""
            raise ValueError(f"expected {self.expected}, not {describe(value)}{unit}")
        rate = parse_rate(value)
        _check_sign(rate.value, value, zero=False)
        _check_range(rate.value, value, f"bandwidth per {'cycle' if rate.per_cycle else 'second'}")
        return rate

    def _schema(self) -> JsonSchemaValue:
        units = [
            unit
            for name in ("bandwidth per second", "bandwidth per cycle")
            for unit in DIMENSIONS[name].units
        ]
        pattern = rf"^({_NUMBER}\s*({'|'.join(units)})|inf|unlimited)$"
        text = {"type": "string", "pattern": pattern, "examples": list(_RATE_EXAMPLES)}
        number = {"type": "number", "exclusiveMinimum": 0, "description": "bytes per cycle"}
        return {"anyOf": [number, text]} if self.bare else text


@dataclass(frozen=True)
class GridOf(Reader):
    """Intensity of a grid: a quantity, or a region's name; with `profile`, also a CSV file of hours.

    A number is read as it is; a name stays text.
    """

    profile: bool = False
    _number = Quantity("carbon intensity", zero=True)

    @property
    def expected(self) -> str:
        """What to write, with examples."""
        file = ", or a CSV file of 24 or 8760 hours" if self.profile else ""
        return f"an intensity such as `481 g/kWh`, a region such as `france`{file}"

    def _read(self, value: object) -> Any:
        if not isinstance(value, str):
            unit = ": the unit is missing" if isinstance(value, int | float) else ""
            raise ValueError(f"expected {self.expected}, not {describe(value)}{unit}")
        if value.lstrip()[:1].isdigit() or value.lstrip()[:1] in "+-.":
            return self._number._read(value)
        if self.profile and value.lower().endswith(".csv"):
            return value
        try:
            return region(value).name
        except SpecError as error:
            raise ValueError(f"{error.args[0]}; {error.hint}") from error

    def _schema(self) -> JsonSchemaValue:
        return {"anyOf": [self._number._schema(), {"type": "string"}]}


@dataclass(frozen=True)
class Hours(Reader):
    """Hours of the day, from one up to another."""

    @property
    def expected(self) -> str:
        """What to write, with an example."""
        return "hours of the day such as `8-18`"

    def _read(self, value: object) -> tuple[int, int]:
        parts = value.split("-") if isinstance(value, str) else []
        if len(parts) == 2 and all(part.strip().isdecimal() and int(part) <= 24 for part in parts):
            start, end = (int(part) for part in parts)
            if start != end:
                return start, end
        raise ValueError(f"expected {self.expected}, not {describe(value)}")

    def _schema(self) -> JsonSchemaValue:
        return {"type": "string", "pattern": r"^\d{1,2}\s*-\s*\d{1,2}$", "examples": ["8-18"]}


@dataclass(frozen=True)
class WireLength(Quantity):
    """A length, or the word for the way across everything further in."""

    dimension: str = "length"
    zero: bool = True

    @property
    def expected(self) -> str:
        """What to write, with an example."""
        return f"{super().expected}, or `{ACROSS}`"

    def _read(self, value: object) -> Any:
        return value if value == ACROSS else super()._read(value)

    def _schema(self) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "const": ACROSS}, super()._schema()]}


@dataclass(frozen=True)
class Number(Reader):
    """A plain number from `least` to `most`, 0 itself only where `zero` is set; whole where `whole` is.

    With `exponent` a whole number may also be written like 30e6.
    """

    whole: bool = False
    exponent: bool = False
    zero: bool = False
    most: float = 1e9
    least: float = 0

    @property
    def expected(self) -> str:
        """What to write."""
        kind = "whole number" if self.whole else "number"
        least = f"from {self.least:g}" if self.least or self.zero else "above 0"
        return f"a {kind} {least} to {int(self.most)}"

    def _read(self, value: object) -> float:
        wanted = int if self.whole and not self.exponent else int | float
        good = isinstance(value, wanted) and not isinstance(value, bool)
        if good and self.whole:
            good = value == round(cast(float, value), 0)
        if not good or not self.least <= cast(float, value) <= self.most or (value == 0 and not self.zero):
            raise ValueError(f"expected {self.expected}, not {describe(value)}")
        return cast(float, value)

    def _schema(self) -> JsonSchemaValue:
        least = "minimum" if self.zero or self.least else "exclusiveMinimum"
        return {"type": "integer" if self.whole else "number", least: self.least, "maximum": self.most}


@dataclass(frozen=True)
class ShareOf(Reader):
    """A part of one, above 0: a number, or a percentage with its sign."""

    least: float = 1e-6

    @property
    def expected(self) -> str:
        """What to write, with examples."""
        return f"a number from {self.least:g} to 1, or a percentage such as `87.5 %`"

    def _read(self, value: object) -> float:
        number = value
        if isinstance(value, str):
            number = parse_quantity(value, "percentage") / 100
        good = isinstance(number, int | float) and not isinstance(number, bool)
        if not good or not self.least <= cast(float, number) <= 1:
            raise ValueError(f"expected {self.expected}, not {describe(value)}")
        return float(cast(float, number))

    def _schema(self) -> JsonSchemaValue:
        number = {"type": "number", "minimum": self.least, "maximum": 1}
        text = {"type": "string", "pattern": rf"^{_NUMBER}\s*%$", "examples": ["87.5 %"]}
        return {"anyOf": [number, text]}


@dataclass(frozen=True)
class Choice(Reader):
    """One word out of `options`; with `free`, also any short dim name."""

    what: str
    options: tuple[str, ...]
    free: bool = False

    @property
    def expected(self) -> str:
        """What to write."""
        listed = ", ".join(self.options) + (", or a dim's name such as `k`" if self.free else "")
        return f"{self.what} ({listed})"

    def _read(self, value: object) -> str:
        if isinstance(value, str) and (value in self.options or (self.free and _is_dim(value))):
            return value
        if not isinstance(value, str):
            raise ValueError(f"expected {self.expected}, not {describe(value)}")
        raise ValueError(f"{describe(value)} is not {self.expected}{nearest(value, self.options)}")

    def _schema(self) -> JsonSchemaValue:
        words: JsonSchemaValue = {"type": "string", "enum": list(self.options)}
        free = {"type": "string", "pattern": _DIM_PATTERN}
        return {"anyOf": [words, free]} if self.free else words


@dataclass(frozen=True)
class Word(Reader):
    """A text of one line, or with `long` of any lines, of at most `most` characters."""

    long: bool = False
    most: int = 64

    @property
    def expected(self) -> str:
        """What to write."""
        return "a text" if self.long else f"a name of 1 to {self.most} printable characters"

    def _read(self, value: object) -> str:
        good = isinstance(value, str) and len(value) <= self.most
        if good and not self.long:
            good = bool(value) and cast(str, value).isprintable() and cast(str, value).strip() == value
        if not good:
            raise ValueError(f"expected {self.expected}, not {describe(value)}")
        return cast(str, value).strip() if self.long else cast(str, value)

    def _schema(self) -> JsonSchemaValue:
        return {"type": "string", "minLength": 0 if self.long else 1, "maxLength": self.most}


_DIM_PATTERN = "^[a-z][a-z0-9]{0,2}$"


def _is_dim(word: str) -> bool:
    """Whether a word may name a dim: a lower-case letter, and up to two letters or digits more."""
    return 1 <= len(word) <= 3 and word.isascii() and word.isalnum() and word[0].isalpha() and word.islower()


def _check_sign(number: float, text: str, zero: bool) -> None:
    if number < 0 or (number == 0 and not zero):
        raise ValueError(f"{describe(text)} must be {'at least 0' if zero else 'above 0'}")


def _check_range(number: float, text: str, dimension: str) -> None:
    least, most = RANGES[dimension]
    if number != inf and not parse_quantity(least, dimension) <= number <= parse_quantity(most, dimension):
        kind = DIMENSIONS[dimension]
        raise ValueError(f"{describe(text)} is out of range: {kind.article} {kind.name} is {least} to {most}")


Size = Annotated[float, Quantity("size")]
DramSize = Annotated[float, Quantity("DRAM capacity")]
Width = Annotated[float, Quantity("width")]
EnergyPerByte = Annotated[float, Quantity("energy per byte", zero=True)]
Energy = Annotated[float, Quantity("energy", zero=True)]
Power = Annotated[float, Quantity("power", zero=True)]
Frequency = Annotated[float, Quantity("frequency")]
Area = Annotated[float, Quantity("area", zero=True)]
Time = Annotated[float, Quantity("time", zero=True)]
Node = Annotated[float, Quantity("feature size")]
Wire = Annotated[float | str, WireLength()]
RateField = Annotated[Rate, Bandwidth()]
BareRate = Annotated[Rate, Bandwidth(bare=True)]
Count = Annotated[int, Number(whole=True, most=1_000_000)]
Lanes = Annotated[int, Number(whole=True, most=10_000_000)]
Positive = Annotated[float, Number(least=1e-6)]
Share = Annotated[float, ShareOf()]
Cycles = Annotated[float, Number(zero=True)]
Name = Annotated[str, Word()]
Text = Annotated[str, Word(long=True, most=4000)]
DTypeName = Annotated[str, Choice("an element type", tuple(dtype.value for dtype in DType))]
Role = Annotated[str, Choice("an operand role", ROLES)]
Factor = Annotated[str, Choice("a factor", ROLES[:2])]
DramType = Annotated[str, Choice("a DRAM type", tuple(tables().dram))]
DimName = Annotated[str, Choice("a class of dims", tuple(DIM_CLASSES), free=True)]
