"""Scores that files hold: what is no finite number is refused, with its place."""

import re

import pytest

from catx.frontend.scores import rows_of, scores_of


def test_numbers_are_read() -> None:
    assert scores_of([1, 2.5], "layers") == (1.0, 2.5)
    assert rows_of([[1], [2.0, 3]], "heads") == ((1.0,), (2.0, 3.0))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0], [2.0, float("nan")]], "heads[1][1] is nan, no finite number"),
        ([[float("inf")]], "heads[0][0] is inf"),
        ([["2"]], "heads[0][0] is '2'"),
        ([[True]], "heads[0][0] is True"),
        ([[1.0], 3], "heads[1] is no list"),
        ("12", "heads is no list"),
    ],
)
def test_what_is_none_is_named(rows: object, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        rows_of(rows, "heads")
