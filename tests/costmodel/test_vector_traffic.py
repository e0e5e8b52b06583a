"""Traffic of vector ops against a walk over every element."""

from collections.abc import Iterator, Mapping
from itertools import product
from math import inf, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.costmodel.vector_traffic import (
    PASSES,
    Flow,
    Stream,
    Walk,
    bring_in,
    fetched,
    load_cycles,
    path,
    take_out,
)
from catx.ir.accelerator import (
    Accelerator,
    Fanout,
    FanoutAxis,
    MacRate,
    MatrixUnit,
    Memory,
    Technology,
    VectorUnit,
)
from catx.ir.dtype import DType
from catx.ir.operand import Axis, Operand
from catx.ir.vector_op import VectorOp

Loops = list[tuple[str, int]]
DIMS = ("a", "b", "c", "d")


def machine(
    *capacities: float, keeps: frozenset[str] = frozenset({"input", "weight", "output"})
) -> Accelerator:
    """DRAM and on-chip memories with these capacities, the last one feeding eight lanes."""
    memories = [Memory(name="M0", read_bytes_per_cycle=4, shared_port=True, read_j_per_byte=1)]
    memories += [
        Memory(
            name=f"M{i}",
            capacity_bytes=capacity,
            keeps=keeps,
            read_bytes_per_cycle=8,
            write_bytes_per_cycle=8,
        )
        for i, capacity in enumerate(capacities, 1)
    ]
    rate = MacRate(dtype=DType.INT8, macs_per_cycle=1, j_per_mac=0, accumulator=DType.INT32)
    return Accelerator(
        name="test",
        levels=tuple(memories),
        matrix=MatrixUnit(name="MAC", rates=(rate,)),
        vector=VectorUnit(name="VEC", memory=memories[-1].name, lanes=8),
        clock_hz=1.0,
        technology=Technology(node_nm=22),
    )


def steps(loops: Loops) -> Iterator[dict[str, int]]:
    for indices in product(*(range(extent) for _, extent in loops)):
        yield dict(zip((dim for dim, _ in loops), indices, strict=True))


def span(operand: Operand, at: Mapping[str, int], inside: Loops) -> frozenset[tuple[int, ...]]:
    """Index tuples between the first and the last that the inner loops touch, on every axis."""
    axes = []
    for axis in operand.axes:
        low = sum(coefficient * at.get(dim, 0) for dim, coefficient in axis)
        extents = dict(inside)
        high = low + sum(coefficient * (extents.get(dim, 1) - 1) for dim, coefficient in axis)
        axes.append(range(low, high + 1))
    return frozenset(product(*axes))


def walked_fetches(operand: Operand, walk: Walk, cut: int, passes: int) -> int:
    """Elements loaded by a memory that walks the outer loops and holds what the inner ones touch."""
    loops: Loops = [*walk.rows, *walk.reduced]
    outer, inner = loops[:cut], loops[cut:]
    if cut > len(walk.rows) and passes > 1:
        outer.insert(len(walk.rows), (PASSES, passes))
    loaded, held = 0, frozenset[tuple[int, ...]]()
    before: dict[str, int] = {}
    for at in steps(outer):
        now = span(operand, at, inner)
        moved = [dim for dim, _ in outer if before.get(dim) != at[dim]]
        innermost_only = bool(before) and moved == [outer[-1][0]]
        changed = any(dim in operand.dims for dim in moved)
        if not before:
            loaded += len(now)
        elif changed:
            loaded += len(now - held) if innermost_only else len(now)
        held, before = now, at
    return loaded


@st.composite
def operands(draw: st.DrawFn) -> Operand:
    dims = draw(st.permutations(DIMS))
    used = dims[: draw(st.integers(0, 4))]
    axes: list[Axis] = []
    while used:
        take = draw(st.integers(1, 2))
        axes.append(tuple((dim, draw(st.integers(1, 2))) for dim in used[:take]))
        used = used[take:]
    return Operand("x", tuple(axes), DType.INT8)


