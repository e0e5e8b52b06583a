"""The enumerator of small mapspaces: exact where every sequence can be listed, and never beaten elsewhere."""

import os
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from catx.costmodel.evaluate import evaluate
from catx.ir.accelerator import Fanout, FanoutAxis, Memory
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.operand import Operand, plain_axes
from tests.oracle.batch_cost import BatchCost
from tests.oracle.compare_mapper import compare
from tests.oracle.enumerate_nests import Point, count_nests, exhaustive_front, thinned
from tests.oracle.every_sequence import dumb_front
from tests.oracle.legality import illegal
from tests.oracle.loop_runs import TooManyNestsError
from tests.oracle.small_problems import Problem, small_problem, solved_problems
from tests.oracle.walk import walk
from tests.strategies import Case, cases, mappings

quick = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

seeds = st.integers(0, 10**9)


def costs(front: list[Point]) -> list[tuple[float, float]]:
    return [(energy, latency) for energy, latency, _ in front]


def beaten(cost: tuple[float, float], front: list[Point]) -> bool:
    """Whether a point of the front costs no more in either way."""
    return any(all(a <= b * (1 + 1e-9) for a, b in zip(point, cost, strict=True)) for point in costs(front))


def assert_same(front: list[Point], other: list[Point]) -> None:
    assert len(front) == len(other)
    for mine, theirs in zip(costs(front), costs(other), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-12)


def solved(problem: Problem, limit: int) -> list[Point]:
    """The front, of problems that are small enough."""
    try:
        return exhaustive_front(problem.einsum, problem.accelerator, limit=limit)
    except TooManyNestsError:
        assume(False)
        raise


@quick
@given(seed=seeds)
def test_no_sequence_of_nodes_was_forgotten(seed: int) -> None:
    problem = small_problem(seed, tiny=True)
    front = solved(problem, 200)
    try:
        dumb = dumb_front(problem.einsum, problem.accelerator, limit=3_000)
    except TooManyNestsError:
        assume(False)
        raise
    assert_same(front, dumb)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_no_sequence_of_nodes_was_forgotten_at_length(block: int) -> None:
    done = 0
    for problem, front in islice(solved_problems(10_000 * block, limit=600, tiny=True), 60):
        try:
            dumb = dumb_front(problem.einsum, problem.accelerator, limit=20_000)
        except TooManyNestsError:
            continue
        assert_same(front, dumb)
        done += 1
    assert done > 20


@quick
@given(seed=seeds, data=st.data())
def test_no_random_mapping_beats_the_front(seed: int, data: st.DataObject) -> None:
    problem = small_problem(seed)
    front = solved(problem, 5_000)
    random = [data.draw(mappings(problem.einsum, problem.accelerator)) for _ in range(20)]
    costed = BatchCost(problem.einsum, problem.accelerator)
    # A loop whose tile is the whole dim has no byte: it changes nothing.
    nests = [b"".join(costed.bytes.get(node, b"") for node in mapping.nodes) for mapping in random]
    for energy, latency in zip(*(column.tolist() for column in costed.costs(nests)), strict=True):
        assert latency == float("inf") or beaten((energy, latency), front)


@settings(quick, max_examples=10)
@given(case=cases(max_points=8))
def test_no_case_of_the_cost_models_own_tests_beats_the_front(case: Case) -> None:
    accelerator = replace(case.accelerator, launch_s=1e-9)
    front = solved(Problem(0, case.einsum, accelerator), 2_000)
    counts = evaluate(case.einsum, case.mapping, accelerator)
    latency_s = counts.cycles.latency_cycles / accelerator.clock_hz + accelerator.launch_s
    assert beaten((counts.dynamic_energy_j + accelerator.static_w * latency_s, latency_s), front)


