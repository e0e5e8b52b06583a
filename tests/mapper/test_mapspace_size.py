"""The size of the mapspace: what going through all nests counts, and how it grows."""

from dataclasses import replace
from math import factorial, inf

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from catx.frontend.hardware import builtin_names, load_accelerator
from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, Memory
from catx.ir.dtype import DType
from catx.ir.einsum import ROLES, Einsum
from catx.ir.operand import Operand, plain_axes
from catx.mapper import loop_orders
from catx.mapper.loop_orders import sum_over_orders
from catx.mapper.mapspace_size import mapspace_size
from tests.einsums import matmul
from tests.oracle.count_mapspace import count_mapspace
from tests.oracle.loop_runs import TooManyNestsError
from tests.oracle.small_problems import small_problem

quick = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

seeds = st.integers(0, 10**9)


def machine(*levels: Memory | Fanout) -> Accelerator:
    return replace(load_accelerator("edge4"), levels=(Memory(name="L0"), *levels), vector=None)


def axis(size: int, name: str = "x", *dims: str) -> FanoutAxis:
    return FanoutAxis(name=name, size=size, dims=frozenset(dims))


@quick
@given(seed=seeds, tiny=st.booleans())
def test_small_mapspaces_are_as_large_as_counted(seed: int, tiny: bool) -> None:
    problem = small_problem(seed, tiny=tiny)
    size = mapspace_size(problem.einsum, problem.accelerator)
    assume(size <= 2_000)
    try:
        counted = count_mapspace(problem.einsum, problem.accelerator, limit=3_000)
    except TooManyNestsError:
        assume(False)
        raise
    assert size == counted


TWO_FANOUTS = machine(
    Memory(name="L1", keeps=frozenset(("input",)), optional=frozenset(("input",))),
    Fanout(name="F0", axes=(axis(3),)),
    Memory(name="L2", keeps=frozenset(("weight",))),
    Fanout(name="F1", axes=(axis(2), axis(2, "y"))),
)


@pytest.mark.parametrize(
    ("einsum", "accelerator"),
    [
        (matmul(9, 1, 1), machine(Fanout(name="F0", axes=(axis(4),)))),
        (matmul(10, 1, 1), machine(Fanout(name="F0", axes=(axis(2), axis(4, "y"))))),
        (matmul(7, 1, 1), TWO_FANOUTS),
        (matmul(3, 2, 1), TWO_FANOUTS),
        (matmul(3, 2, 2), machine(Fanout(name="F0", axes=(axis(2), axis(3, "y", "reduction"))))),
        (matmul(1, 1, 1), machine(Memory(name="L1"), Fanout(name="F0", axes=(axis(4),)))),
    ],
)
def test_dims_on_several_axes(einsum: Einsum, accelerator: Accelerator) -> None:
    assert mapspace_size(einsum, accelerator) == count_mapspace(einsum, accelerator, limit=200_000)


def test_one_loop_nest_by_hand() -> None:
    """One memory: a single gap, in which each dim above 1 has one loop, in any order."""
    assert mapspace_size(matmul(7, 5, 1), machine()) == 2
    assert mapspace_size(matmul(7, 5, 9), machine()) == 6


def test_one_store_by_hand() -> None:
    """Over one dim: the store on top, at the end, or between two loops, whose tile is 2, 3, ... or 6."""
    inner = Memory(name="L1", keeps=frozenset(("input",)))
    assert mapspace_size(matmul(7, 1, 1), machine(inner)) == 1 + 1 + 5


@given(dims=st.integers(1, 9), gaps=st.integers(1, 6))
def test_orders_of_full_gaps(dims: int, gaps: int) -> None:
    """Where every dim has a loop in every gap there are (dims!)^gaps orders, and none in fewer gaps."""

    def full(ways: tuple[int, ...], bits: int) -> list[int]:
        value = 1 << bits
        for _ in range(dims):
            value = value * (ways[gaps] if len(ways) > gaps else 0) >> bits
        return [value]

    assert sum_over_orders(dims, gaps, 0, full) == [(0,) * gaps + (factorial(dims) ** gaps,)]


