"""Proofs alone, without dives that find good nests first: what they drop is no better than what they say."""

from dataclasses import replace
from itertools import islice
from random import Random

import pytest

from catx.frontend.hardware import load_accelerator
from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, MacRate, MatrixUnit, Memory
from catx.ir.constraints import Range, Tile, Unroll
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.operand import Operand, plain_axes
from catx.mapper.map_einsum import certify, map_front
from catx.mapper.objective import Objective
from tests.einsums import matmul
from tests.mapper.fronts import check_proofs, check_search, costs_of, obeying_front
from tests.oracle.enumerate_nests import exhaustive_front
from tests.oracle.random_constraints import random_constraints
from tests.oracle.small_problems import Problem, small_problem, solved_problems


def test_proofs_alone_find_the_fronts_of_tiny_problems() -> None:
    for problem, exact in islice(solved_problems(0, limit=3_000, tiny=True), 100):
        check_proofs(problem, costs_of(exact))


@pytest.mark.parametrize("seed", [5_100_343, 5_100_643, 5_200_254, 5_200_638])
def test_ranges_of_unrollings_are_not_squeezed_away(seed: int) -> None:
    problem, exact = next(solved_problems(seed, limit=300_000))
    assert problem.seed == seed
    check_proofs(problem, costs_of(exact))


@pytest.mark.parametrize("seed", [6_100_035, 6_100_055, 6_100_186])
def test_loops_of_the_next_zone_are_other_loops(seed: int) -> None:
    problem, random = small_problem(seed, tiny=True), Random(f"r{seed}")
    constraints = random_constraints(problem, random, orders=random.random() < 0.5)
    check_proofs(problem, obeying_front(problem, constraints), constraints)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_proofs_alone_find_the_fronts_of_small_problems(block: int) -> None:
    for problem, exact in islice(solved_problems(40_000 + 1_000 * block, limit=30_000), 100):
        check_proofs(problem, costs_of(exact))


def _machine(
    *levels: Memory | Fanout, macs_per_cycle: float = 1.0, accumulator: DType = DType.INT32
) -> Accelerator:
    """Levels around a unit of 8-bit operations that cost no energy."""
    rate = MacRate(
        dtype=DType.INT8,
        macs_per_cycle=macs_per_cycle,
        j_per_mac=0.0,
        accumulator=accumulator,
        truncates=True,
    )
    unit = MatrixUnit(name="unit", rates=(rate,))
    return replace(load_accelerator("edge4"), levels=levels, matrix=unit, vector=None, overlap_only=False)


def _einsum(left: str, right: str, out: str, **extents: int) -> Einsum:
    """A product by the dims of its operands."""
    a, b, c = (
        Operand(name, plain_axes(*dims), DType.INT8)
        for name, dims in zip("abc", (left, right, out), strict=True)
    )
    return Einsum(name="op", op="Op", dims=tuple(extents.items()), inputs=(a, b), output=c)


def test_more_instances_have_work_in_the_first_step_of_an_outer_loop() -> None:
    machine = _machine(
        Memory(name="L0", write_bytes_per_cycle=1),
        Fanout(name="F1", axes=(FanoutAxis(name="x", size=4),)),
        Fanout(
            name="F2", axes=(FanoutAxis(name="x", size=2),), link_bytes_per_cycle=1, link_j_per_byte=1e-13
        ),
        Memory(name="L1", keeps=frozenset({"output"}), double_buffered=True),
        accumulator=DType.INT16,
    )
    einsum = _einsum("m", "", "m", m=8)
    exact = exhaustive_front(einsum, machine)
    check_proofs(Problem(0, einsum, machine), costs_of(exact))


def test_a_tile_that_is_tied_holds_stores_outside_of_it() -> None:
    ports = {"read_bytes_per_cycle": 1.0, "write_bytes_per_cycle": 1.0}
    machine = _machine(*(Memory(name=name, read_j_per_byte=1e-12, **ports) for name in ("L0", "L1", "L2")))
    einsum = _einsum("k", "k", "", k=4)
    tied = (Tile(memory="L2", role="input", dim="k", extent=Range(least=4, most=4)),)
    problem = Problem(0, einsum, machine)
    exact = obeying_front(problem, tied)
    assert exact
    check_proofs(problem, exact, tied)


def test_an_axis_of_one_strided_dim_has_holes() -> None:
    machine = _machine(
        Memory(name="L0", write_j_per_byte=2e-11, static_w=1e-3),
        Memory(name="L1", write_j_per_byte=2e-12, shared_port=True, double_buffered=True),
        Fanout(name="F", axes=(FanoutAxis(name="x", size=2, dims=frozenset({"x"})),)),
        Memory(name="L2", capacity_bytes=6, optional=frozenset({"output"})),
        macs_per_cycle=2.0,
    )
    einsum = _einsum("x", "n", "xn", x=5, n=2)
    strided = replace(einsum.inputs[0], axes=((("x", 3),),), dtype=DType.INT4)
    output = replace(einsum.output, dtype=DType.INT16)
    weight = replace(einsum.inputs[1], dtype=DType.INT4)
    einsum = replace(einsum, inputs=(strided, weight), output=output)
    machine = replace(machine, overlap_only=True)
    exact = exhaustive_front(einsum, machine)
    check_proofs(Problem(0, einsum, machine), costs_of(exact))


def test_split_sums_of_large_tiles_need_less_than_a_visit() -> None:
    machine = load_accelerator("eyeriss_like")
    assert machine.precision is not None
    einsum = matmul(77, 64, 77, batch=8, dtype=machine.precision)
    bound = certify(einsum, machine, Objective("energy"), map_front(einsum, machine)).bound
    assert bound <= 4.4701e-5  # [J] of a mapping that a bound once ruled out, rounded up


@pytest.mark.parametrize("overlap_only", [True, False])
@pytest.mark.parametrize("unrolled", [True, False])
def test_remainders_leave_instances_idle_outside_of_a_fanout(overlap_only: bool, unrolled: bool) -> None:
    machine = _machine(
        Memory(name="L0", read_j_per_byte=1e-12),
        Memory(name="L1", keeps=frozenset({"input"}), capacity_bytes=4),
        Fanout(name="F", axes=(FanoutAxis(name="x", size=2, dims=frozenset({"m"}), multicast=frozenset()),)),
        Memory(name="L2", keeps=frozenset({"weight"}), capacity_bytes=1),
    )
    problem = Problem(0, _einsum("m", "n", "mn", m=7, n=6), replace(machine, overlap_only=overlap_only))
    both = (Unroll(fanout="F", axis="x", dim="m", factor=Range(least=2, most=2)),)
    constraints = both if unrolled else ()
    exact = obeying_front(problem, constraints)
    assert check_search(problem, exact, constraints)
    check_proofs(problem, exact, constraints)