@st.composite
def walks(draw: st.DrawFn) -> tuple[VectorOp, Walk]:
    extents = {dim: draw(st.integers(1, 3)) for dim in DIMS}
    reduced = tuple(dim for dim in DIMS if draw(st.booleans()))
    inputs = tuple(draw(st.lists(operands(), min_size=1, max_size=3)))
    out = Operand("y", tuple(((dim, 1),) for dim in DIMS), DType.INT8)
    op = VectorOp(
        name="op",
        op="Op",
        kind="softmax",
        dims=tuple(extents.items()),
        inputs=inputs,
        outputs=(out,),
        reduced=reduced,
    )
    return op, Walk.of(op, draw(st.integers(1, 3)))


def independent_of_unit_dims(operand: Operand, op: VectorOp) -> Operand:
    """The operand without dims of one iteration, which `Walk` leaves out."""
    extents = dict(op.dims)
    axes = tuple(tuple(term for term in axis if extents[term[0]] > 1) for axis in operand.axes)
    return Operand(operand.tensor, axes, operand.dtype)


@given(walks())
def test_fetches_are_those_of_a_walk_over_all_elements(drawn: tuple[VectorOp, Walk]) -> None:
    op, walk = drawn
    for operand in op.inputs:
        plain = independent_of_unit_dims(operand, op)
        for cut in walk.cuts:
            for passes in {1, walk.passes}:
                expected = walked_fetches(plain, walk, cut, passes)
                assert fetched(operand, walk, cut, passes) == expected


@given(walks(), st.lists(st.integers(0, 200), min_size=1, max_size=3), st.data())
def test_more_memory_never_moves_more(
    drawn: tuple[VectorOp, Walk], capacities: list[int], data: st.DataObject
) -> None:
    op, walk = drawn
    more = [capacity + data.draw(st.integers(0, 100)) for capacity in capacities]
    rows = data.draw(st.integers(1, 8))

    def dram_reads(sizes: list[int]) -> float:
        accelerator = machine(*(max(size, 1e-9) for size in sizes))
        flow = Flow.empty(accelerator)
        bring_in(Stream.of(op.inputs, walk), accelerator, flow, rows)
        return flow.read["M0"]

    assert dram_reads(more) <= dram_reads(capacities)


@given(walks(), st.integers(1, 8))
def test_with_room_for_everything_each_element_comes_once(drawn: tuple[VectorOp, Walk], rows: int) -> None:
    op, walk = drawn
    accelerator = machine(inf)
    flow = Flow.empty(accelerator)
    bring_in(Stream.of(op.inputs, walk), accelerator, flow, rows)
    assert flow.read["M0"] <= sum(operand.elements(dict(op.dims)) for operand in op.inputs)
    assert flow.written["M1"] == flow.read["M0"]
    if all(coefficient == 1 for o in op.inputs for axis in o.axes for _, coefficient in axis):
        assert flow.read["M0"] == sum(operand.elements(dict(op.dims)) for operand in op.inputs)


@given(walks())
def test_without_memory_every_pass_reads_from_outside(drawn: tuple[VectorOp, Walk]) -> None:
    op, walk = drawn
    accelerator = machine()
    flow = Flow.empty(accelerator)
    stream = Stream.of(op.inputs, walk)
    bring_in(stream, accelerator, flow)
    assert flow.read["M0"] == sum(stream.lane_reads)
    assert flow.written["M0"] == 0


def row_op(rows: int, length: int) -> VectorOp:
    whole = ((("m", 1),), (("c", 1),))
    return VectorOp(
        name="norm",
        op="Norm",
        kind="layernorm",
        dims=(("m", rows), ("c", length)),
        inputs=(Operand("x", whole, DType.FP16), Operand("scale", ((("c", 1),),), DType.FP16)),
        outputs=(Operand("y", whole, DType.FP16),),
        reduced=("c",),
    )


