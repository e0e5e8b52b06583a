"""Quantities parse exactly, print exactly, and refuse what they cannot mean."""

from contextlib import suppress
from math import inf, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.units import DIMENSIONS, Rate, format_quantity, parse_quantity, parse_rate


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("4 MiB", "size", 4 * 2**20),
        ("4 MB", "size", 4e6),
        ("4.5KiB", "size", 4608),
        ("128 Kibit", "size", 16384),
        ("  1e3 B ", "size", 1000),
        ("inf", "size", inf),
        ("unlimited", "size", inf),
        ("256 bit", "width", 32),
        ("80 GB/s", "bandwidth per second", 80e9),
        ("64 B/cycle", "bandwidth per cycle", 64),
        ("32 pJ/B", "energy per byte", 32e-12),
        ("8 pJ/bit", "energy per byte", 64e-12),
        ("0.2 pJ", "energy", 0.2e-12),
        ("1 GHz", "frequency", 1e9),
        ("5 mW", "power", 5e-3),
        ("5 \u00b5W", "power", 5e-6),
        ("5 \u03bcW", "power", 5e-6),
        ("900000 um\u00b2", "area", 0.9),
        ("4 cm2", "area", 400),
        ("5 us", "time", 5e-6),
        ("0.18 um", "feature size", 180),
        ("1 cm", "length", 10),
        (".5 mm", "length", 0.5),
        ("-1 pJ", "energy", -1e-12),
    ],
)
def test_quantities(text: str, dimension: str, value: float) -> None:
    assert parse_quantity(text, dimension) == value


@pytest.mark.parametrize(
    ("text", "dimension", "message"),
    [
        ("4", "size", "has no unit: expected a size such as `4 MiB` or `unlimited`"),
        ("4 mib", "size", "did you mean `4 MiB`?"),
        ("4 pJ", "size", "'pJ' is not a unit of a size"),
        ("4 MiB", "energy", "expected an energy such as `0.2 pJ`"),
        ("inf", "frequency", "expected a frequency"),
        ("nan B", "size", "expected a size"),
        ("", "size", "expected a size"),
        ("1 2 B", "size", "'2B' is not a unit"),
        ("1_000 B", "size", "not a unit"),
        ("0x10 B", "size", "not a unit"),
        ("1e999 B", "size", "too large"),
        ("1e9999 B", "size", "not a unit"),
        ("9" * 5000 + " B", "size", "expected a size"),
        ("four MiB", "size", "expected a size"),
        ("\u0664 MiB", "size", "expected a size"),
    ],
)
def test_refused(text: str, dimension: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"expected|too large") as caught:
        parse_quantity(text, dimension)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 250


def test_rates_need_a_clock_only_per_second() -> None:
    assert parse_rate("80 GB/s") == Rate(80e9, per_cycle=False)
    assert parse_rate("80 GB/s").bytes_per_cycle(625e6) == 128
    assert parse_rate("64 B/cycle").bytes_per_cycle(625e6) == 64
    assert parse_rate("512 bit/cycle").bytes_per_cycle(1.0) == 64
    assert parse_rate("unlimited").bytes_per_cycle(1e9) == inf


@pytest.mark.parametrize(
    "text", ["80", "80 GB", "80 GHz", "80 gb/s", "", "-", "1e999 GB/s", "cycle", "64 per cycle"]
)
def test_refused_rates(text: str) -> None:
    with pytest.raises(ValueError, match=r"bandwidth such as|too large"):
        parse_rate(text)


@given(
    value=st.floats(min_value=0, allow_nan=False, allow_infinity=False),
    dimension=st.sampled_from(sorted(DIMENSIONS)),
)
def test_what_is_written_reads_back_exactly(value: float, dimension: str) -> None:
    assert parse_quantity(format_quantity(value, dimension), dimension) == value


@given(
    number=st.integers(0, 10**6),
    dimension=st.sampled_from(sorted(DIMENSIONS)),
    data=st.data(),
)
def test_every_unit_scales_by_its_factor(number: int, dimension: str, data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from(sorted(DIMENSIONS[dimension].units)))
    one = parse_quantity(f"1 {unit}", dimension)
    assert isclose(parse_quantity(f"{number} {unit}", dimension), number * one, rel_tol=1e-15)


@given(text=st.text(max_size=60), dimension=st.sampled_from(sorted(DIMENSIONS)))
def test_any_text_is_a_number_or_a_value_error(text: str, dimension: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse_quantity(text, dimension), float)


def test_examples_in_messages_are_valid() -> None:
    for name, dimension in DIMENSIONS.items():
        assert parse_quantity(dimension.example, name) > 0
        assert format_quantity(parse_quantity(dimension.example, name), name)
