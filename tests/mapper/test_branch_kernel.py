"""The compiled search promises no more than the cost model asks for, and reuses its records cleanly."""

from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings

from catx.costmodel.evaluate import evaluate
from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.pack import new_bench, put_mapping
from catx.costmodel.tiles_kernel import SEARCH
from catx.ir.mapping import Loop
from catx.mapper.forest import Forest
from catx.mapper.limits import limits_of
from tests.mapper.random_nests import random_mapping
from tests.mapper.test_map_einsum import CASES, machine
from tests.strategies import Case, cases

quick = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


def _splits_twice(case: Case) -> bool:
    """Whether two spatial loops of one axis are over one dim: one loop does as well, so trees have none."""
    loops = [
        (node.fanout, node.axis, node.dim)
        for node in case.mapping.nodes
        if isinstance(node, Loop) and node.spatial
    ]
    return len(set(loops)) < len(loops)


def _agree(case: Case) -> None:
    assume(not _splits_twice(case))
    counts = evaluate(case.einsum, case.mapping, case.accelerator)
    forest = Forest(case.einsum, case.accelerator, limits_of(case.einsum, case.accelerator, ()))
    put_mapping(forest.bench, case.mapping, case.einsum, case.accelerator)
    root = forest.root_of(forest.bench["nest"][: forest.bench["n_rows"]])
    forest.bound([root])
    energy, time = forest.bounds[root]
    latency_s = counts.cycles.latency_cycles / case.accelerator.clock_hz + case.accelerator.launch_s
    assert time <= latency_s * (1 + 1e-9)
    assert energy <= (counts.dynamic_energy_j + case.accelerator.static_w * latency_s) * (1 + 1e-9)


@quick
@given(case=cases(max_points=300))
def test_no_mapping_beats_the_promise_of_its_tree(case: Case) -> None:
    _agree(case)


@pytest.mark.slow
@settings(quick, max_examples=5000)
@given(case=cases(max_points=2000))
def test_no_mapping_of_thousands_beats_the_promise_of_its_tree(case: Case) -> None:
    _agree(case)


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
