"""The compiled front keeps what nothing else beats."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.costmodel.tiles_kernel import BENCH
from catx.mapper.front_kernel import MAX_FRONT, enter_front
from catx.mapper.tree_kernel import TREE

quick = settings(max_examples=200, deadline=None)


def _empty() -> tuple[Any, Any]:
    """A bench, and a search with an empty front."""
    bench, state = np.zeros(1, BENCH)[0], np.zeros(1, TREE)[0]
    state["most_front"] = MAX_FRONT
    return bench, state


@quick
@given(costs=st.lists(st.tuples(*2 * [st.integers(1, 40)]), min_size=1, max_size=90))
def test_the_front_is_what_no_other_beats(costs: list[tuple[int, int]]) -> None:
    bench, state = _empty()
    for number, (energy, time) in enumerate(costs):
        bench["n_rows"], bench["nest"][0] = 1, number
        enter_front(bench, state, float(energy), float(time))
    least = {c for c in costs if not any(o != c and o[0] <= c[0] and o[1] <= c[1] for o in costs)}
    n = int(state["n_front"])
    kept = list(zip(state["front_energy"][:n].tolist(), state["front_time"][:n].tolist(), strict=True))
    assert sorted(kept) == sorted(least)
    for place, cost in enumerate(kept):
        number = int(state["front_nest"][place, 0, 0])
        assert costs[number] == cost
        assert number == costs.index(cost)  # the first of equal ones stays


def test_a_full_front_keeps_its_corners() -> None:
    bench, state = _empty()
    n = 4 * MAX_FRONT
    for i in range(n):
        enter_front(bench, state, 1.0 + i, float(n - i))
    assert state["n_front"] == MAX_FRONT
    kept = set(state["front_energy"].tolist())
    assert {1.0, float(n)} <= kept
    assert max(np.diff(sorted(kept))) < 0.05 * n  # and what remains is spread
