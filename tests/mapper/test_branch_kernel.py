"""The compiled search promises no more than the cost model asks for, and reuses its records cleanly."""

from dataclasses import replace
from itertools import chain, islice
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings

from catx.costmodel.evaluate import evaluate
from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.pack import new_bench, put_mapping
from catx.costmodel.tiles_kernel import SEARCH
from catx.frontend.hardware import load_accelerator
from catx.ir.accelerator import Memory
from catx.ir.dtype import DType
from catx.ir.einsum import ROLES
from catx.ir.mapping import Loop
from catx.mapper import promise_kernel, squeeze_kernel
from catx.mapper.forest import Forest, Root
from catx.mapper.limits import limits_of
from catx.mapper.load_kernel import load_least
from catx.mapper.open_kernel import WAITING
from catx.mapper.root_list import RootList
from tests.einsums import matmul
from tests.mapper.fronts import Cost, put_front
from tests.mapper.random_nests import random_mapping
from tests.mapper.test_map_einsum import CASES, machine
from tests.oracle.enumerate_nests import Point, exhaustive_front
from tests.oracle.small_problems import Problem, solved_problems
from tests.strategies import Case, cases

quick = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


def _splits_twice(case: Case) -> bool:
    """Whether two spatial loops of one axis are over one dim: the search leaves such nests out."""
    loops = [
        (node.fanout, node.axis, node.dim)
        for node in case.mapping.nodes
        if isinstance(node, Loop) and node.spatial
    ]
    return len(set(loops)) < len(loops)


def _least(forest: Forest, root: Root) -> tuple[float, float]:
    """Energy [J] and latency [s] that no nest of a bounded tree beats."""
    (row,) = forest.rows_of([root])
    return float(row["energy"]), float(row["time"])


def _agree(case: Case) -> None:
    assume(not _splits_twice(case))
    counts = evaluate(case.einsum, case.mapping, case.accelerator)
    forest = Forest(case.einsum, case.accelerator, limits_of(case.einsum, case.accelerator, ()))
    put_mapping(forest.bench, case.mapping, case.einsum, case.accelerator)
    root = forest.root_of(forest.bench["nest"][: forest.bench["n_rows"]])
    forest.bound([root])
    energy, time = _least(forest, root)
    latency_s = counts.cycles.latency_cycles / case.accelerator.clock_hz + case.accelerator.launch_s
    energy_j = counts.dynamic_energy_j + case.accelerator.static_w * latency_s
    assert time <= latency_s * (1 + 1e-9)
    assert energy <= energy_j * (1 + 1e-9)
    _put_worse(forest, [(energy_j + 1e-30, latency_s / 2), (energy_j / 2, latency_s)])
    assert not _squeezed(forest, root)


def _put_worse(forest: Forest, costs: list[Cost]) -> None:
    """Make a front of points that are slightly worse than these, the fastest first."""
    put_front(forest, [(energy * (1 + 1e-6), time * (1 + 1e-6)) for energy, time in costs])
    forest.tree["slack"] = 0.0


def _squeezed(forest: Forest, root: Root) -> bool:
    """Whether a tree is said to have nothing between the points of the front."""
    bench, tree, frames = forest.bench, forest.tree, forest.frames
    least = promise_kernel.plant(bench, tree, frames, forest.keeps, forest.rows_of([root])[0])
    tree["promise_j"], tree["promise_s"] = least
    return bool(squeeze_kernel.squeezed(bench, tree, frames[0], frames[0]["x"]))


def _trees_of_best(problem: Problem, points: list[Point]) -> int:
    """How many trees a problem's best nests have; bounds leave room for these, and for little more."""
    forest = Forest(problem.einsum, problem.accelerator, limits_of(problem.einsum, problem.accelerator, ()))
    _put_worse(forest, [(energy, time) for energy, time, _ in points])
    seen = set[Root]()
    for energy, time, mapping in points:
        put_mapping(forest.bench, mapping, problem.einsum, problem.accelerator)
        root = forest.root_of(forest.bench["nest"][: forest.bench["n_rows"]])
        forest.bound([root])
        least_j, least_s = _least(forest, root)
        assert least_j <= energy * (1 + 1e-9), problem
        assert least_s <= time * (1 + 1e-9), problem
        assert not _squeezed(forest, root), problem
        seen.add(root)
    return len(seen)


def test_best_nests_fit_between_their_neighbours() -> None:
    problems = chain(
        islice(solved_problems(0, limit=3_000, tiny=True), 150), islice(solved_problems(limit=3_000), 30)
    )
    assert sum(_trees_of_best(problem, points) for problem, points in problems) > 100


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("capacity", [4, 6, 8, 10])
@pytest.mark.parametrize("extents", [(4, 4, 4), (4, 3, 4)])
def test_small_buffers_crowd_the_outer_port(
    extents: tuple[int, int, int], capacity: int, shared: bool
) -> None:
    outer = Memory(name="L0", read_bytes_per_cycle=1, write_bytes_per_cycle=1, shared_port=shared)
    levels = outer, Memory(name="L1", capacity_bytes=capacity)
    accelerator = replace(load_accelerator("edge4"), levels=levels, vector=None)
    einsum = matmul(*extents)
    forest = Forest(einsum, accelerator, limits_of(einsum, accelerator, ()))
    root = forest.kept[tuple((True,) * len(ROLES) for _ in levels)], ()
    forest.bound([root])
    latency_cycles = _least(forest, root)[1] * accelerator.clock_hz
    points = exhaustive_front(einsum, accelerator, limit=100_000)
    assert latency_cycles <= min(time for _, time, _ in points) * accelerator.clock_hz * (1 + 1e-9)
    assert not shared or latency_cycles > load_least(
        forest.bench, forest.frames[0]
    )  # that of moving all once


def test_what_must_be_moved_once_takes_large_tiles() -> None:
    accelerator, einsum = load_accelerator("tpuv4i_like"), matmul(197, 768, 768, dtype=DType.BF16)
    forest = Forest(einsum, accelerator, limits_of(einsum, accelerator, ()))
    forest.dive()
    products = forest.tree["front_energy"] * forest.tree["front_time"]
    best = min(products[: forest.tree["n_front"]])
    forest.tree["slack"], forest.tree["budget"] = 0.05, forest.tree["nodes"] + 10**6
    listed = RootList(forest.bench, forest.tree, forest.frames, forest.allowed)
    listed.start(forest.keeps, 0.05)
    all_of_it = listed.nodes[listed.slots[WAITING, : listed.at_hand["n_waiting"]]]
    assert min(all_of_it["energy"] * all_of_it["time"]) < 0.9 * best  # one by one they leave room for much
    assert len(listed.extend(forest.keeps)) == 0
    assert listed.at_hand["n_waiting"] == 0


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
