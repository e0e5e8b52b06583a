"""Scores of the parts of a model, and which parts stay by them."""

import math
from collections.abc import Sequence
from typing import Any

FFN_BLOCKS = 8
"""Equal parts that the hidden units of an MLP are ranked in, as in CATransformers (arXiv 2505.01386)."""

Scores = tuple[float, ...]
"""What scores higher matters more."""


def groups_of(ffn: int) -> int:
    """Groups of hidden units that are ranked: eight, or each unit alone where eight do not divide them.

    Example:
        >>> groups_of(3072), groups_of(15)
        (8, 15)
    """
    return FFN_BLOCKS if ffn % FFN_BLOCKS == 0 else ffn


def best(scores: Sequence[float], count: int) -> tuple[int, ...]:
    """Indices of the highest scores, in their order; of equal ones the first stay.

    Example:
        >>> best([0.5, 2.0, 1.0], 2)
        (1, 2)
    """
    ranked = sorted(range(len(scores)), key=lambda at: (-scores[at], at))
    return tuple(sorted(ranked[:count]))


def units_of(scores: Sequence[float], there: int, count: int) -> tuple[int, ...]:
    """Hidden units of the best groups; where the last group does not fit whole, its first units."""
    size = there // len(scores)
    ranked = sorted(range(len(scores)), key=lambda at: (-scores[at], at))
    units = [group * size + unit for group in ranked for unit in range(size)]
    return tuple(sorted(units[:count]))


def scores_of(value: Any, where: str) -> Scores:
    """Scores that a file holds at a place.

    Raises:
        ValueError: they are no list of finite numbers; it names the place.
    """
    if not isinstance(value, list):
        raise ValueError(f"{where} is no list")
    for at, one in enumerate(value):
        if isinstance(one, bool) or not isinstance(one, int | float) or not math.isfinite(one):
            raise ValueError(f"{where}[{at}] is {one!r}, no finite number")
    return tuple(map(float, value))


def rows_of(value: Any, where: str) -> tuple[Scores, ...]:
    """Scores of each block that a file holds at a place; see `scores_of`."""
    if not isinstance(value, list):
        raise ValueError(f"{where} is no list")
    return tuple(scores_of(row, f"{where}[{at}]") for at, row in enumerate(value))
