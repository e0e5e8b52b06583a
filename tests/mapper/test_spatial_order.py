"""Loops over one dim along two axes of one fanout may stand in either order, and the mapper tries both."""

from dataclasses import replace
from itertools import pairwise
from math import ceil

import pytest

from catx.costmodel.evaluate import evaluate
from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, MacRate, MatrixUnit, Memory, Technology
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.mapping import Loop, Mapping
from catx.ir.operand import Operand, plain_axes
from catx.mapper.tree_search import search_front
from tests.oracle.enumerate_nests import Point, exhaustive_front

ENOUGH = 1_000_000
"""Steps that prove every problem here."""

SAME = 1 + 1e-9

CASES = [(x, y, reduces) for x, y in ((2, 3), (3, 2), (2, 4), (4, 2), (3, 4), (4, 3)) for reduces in "xy"]
"""Sizes of the axes, and the one that reduces. A sum over 7 leaves remainders along each of them."""


def product() -> Einsum:
    return Einsum(
        name="matmul",
        op="MatMul",
        dims=(("m", 2), ("k", 7), ("n", 2)),
        inputs=(
            Operand("a", plain_axes("m", "k"), DType.INT8),
            Operand("b", plain_axes("k", "n"), DType.INT8),
        ),
        output=Operand("c", plain_axes("m", "n"), DType.INT8),
    )


def array(x: int, y: int, reduces: str) -> Accelerator:
    """Two axes that take k alone; one of them adds up sums on the way out, the other one does not."""
    pj = 1e-12
    k = frozenset({"k"})
    outer = Memory(
        name="outer",
        read_bytes_per_cycle=4,
        write_bytes_per_cycle=4,
        read_j_per_byte=8 * pj,
        write_j_per_byte=8 * pj,
        static_w=1e-3,
    )
    axes = tuple(
        FanoutAxis(name=name, size=size, dims=k, reduces=name == reduces)
        for name, size in (("x", x), ("y", y))
    )
    inner = Memory(
        name="inner",
        keeps=frozenset({"weight"}),
        read_bytes_per_cycle=2,
        write_bytes_per_cycle=2,
        read_j_per_byte=pj,
        write_j_per_byte=pj,
    )
    rate = MacRate(
        dtype=DType.INT8, macs_per_cycle=1, j_per_mac=0.1 * pj, accumulator=DType.INT32, truncates=True
    )
    return Accelerator(
        name="array",
        levels=(outer, Fanout(name="F", axes=axes), inner),
        matrix=MatrixUnit(name="unit", rates=(rate,)),
        vector=None,
        clock_hz=1e9,
        technology=Technology(node_nm=22),
    )


def cost(einsum: Einsum, mapping: Mapping, machine: Accelerator) -> tuple[float, float]:
    counts = evaluate(einsum, mapping, machine)
    seconds = counts.cycles.latency_cycles / machine.clock_hz
    return counts.dynamic_energy_j + machine.static_w * seconds, seconds


def swapped(mapping: Mapping) -> tuple[str, Mapping] | None:
    """The outer axis of two spatial loops, and the nest with them in the other order, of as many steps each.

    None if fewer than two stand there.
    """
    nodes, extent = list(mapping.nodes), 7
    for i, (outer, inner) in enumerate(pairwise(mapping.nodes)):
        if isinstance(outer, Loop) and isinstance(inner, Loop) and outer.spatial and inner.spatial:
            steps = ceil(outer.tile / inner.tile)
            nodes[i : i + 2] = replace(inner, tile=ceil(extent / steps)), replace(outer, tile=inner.tile)
            return outer.axis, Mapping(tuple(nodes))
        if isinstance(outer, Loop) and outer.dim == "k":
            extent = outer.tile
    return None


def reached(point: tuple[float, float], by: list[tuple[float, float]]) -> bool:
    return any(energy <= point[0] * SAME and time <= point[1] * SAME for energy, time in by)


@pytest.mark.parametrize(("x", "y", "reduces"), CASES)
def test_front_is_that_of_all_nests(x: int, y: int, reduces: str) -> None:
    einsum, machine = product(), array(x, y, reduces)
    exact: list[Point] = exhaustive_front(einsum, machine)
    found = search_front(einsum, machine, ENOUGH)
    assert not found.left
    mine = [cost(einsum, mapping, machine) for mapping in found.mappings]
    costs = [(energy, time) for energy, time, _ in exact]
    assert [point for point in costs if not reached(point, mine)] == []
    assert [point for point in mine if not reached(point, costs)] == []


def test_each_order_is_needed_somewhere() -> None:
    """Otherwise the fronts above would not tell a mapper that tries one order alone."""
    needed = set[str]()
    for x, y, reduces in CASES:
        einsum, machine = product(), array(x, y, reduces)
        for energy, time, mapping in exhaustive_front(einsum, machine):
            other = swapped(mapping)
            if other and not reached((energy, time), [cost(einsum, other[1], machine)]):
                needed.add(other[0])
    assert needed == {"x", "y"}
