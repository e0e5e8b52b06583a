"""Numbers for people keep their value, and never more than three digits before a prefix."""

import doctest
import re
from math import inf, isclose, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.tools import human

FACTORS = {
    "T": 1e12,
    "G": 1e9,
    "M": 1e6,
    "k": 1e3,
    "": 1.0,
    "m": 1e-3,
    "u": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
    "f": 1e-15,
}


def test_examples() -> None:
    assert doctest.testmod(human).failed == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0 s"), (999.4e-6, "999 us"), (999.6e-6, "1.00 ms"), (1.0, "1.00 s"), (59_999.9, "60,000 s")],
)
def test_seconds(value: float, text: str) -> None:
    assert human.seconds(value) == text


@given(st.floats(1e-12, 9e14))
def test_si_keeps_three_digits(value: float) -> None:
    number, unit = human.si(value, "J").split()
    assert isclose(float(number.replace(",", "")) * FACTORS[unit.removesuffix("J")], value, rel_tol=0.0051)
    assert "e" not in number
    assert float(number.replace(",", "")) < 1000


@given(st.integers(0, 10**14))
def test_counts_below_a_thousand_are_whole(value: int) -> None:
    text = human.counted(value, "MAC")
    assert text == f"{value} MAC" if value < 1000 else text == human.si(value, "MAC")
    assert human.counted(value) == text.removesuffix("MAC").strip()


@given(st.floats(0, 1))
def test_percent(share: float) -> None:
    text = human.percent(share)
    assert re.fullmatch(r"[<>]?\d+(\.\d)? %", text)
    assert share == 0 or text != "0.0 %"
    assert share == 1 or not text.startswith("100")


@pytest.mark.parametrize("value", [inf, -inf, nan])
def test_what_is_no_number_is_said(value: float) -> None:
    assert human.seconds(value) == human.percent(value) == human.significant(value) == "n/a"


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert human.printable("a\x1b[2Jb\u009b1m\r") == "a\\x1b[2Jb\\x9b1m\\x0d"


@given(st.text())
def test_printable_text_has_no_control_characters(text: str) -> None:
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in human.printable(text))