@quick
@given(seed=seeds, size=st.integers(2, 9))
def test_more_levels_never_make_it_smaller(seed: int, size: int) -> None:
    problem = small_problem(seed)
    einsum, levels = problem.einsum, problem.accelerator.levels
    now = mapspace_size(einsum, problem.accelerator)
    place = 1 + seed % len(levels)
    for level in (Memory(name="more"), Fanout(name="more", axes=(axis(size),))):
        more = replace(problem.accelerator, levels=(*levels[:place], level, *levels[place:]))
        assert mapspace_size(einsum, more) >= now
    free = tuple(
        replace(level, optional=level.keeps) if isinstance(level, Memory) and index else level
        for index, level in enumerate(levels)
    )
    assert mapspace_size(einsum, replace(problem.accelerator, levels=free)) >= now


@quick
@given(seed=seeds, size=st.integers(1, 9))
def test_larger_axes_never_make_it_smaller(seed: int, size: int) -> None:
    problem = small_problem(seed)
    levels = problem.accelerator.levels
    larger = tuple(
        replace(level, axes=tuple(replace(axis, size=axis.size + size) for axis in level.axes))
        if isinstance(level, Fanout)
        else level
        for level in levels
    )
    now = mapspace_size(problem.einsum, problem.accelerator)
    assert mapspace_size(problem.einsum, replace(problem.accelerator, levels=larger)) >= now


@quick
@given(seed=seeds, more=st.integers(1, 40))
def test_larger_dims_never_make_it_smaller(seed: int, more: int) -> None:
    problem = small_problem(seed)
    dim, extent = problem.einsum.dims[seed % len(problem.einsum.dims)]
    larger = replace(problem.einsum, dims=tuple((d, e + more * (d == dim)) for d, e in problem.einsum.dims))
    now = mapspace_size(problem.einsum, problem.accelerator)
    assert mapspace_size(larger, problem.accelerator) >= now, (dim, extent)


@pytest.mark.parametrize("name", builtin_names())
def test_capacity_does_not_matter(name: str) -> None:
    accelerator = load_accelerator(name)
    levels = tuple(
        replace(level, capacity_bytes=inf) if isinstance(level, Memory) else level
        for level in accelerator.levels
    )
    size = mapspace_size(matmul(197, 768, 3072), accelerator)
    assert size == mapspace_size(matmul(197, 768, 3072), replace(accelerator, levels=levels))
    assert size > 10**15


def test_what_is_too_much_to_count_is_left_out() -> None:
    """Sixteen dims, twelve axes, extents of trillions: fewer than there are, and more than of a part."""
    letters = "abcdefghijklmnop"
    axes = plain_axes(*letters), plain_axes(*letters), plain_axes(*letters)
    operands = [Operand(role, axis, DType.INT8) for role, axis in zip(ROLES, axes, strict=True)]
    wide = Einsum(
        name="wide",
        op="Mul",
        dims=tuple((letter, 3 + index) for index, letter in enumerate(letters)),
        inputs=(operands[0], operands[1]),
        output=operands[2],
    )
    fanouts = [Fanout(name=f"F{i}", axes=(axis(4), axis(6, "y"))) for i in range(6)]
    memories = [Memory(name=f"L{i + 1}", optional=frozenset(ROLES)) for i in range(6)]
    levels = [level for pair in zip(memories, fanouts, strict=True) for level in pair]
    assert mapspace_size(wide, machine(*levels)) > mapspace_size(matmul(16, 17, 18), machine(*levels[:4]))
    assert mapspace_size(matmul(10**12, 10**12, 10**12), machine(*levels)) > 10**100


@quick
@given(extents=st.lists(st.integers(1, 2**40), min_size=3, max_size=3), name=st.sampled_from(builtin_names()))
def test_more_bits_tell_the_same(extents: list[int], name: str) -> None:
    """Rounding errors do not reach the counts."""
    einsum, accelerator = matmul(*extents), load_accelerator(name)
    size = mapspace_size(einsum, accelerator)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop_orders, "SPARE_BITS", 1_000)
        assert mapspace_size(einsum, accelerator) == size


@quick
@given(seed=seeds, data=st.data())
def test_more_bits_tell_the_same_of_many_dims(seed: int, data: st.DataObject) -> None:
    problem = small_problem(seed)
    dims = tuple((dim, data.draw(st.integers(2, 5_000))) for dim, _ in problem.einsum.dims)
    large = replace(problem.einsum, dims=dims)
    size = mapspace_size(large, problem.accelerator)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop_orders, "SPARE_BITS", 1_000)
        assert mapspace_size(large, problem.accelerator) == size