def reads_of(op: VectorOp, passes: int, *capacities: float, rows: int = 1) -> list[float]:
    accelerator = machine(*capacities)
    flow = Flow.empty(accelerator)
    bring_in(Stream.of(op.inputs, Walk.of(op, passes)), accelerator, flow, rows)
    return list(flow.read.values())


def test_a_row_that_fits_is_read_once_from_outside() -> None:
    op = row_op(rows=5, length=16)  # a row of x is 32 bytes, scale 32
    once, scale = 5 * 32, 32
    assert reads_of(op, 2, 64) == [once + scale, 2 * once + 5 * scale]
    # x fits or the scale fits, not both: holding either saves a read of every row, holding x is what is left
    assert reads_of(op, 2, 63)[0] == 2 * once + 5 * scale
    assert reads_of(op, 2, 1000, 16) == [once + scale, 2 * once + 5 * scale, 2 * once + 5 * scale]
    # two rows in flight need two rows of x
    assert reads_of(op, 2, 95, rows=2)[0] == 2 * once + 5 * scale
    assert reads_of(op, 2, 96, rows=2)[0] == once + scale


def test_double_buffering_halves_what_fits() -> None:
    op = row_op(rows=5, length=16)
    walk, request = Walk.of(op, 2), Stream.of(op.inputs, Walk.of(op, 2)).lane_reads
    stream = Stream.of(op.inputs, walk)
    for double, fits in ((False, True), (True, False)):
        memory = Memory(name="M", capacity_bytes=100, double_buffered=double)
        assert (sum(stream.best_fill(memory, request, 1)) < sum(request)) == fits


def test_pooling_keeps_lines_of_its_window() -> None:
    x = Operand("x", ((("c", 1),), (("y", 2), ("r", 1)), (("z", 2), ("s", 1))), DType.INT8)
    y = Operand("y", ((("c", 1),), (("y", 1),), (("z", 1),)), DType.INT8)
    op = VectorOp(
        name="pool",
        op="MaxPool",
        kind="maxpool",
        dims=(("c", 4), ("y", 8), ("z", 8), ("r", 3), ("s", 3)),
        inputs=(x,),
        outputs=(y,),
        reduced=("r", "s"),
    )
    image, lines = 17 * 17, 3 * 17
    assert reads_of(op, 1, lines) == [4 * image, prod(extent for _, extent in op.dims)]
    assert reads_of(op, 1, lines - 1)[0] > 4 * image


def test_data_passes_only_memories_that_keep_it() -> None:
    accelerator = machine(100, 50, keeps=frozenset({"weight", "output"}))
    assert [memory.name for memory, _ in path(accelerator, "input")] == ["M0", "M2"]
    assert [memory.name for memory, _ in path(accelerator, "output")] == ["M0", "M1", "M2"]
    flow = Flow.empty(accelerator)
    take_out(10, accelerator, flow)
    assert list(flow.written.values()) == [10, 10, 10]
    assert list(flow.read.values()) == [0, 10, 10]


def test_links_and_instances() -> None:
    plain = machine(100, 50)
    fanout = Fanout(
        name="cores",
        axes=(FanoutAxis(name="x", size=4),),
        link_bytes_per_cycle=2,
        link_j_per_byte=3.0,
    )
    levels = (*plain.levels[:2], fanout, plain.levels[2])
    accelerator = Accelerator(
        name="cores",
        levels=levels,
        matrix=plain.matrix,
        vector=plain.vector,
        clock_hz=1.0,
        technology=plain.technology,
    )
    flow = Flow.empty(accelerator)
    take_out(12, accelerator, flow)
    assert flow.link == {"cores": 12}
    assert dict(flow.energy(accelerator))["cores"] == 36
    # 5 rows on 4 cores: the busiest has 2 of 5
    assert dict(load_cycles(flow, accelerator, 5)) == {
        "M0": 12 / 4,
        "M1": 12 / 8,
        "cores": 12 / 2,
        "M2": pytest.approx(12 / 8 * 2 / 5),
    }