@quick
@given(seed=seeds)
def test_points_of_a_front_are_legal_cost_what_they_say_and_beat_each_other_in_nothing(seed: int) -> None:
    problem = small_problem(seed)
    front = solved(problem, 5_000)
    for energy_j, latency_s, mapping in front:
        assert illegal(problem.einsum, mapping, problem.accelerator) is None
        counts = walk(problem.einsum, mapping, problem.accelerator)
        assert latency_s == pytest.approx(
            counts.cycles.latency_cycles / problem.accelerator.clock_hz + problem.accelerator.launch_s
        )
        static_j = problem.accelerator.static_w * latency_s
        assert energy_j == pytest.approx(counts.dynamic_energy_j + static_j)
    assert thinned(front) == front


def test_a_seed_is_the_same_problem_in_every_process() -> None:
    """Sets of texts come in another order in every process: no draw may follow them."""
    code = (
        "from catx.ir.fingerprint import fingerprint as of\n"
        "from tests.oracle.small_problems import small_problem as p\n"
        "print(of(tuple((p(seed).einsum, p(seed).accelerator) for seed in range(50))))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(hashing)},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashing in (1, 2)
    }
    assert len(printed) == 1


@pytest.mark.slow
def test_the_mapper_never_beats_the_front() -> None:
    for problem, front in islice(solved_problems(limit=30_000), 60):
        for name, ratio in compare(problem, front).ratios.items():
            assert ratio > 1 - 1e-9, f"{problem}: {name} is better than the best of all mappings"


def _matmul(m: int, k: int, n: int) -> Einsum:
    return Einsum(
        name="matmul",
        op="MatMul",
        dims=(("m", m), ("k", k), ("n", n)),
        inputs=(
            Operand("input", plain_axes("m", "k"), DType.INT8),
            Operand("weight", plain_axes("k", "n"), DType.INT8),
        ),
        output=Operand("output", plain_axes("m", "n"), DType.INT8),
    )


def _problem(einsum: Einsum, *levels: Memory | Fanout) -> Problem:
    accelerator = small_problem(0).accelerator
    return Problem(0, einsum, replace(accelerator, levels=levels))


OUTER = Memory(name="D", read_j_per_byte=1.0, write_j_per_byte=1.0, read_bytes_per_cycle=1.0)


def test_one_level_and_one_unit_have_one_nest() -> None:
    problem = _problem(_matmul(3, 4, 5), OUTER)
    assert count_nests(problem.einsum, problem.accelerator) == 1
    assert len(exhaustive_front(problem.einsum, problem.accelerator)) == 1


def test_a_remainder_unrolls_where_no_divisor_fits() -> None:
    """7 outputs on 4 instances take 2 steps: 7 = 4 + 3 with tiles of 2 or of 1."""
    fanout = Fanout(name="F", axes=(FanoutAxis(name="x", size=4, dims=frozenset("m")),))
    problem = _problem(_matmul(7, 1, 1), replace(OUTER, read_bytes_per_cycle=float("inf")), fanout)
    front = exhaustive_front(problem.einsum, replace(problem.accelerator, overlap_only=True, launch_s=0.0))
    rate = problem.accelerator.matrix.rates[0].macs_per_cycle
    assert front[0][1] == pytest.approx(2 / rate / problem.accelerator.clock_hz)


def test_nothing_fits_gives_an_empty_front() -> None:
    problem = _problem(_matmul(2, 2, 2), OUTER, Memory(name="L", capacity_bytes=1.0))
    assert exhaustive_front(problem.einsum, problem.accelerator) == []


def test_more_nests_than_the_limit_are_refused() -> None:
    problem = _problem(_matmul(4, 4, 4), OUTER, Memory(name="L"))
    count = count_nests(problem.einsum, problem.accelerator)
    exhaustive_front(problem.einsum, problem.accelerator, limit=count)
    with pytest.raises(TooManyNestsError, match=f"{count - 1}"):
        exhaustive_front(problem.einsum, problem.accelerator, limit=count - 1)
