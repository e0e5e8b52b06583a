"""Physical quantities as people write them, and the only conversion factors of catx.

In code every number is in a base unit: J, s, W, Hz, byte, mm2, nm, m. `parse_quantity` reads `"4 MiB"` and
`format_quantity` writes it; both are exact: what is formatted parses to the same float.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import inf, isfinite

BITS_PER_BYTE = 8
J_PER_KWH = 3.6e6
S_PER_HOUR = 3600.0
HOURS_PER_YEAR = 8760.0
S_PER_YEAR = HOURS_PER_YEAR * S_PER_HOUR
MM2_PER_CM2 = 100.0
G_PER_KG = 1000.0

_SI = {
    "": "1",
    "f": "1e-15",
    "p": "1e-12",
    "n": "1e-9",
    "u": "1e-6",
    "m": "1e-3",
    "k": "1e3",
    "K": "1e3",
    "M": "1e6",
    "G": "1e9",
    "T": "1e12",
}
_BINARY = {"Ki": str(2**10), "Mi": str(2**20), "Gi": str(2**30), "Ti": str(2**40)}
_SMALL = ("f", "p", "n", "u", "m", "")
_LARGE = ("", "k", "K", "M", "G", "T")
_UNLIMITED = ("inf", "unlimited")
_QUANTITY = re.compile(
    r"([+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][+-]?\d{1,3})?)\s*(.*)", re.ASCII | re.DOTALL
)
_MAX_TEXT = 100
_SPELLINGS = (("\u00b5", "u"), ("\u03bc", "u"), ("\u00b2", "2"), ("cycles", "cycle"))


@dataclass(frozen=True, slots=True)
class Dimension:
    """A kind of quantity: the units it is written in, and the factor of each to the base unit."""

    name: str
    example: str
    factors: tuple[tuple[str, Decimal], ...]
    preferred: tuple[str, ...]
    unlimited: bool = False

    @property
    def units(self) -> dict[str, Decimal]:
        """Factor to the base unit, by unit."""
        return dict(self.factors)

    @property
    def article(self) -> str:
        """The article of the name."""
        return "an" if self.name[0] in "aeiou" else "a"

    @property
    def expected(self) -> str:
        """What a user should write, with an example."""
        other = " or `unlimited`" if self.unlimited else ""
        return f"{self.article} {self.name} such as `{self.example}`{other}"


@dataclass(frozen=True, slots=True)
class Rate:
    """Bytes per second or per clock cycle; a clock turns the one into the other."""

    value: float
    per_cycle: bool

    def bytes_per_cycle(self, clock_hz: float) -> float:
        """The rate at this clock [byte/cycle]."""
        return self.value if self.per_cycle else self.value / clock_hz


def _scaled(prefixes: tuple[str, ...], unit: str, scale: str = "1") -> dict[str, Decimal]:
    table = _SI | _BINARY
    return {prefix + unit: Decimal(table[prefix]) * Decimal(scale) for prefix in prefixes}


def _dimension(
    name: str, example: str, units: dict[str, Decimal], preferred: str, *, unlimited: bool = False
) -> Dimension:
    return Dimension(name, example, tuple(units.items()), tuple(preferred.split()), unlimited)


_BYTES = _scaled((*_LARGE, *_BINARY), "B")
_BITS = _scaled((*_LARGE, *_BINARY), "bit", "0.125")
_JOULES = _scaled(_SMALL, "J")
_PER_BIT = {f"{unit}/bit": factor * BITS_PER_BYTE for unit, factor in _JOULES.items()}
_GRAMS = {"g": Decimal(1), "kg": Decimal(1000), "gCO2e": Decimal(1), "kgCO2e": Decimal(1000)}
_GRAMS_PER_KWH = {f"{unit}/kWh": factor for unit, factor in _GRAMS.items()}
_YEARS = {"years": Decimal(1), "year": Decimal(1), "months": Decimal(1) / 12, "days": Decimal(1) / 365}
_SQUARE = {"mm2": Decimal(1), "um2": Decimal("1e-6"), "cm2": Decimal(100)}

DIMENSIONS: dict[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        _dimension("size", "4 MiB", _BYTES | _BITS, "GiB MiB KiB GB MB kB B", unlimited=True),
        _dimension("width", "256 bit", _BITS | _BYTES, "B"),
        _dimension(
            "DRAM capacity",
            "8 GB",
            {unit: factor / 10**9 for unit, factor in _BYTES.items()},
            "GB",
        ),
        _dimension(
            "bandwidth per second",
            "80 GB/s",
            {f"{unit}/s": factor for unit, factor in (_BYTES | _BITS).items()},
            "TB/s GB/s MB/s kB/s B/s",
            unlimited=True,
        ),
        _dimension(
            "bandwidth per cycle",
            "64 B/cycle",
            {f"{unit}/cycle": factor for unit, factor in (_BYTES | _BITS).items()},
            "B/cycle",
            unlimited=True,
        ),
        _dimension(
            "energy per byte",
            "32 pJ/B",
            {f"{unit}/B": factor for unit, factor in _JOULES.items()} | _PER_BIT,
            "pJ/B fJ/B nJ/B J/B",
        ),
        _dimension("energy", "0.2 pJ", _JOULES, "pJ fJ nJ J"),
        _dimension("power", "5 mW", _scaled(_SMALL, "W") | _scaled(("k",), "W"), "W mW uW nW"),
        _dimension("frequency", "1 GHz", _scaled(("", "k", "M", "G"), "Hz"), "GHz MHz kHz Hz"),
        _dimension("area", "0.9 mm2", _SQUARE, "mm2 um2"),
        _dimension("time", "5 us", _scaled(_SMALL, "s"), "s ms us ns"),
        _dimension("feature size", "22 nm", {"nm": Decimal(1), "um": Decimal(1000)}, "nm"),
        _dimension("lifetime", "3 years", _YEARS, "years"),
        _dimension("carbon intensity", "481 g/kWh", _GRAMS_PER_KWH, "g/kWh"),
        _dimension("percentage", "97 %", {"%": Decimal(1)}, "%"),
        _dimension("mass of CO2e", "150 g", _GRAMS, "g kg"),
        _dimension("length", "1 mm", {"mm": Decimal(1), "um": Decimal("1e-3"), "cm": Decimal(10)}, "mm"),
    )
}
"""Every dimension by name. Base units: byte (DRAM: GB), byte/s, byte/cycle, J/byte, J, W, Hz, mm2, s, nm
(feature size), mm (length), year of 365 days, g/kWh, %, g."""


def parse_quantity(text: str, dimension: str) -> float:
    """Read a number with its unit, as a number in the dimension's base unit.

    >>> parse_quantity("4 MiB", "size")
    4194304.0
    >>> parse_quantity("8 pJ/bit", "energy per byte")
    6.4e-11

    Raises:
        ValueError: with what was expected and an example, for anything but a finite number with a unit of
            the dimension (or `unlimited`, where the dimension has it). Sign is not checked.
    """
    kind = DIMENSIONS[dimension]
    text = text.strip()
    if text in _UNLIMITED and kind.unlimited:
        return inf
    match = _QUANTITY.fullmatch(text) if len(text) <= _MAX_TEXT else None
    if match is None:
        raise ValueError(f"expected {kind.expected}, not {_shorten(text)}")
    number, unit = match[1], _normalized(match[2])
    factor = kind.units.get(unit)
    if factor is None:
        raise ValueError(_unit_problem(kind, text, number, unit))
    value = float(Decimal(number) * factor)
    if not isfinite(value):
        raise ValueError(f"{_shorten(text)} is too large a number")
    return value


def parse_rate(text: str) -> Rate:
    """Read a bandwidth per second or per cycle; `unlimited` is a rate too.

    Raises:
        ValueError: with what was expected and an example.
    """
    per_cycle = text.strip().endswith("cycle")
    try:
        return Rate(
            parse_quantity(text, "bandwidth per cycle" if per_cycle else "bandwidth per second"), per_cycle
        )
    except ValueError as error:
        if "too large" in str(error):
            raise
    examples = "`80 GB/s`, `64 B/cycle` or `unlimited`"
    raise ValueError(f"expected a bandwidth such as {examples}, not {_shorten(text)}")


def format_quantity(value: float, dimension: str) -> str:
    """Write a number in base units so that `parse_quantity` reads the same float, in a handy unit.

    >>> format_quantity(4194304.0, "size")
    '4 MiB'
    """
    kind = DIMENSIONS[dimension]
    if value == inf and kind.unlimited:
        return _UNLIMITED[1]
    assert isfinite(value), f"{value!r} is no {kind.name}"
    quotients = [(Decimal(repr(value)) / kind.units[unit], unit) for unit in kind.preferred]
    texts = {f"{_digits(number)} {unit}": number for number, unit in quotients}
    exact = [text for text in texts if parse_quantity(text, dimension) == value]
    return min(exact, key=lambda text: (_awkwardness(texts[text]), len(text)))


def _digits(number: Decimal) -> str:
    """The number as short as it is exact."""
    plain = f"{number.normalize():f}"
    return plain if len(plain) <= 20 else f"{number.normalize():e}"


def _awkwardness(number: Decimal) -> int:
    """Powers of ten by which a number lies outside of 1 to 1000."""
    return 0 if number == 0 else max(-number.adjusted(), number.adjusted() - 2, 0)


@lru_cache(maxsize=256)
def _normalized(unit: str) -> str:
    """The unit as the tables spell it: no blanks, `u` for micro, `2` for square."""
    for spelled, plain in _SPELLINGS:
        unit = unit.replace(spelled, plain)
    return "".join(unit.split())


def _unit_problem(kind: Dimension, text: str, number: str, unit: str) -> str:
    if not unit:
        return f"{_shorten(text)} has no unit: expected {kind.expected}"
    swapped = {known.lower(): known for known in kind.units}.get(unit.lower())
    meant = f"; did you mean `{number} {swapped}`?" if swapped else ""
    return f"{_shorten(unit)} is not a unit of {kind.article} {kind.name}: expected {kind.expected}{meant}"


def _shorten(text: str) -> str:
    """Quoted for a message, cut where it is long."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
