"""The compiled search judges nests as the cost model does, and never loses what it had."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from catx.costmodel.legality import check_legal
from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.pack import new_bench, put_mapping
from catx.costmodel.tiles_kernel import BENCH, SEARCH
from catx.errors import MappingError
from catx.ir.einsum import ROLES
from catx.ir.mapping import Loop, Mapping, Store
from catx.mapper import nests_kernel
from catx.mapper.front_kernel import MAX_FRONT, enter_front
from catx.mapper.mapspace import new_state, put_tiles, tile_candidates
from tests.mapper.random_nests import random_mapping
from tests.mapper.test_map_einsum import CASES, machine
from tests.strategies import Case, cases, mutated

quick = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def _tidied(case: Case) -> Case:
    """The case without loops that split nothing, and with the outermost stores on top."""
    outer = case.accelerator.memories[0].name
    nominal = dict(case.einsum.dims)
    rest = []
    for node in case.mapping.nodes:
        if isinstance(node, Loop):
            if node.tile < nominal.get(node.dim, 0):
                rest.append(node)
            nominal[node.dim] = node.tile
        elif node.memory != outer:
            rest.append(node)
    return replace(case, mapping=Mapping((*(Store(outer, role) for role in ROLES), *rest)))


def _names_exist(case: Case) -> bool:
    memories = {memory.name for memory in case.accelerator.memories}
    axes = {(fanout.name, axis.name) for fanout in case.accelerator.fanouts for axis in fanout.axes}
    return all(
        node.memory in memories and node.role in ROLES
        if isinstance(node, Store)
        else node.dim in case.einsum.extents and (not node.spatial or (node.fanout, node.axis) in axes)
        for node in case.mapping.nodes
    )


def _judged(case: Case) -> bool:
    try:
        check_legal(case.einsum, case.mapping, case.accelerator)
    except MappingError:
        return False
    return True


@quick
@given(case=cases(max_points=60).flatmap(mutated))
def test_both_judge_nests_alike(case: Case) -> None:
    assume(_names_exist(case))
    case = _tidied(case)
    bench, state = new_bench(case.einsum, case.accelerator), new_state(case.einsum, case.accelerator)
    put_mapping(bench, case.mapping, case.einsum, case.accelerator)
    assert nests_kernel.legal(bench, state) == _judged(case)


@pytest.mark.parametrize("name", ["conv", "strided conv", "attention"])
def test_what_was_costed_before_does_not_matter(name: str) -> None:
    einsum, accelerator, random = CASES[name], machine(glb=1e9), Random(name)
    used = new_bench(einsum, accelerator)
    for _ in range(300):
        mapping = random_mapping(random, einsum, accelerator)
        fresh = new_bench(einsum, accelerator)
        for bench in (used, fresh):
            put_mapping(bench, mapping, einsum, accelerator)
        assert evaluate_nest(used, SEARCH) == evaluate_nest(fresh, SEARCH)
        assert used["summary"].tolist() == fresh["summary"].tolist()


@quick
@given(case=cases(max_points=60))
def test_climbing_never_loses(case: Case) -> None:
    bench, state = new_bench(case.einsum, case.accelerator), new_state(case.einsum, case.accelerator)
    put_tiles(state, tile_candidates(case.einsum, case.accelerator))
    state["objective"], state["second"] = nests_kernel.EDP, 1e-9
    put_mapping(bench, _tidied(case).mapping, case.einsum, case.accelerator)
    before = nests_kernel.score(bench, state)
    after = nests_kernel.climb(bench, state, 300)
    assert not nests_kernel.better(before, after)
    best = state["best"][: state["n_best"]]
    bench["nest"][: len(best)], bench["n_rows"] = best, len(best)
    assert nests_kernel.legal(bench, state)
    assert nests_kernel.score(bench, state) == after


@quick
@given(costs=st.lists(st.tuples(*2 * [st.integers(1, 40)]), min_size=1, max_size=90))
def test_the_front_is_what_no_other_beats(costs: list[tuple[int, int]]) -> None:
    bench, state = np.zeros(1, BENCH)[0], np.zeros(1, nests_kernel.SEARCH_STATE)[0]
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
    bench, state = np.zeros(1, BENCH)[0], np.zeros(1, nests_kernel.SEARCH_STATE)[0]
    n = 4 * MAX_FRONT
    for i in range(n):
        enter_front(bench, state, 1.0 + i, float(n - i))
    assert state["n_front"] == MAX_FRONT
    kept = set(state["front_energy"].tolist())
    assert {1.0, float(n)} <= kept
    assert max(np.diff(sorted(kept))) < 0.05 * n  # and what remains is spread
