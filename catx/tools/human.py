"""Numbers as people read them: a few significant digits and a prefix. Exact values are in report.json."""

from math import floor, isfinite, log10

_PREFIXES = (
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "u"),
    (1e-9, "n"),
    (1e-12, "p"),
    (1e-15, "f"),
)
_BINARY = ((2.0**40, "Ti"), (2.0**30, "Gi"), (2.0**20, "Mi"), (2.0**10, "Ki"), (1.0, ""))
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def significant(value: float, digits: int = 3) -> str:
    """A number with at least that many significant digits, never in powers of ten below a quadrillion.

    >>> significant(0.012345), significant(12.345), significant(123456.0)
    ('0.0123', '12.3', '123,456')
    """
    if not isfinite(value):
        return "n/a"
    if value == 0:
        return "0"
    if not 1e-6 <= abs(value) < 1e15:
        return f"{value:.{digits - 1}e}"
    rounded = float(f"{value:.{digits - 1}e}") if abs(value) < 10**digits else value
    decimals = max(0, digits - 1 - floor(log10(abs(rounded))))
    return f"{rounded:,.{decimals}f}"


def si(value: float, unit: str, *, largest: str = "T") -> str:
    """A number in the SI prefix that leaves one to three digits before the point.

    >>> si(0.00123, "s"), si(4.2e-9, "J"), si(1.5e7, "s", largest="")
    ('1.23 ms', '4.20 nJ', '15,000,000 s')
    """
    return _prefixed(value, unit, _PREFIXES, largest)


def binary(value: float) -> str:
    """A number of bytes.

    >>> binary(4 * 2**20), binary(100)
    ('4.00 MiB', '100 B')
    """
    if value == int(value) and abs(value) < 1024:
        return f"{int(value)} B"
    return _prefixed(value, "B", _BINARY, "Ti")


def scale_of(value: float, *, largest: str = "T") -> tuple[float, str]:
    """What to divide a number by so that one to three digits stand before its point, and the SI prefix.

    >>> scale_of(0.00123), scale_of(-2.5e7), scale_of(0.0)
    ((0.001, 'm'), (1000000.0, 'M'), (1.0, ''))
    """
    return _scale(value, _PREFIXES, largest) if value else (1.0, "")


def _scale(value: float, prefixes: tuple[tuple[float, str], ...], largest: str) -> tuple[float, str]:
    allowed = prefixes[[prefix for _, prefix in prefixes].index(largest) :]
    shown = abs(float(f"{value:.2e}"))
    return next((entry for entry in allowed if shown >= entry[0]), allowed[-1])


def _prefixed(value: float, unit: str, prefixes: tuple[tuple[float, str], ...], largest: str) -> str:
    if not isfinite(value):
        return "n/a"
    if value == 0:
        return f"0 {unit}"
    factor, prefix = _scale(value, prefixes, largest)
    return f"{significant(value / factor)} {prefix}{unit}"


def counted(value: int, unit: str = "") -> str:
    """A whole number of things: exact below a thousand, then with a prefix.

    >>> counted(48, "MAC"), counted(1, ""), counted(12_345_678, "MAC")
    ('48 MAC', '1', '12.3 MMAC')
    """
    return (f"{value} {unit}" if value < 1000 else si(value, unit)).rstrip()


def at_least(value: int) -> str:
    """A whole number that may be huge, rounded down.

    >>> at_least(12_345), at_least(1_290_000), at_least(10**400)
    ('12,345', '1.2e+06', '1.0e+400')
    """
    digits = str(value)
    return f"{value:,}" if value < 10**6 else f"{digits[0]}.{digits[1]}e+{len(digits) - 1:02}"


def seconds(value: float) -> str:
    """A time."""
    return si(value, "s", largest="")


def joules(value: float) -> str:
    """An energy."""
    return si(value, "J", largest="k")


def grams(value: float) -> str:
    """A mass of CO2-equivalents [g].

    >>> grams(504.4), grams(1.2e6), grams(3.2e-6)
    ('504 gCO2e', '1.20 tCO2e', '3.20 ugCO2e')
    """
    if abs(value) >= 999_500:
        return si(value / 1e6, "tCO2e", largest="k")
    return si(value, "gCO2e", largest="k")


def percent(share: float) -> str:
    """A share of one.

    >>> percent(0.1234), percent(1), percent(0.00001), percent(0.99999)
    ('12.3 %', '100 %', '<0.1 %', '>99.9 %')
    """
    if not isfinite(share):
        return "n/a"
    if 0 < share < 0.0005:
        return "<0.1 %"
    if 0.9995 <= share < 1:
        return ">99.9 %"
    if share in (0, 1):
        return f"{share * 100:.0f} %"
    return f"{share * 100:.1f} %"


def printable(text: str) -> str:
    """Text of a file's author without control characters, which could steer a terminal."""
    return text.translate(_CONTROL)


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "node"), plural(1200, "node")
    ('1 node', '1,200 nodes')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
