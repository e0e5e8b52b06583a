"""Formulas are computed as they read, and nothing else runs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.costmodel.carbon.explain import explain
from catx.costmodel.carbon.formulas import SheetWriter, compute, names_in, solve
from catx.errors import SpecError


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("1 + 2 * 3 ** 2", 19.0),
        ("-(a - b) / 4", 0.5),
        ("sqrt(a) + max(a, b) - min(a, b)", math.sqrt(2) + 2),
        ("pi * (a / 2) ** 2", math.pi),
        ("(1 + 0.5 / 10) ** -10", 1.05**-10),
    ],
)
def test_values(formula: str, value: float) -> None:
    assert compute(formula, {"a": 2.0, "b": 4.0}) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    "formula",
    [
        "__import__('os').system('true')",
        "a.real",
        "a[0]",
        "[x for x in (1, 2)]",
        "lambda: 1",
        "'text'",
        "a if b else 1",
        "a < b",
        "exec(a)",
        "max(a, key=b)",
        "sqrt(a, b)",
        "max(a, b, a)",
        "min(a)",
        "a := 1",
        "a;b",
        "True",
        "1j",
        "",
        "(" * 500 + "a" + ")" * 500,
        "a + " * 10_000 + "a",
        "a + " * 4_000 + "a",
        "-" * 1900 + "a",
        "1" + "0" * 400,
    ],
)
def test_what_is_no_formula_does_not_run(formula: str) -> None:
    with pytest.raises(SpecError):
        compute(formula, {"a": 1.0, "b": 2.0})


@pytest.mark.parametrize(
    "formula",
    [
        "9 ** 9 ** 9 ** 9",
        "1 / (a - a)",
        "(a - 2) ** 0.5",
        "((0 - 4) ** 0.5) * 0 + 3",
        "1 / sqrt(a - a)",
        "binned_yield(a, 0, 4, 3, a)",
        "binned_yield(a, 10, 10 ** 9, 1, a)",
    ],
)
def test_what_has_no_value_is_an_error(formula: str) -> None:
    with pytest.raises(SpecError, match=r"has no (finite )?value"):
        compute(formula, {"a": 1.0})


def test_names_are_those_of_rows() -> None:
    assert names_in("pi * b + max(a, b)") == ("b", "a")
    with pytest.raises(SpecError, match="uses c, which has no value"):
        compute("a + c", {"a": 1.0})


def _sheet() -> SheetWriter:
    sheet = SheetWriter()
    sheet.given("a", 3.0, "m", "a ruler")
    sheet.given("b", 4.0, "m", "a ruler")
    sheet.formula("c2", "a ** 2 + b ** 2", "m2")
    sheet.formula("c", "sqrt(c2) + 0 * a", "m")
    return sheet


@given(a=st.floats(0.1, 10), b=st.floats(0.1, 10))
def test_solving_again_is_computing_with_other_numbers(a: float, b: float) -> None:
    found = solve(_sheet().sheet(), {"a": np.array([3.0, a]), "b": np.array([4.0, b])})
    assert found["c"] == pytest.approx([5.0, math.hypot(a, b)])


def test_explaining_walks_to_what_was_given() -> None:
    steps = explain(_sheet().sheet(), "c")
    assert [(step.depth, step.row.name, step.told) for step in steps] == [
        (0, "c", False),
        (1, "c2", False),
        (2, "a", False),
        (2, "b", False),
        (1, "a", True),
    ]
    with pytest.raises(SpecError, match="near are c2"):
        explain(_sheet().sheet(), "c22")
