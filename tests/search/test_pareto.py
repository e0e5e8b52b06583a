"""Fronts and hypervolumes against brute force over small grids."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.search.pareto import front_of, gains_of, hypervolume

GRID = 5


def points(objectives: int) -> st.SearchStrategy[list[tuple[int, ...]]]:
    return st.lists(st.tuples(*[st.integers(0, GRID - 1)] * objectives), max_size=12)


def beats(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def by_cells(found: list[tuple[int, ...]], objectives: int) -> int:
    """Unit cells below the reference that some point beats."""
    cells = product(range(GRID), repeat=objectives)
    return sum(
        any(all(p <= c for p, c in zip(point, cell, strict=True)) for point in found) for cell in cells
    )


@settings(deadline=None)
@given(st.integers(1, 4).flatmap(points))
def test_a_front_is_what_nothing_beats(found: list[tuple[int, ...]]) -> None:
    kept = front_of(found)
    assert kept == [at for at, point in enumerate(found) if not any(beats(other, point) for other in found)]


def test_equal_points_do_not_beat_each_other() -> None:
    assert front_of([(1.0, 2.0), (1.0, 2.0), (2.0, 3.0)]) == [0, 1]
    assert front_of([]) == []


@settings(deadline=None)
@given(st.integers(1, 4).flatmap(lambda n: st.tuples(st.just(n), points(n))))
def test_a_hypervolume_counts_cells(case: tuple[int, list[tuple[int, ...]]]) -> None:
    objectives, found = case
    assert hypervolume(found, [GRID] * objectives) == by_cells(found, objectives)


@settings(deadline=None)
@given(st.integers(2, 4).flatmap(points).filter(bool), st.floats(0.1, 3.0))
def test_pymoo_says_the_same(found: list[tuple[int, ...]], scale: float) -> None:
    from pymoo.indicators.hv import HV
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    costs = np.array(found, float) ** scale
    theirs = NonDominatedSorting().do(costs, only_non_dominated_front=True)
    assert front_of(costs) == sorted(int(at) for at in theirs)
    reference = np.full(costs.shape[1], float(GRID) ** scale)
    assert hypervolume(costs, reference.tolist()) == pytest.approx(HV(ref_point=reference)(costs), rel=1e-9)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 3).flatmap(
        lambda n: st.tuples(
            st.lists(st.tuples(*[st.integers(0, 6)] * n), max_size=8),
            st.lists(st.tuples(*[st.integers(0, 6)] * n), min_size=1, max_size=6),
        )
    )
)
def test_gains_are_what_a_point_adds_to_the_volume(
    costs: tuple[list[tuple[int, ...]], list[tuple[int, ...]]],
) -> None:
    known, points = (np.array(one, float).reshape(len(one), len(costs[1][0])) for one in costs)
    front, reference = known[front_of(known)], np.full(points.shape[1], 5.0)
    before = hypervolume(front, reference.tolist())
    for point, gain in zip(points, gains_of(front, points, reference), strict=True):
        whole = hypervolume(np.vstack([front, point]), reference.tolist())
        assert gain == pytest.approx(whole - before, abs=1e-9)
