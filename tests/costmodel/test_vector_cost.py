from dataclasses import replace
from math import ceil, inf, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.costmodel.vector_cost import fused_cost, vector_cost, with_fused
from catx.costmodel.vector_table import VECTOR_TABLE, vector_kind
from catx.errors import GraphError, SpecError
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
from catx.ir.counts import Access, Counts, Cycles, StoreCounts
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.mapping import Mapping, Store
from catx.ir.operand import Operand, plain_axes
from catx.ir.report import LayerCost, Traffic
from catx.ir.vector_op import VectorOp
from catx.mapper.front import FrontPoint

RATE = MacRate(dtype=DType.INT8, macs_per_cycle=1, j_per_mac=0, accumulator=DType.INT32)


def machine(
    *, dram: float = 8, buffer: float = 1024, buffer_rate: float = 64, lanes: int = 8, cores: int = 1
) -> Accelerator:
    """DRAM with a shared port, a buffer in each core that feeds the lanes; at 1 Hz a cycle is a second."""
    levels: list[Memory | Fanout] = [
        Memory(
            name="DRAM",
            read_bytes_per_cycle=dram,
            shared_port=True,
            read_j_per_byte=100,
            write_j_per_byte=200,
            static_w=2,
        ),
        Memory(
            name="BUF",
            capacity_bytes=buffer,
            read_bytes_per_cycle=buffer_rate,
            write_bytes_per_cycle=buffer_rate,
            read_j_per_byte=1,
            write_j_per_byte=3,
        ),
    ]
    if cores > 1:
        levels.insert(1, Fanout(name="cores", axes=(FanoutAxis(name="x", size=cores),), link_j_per_byte=10))
    return Accelerator(
        name="small",
        levels=tuple(levels),
        matrix=MatrixUnit(name="MAC", rates=(RATE,)),
        vector=VectorUnit(name="VEC", memory="BUF", lanes=lanes, j_per_op=5),
        clock_hz=1.0,
        technology=Technology(node_nm=22),
    )


def vector(
    kind: str,
    dims: dict[str, int],
    inputs: tuple[str, ...],
    output: str,
    *,
    reduced: str = "",
    dtype: DType = DType.INT8,
    names: tuple[str, ...] = ("x", "y", "z"),
    result: str = "out",
) -> VectorOp:
    """An op whose operands are written as their dims: "mc" is a matrix over m and c."""
    return VectorOp(
        name="op",
        op=kind,
        kind=kind,
        dims=tuple(dims.items()),
        inputs=tuple(
            Operand(name, plain_axes(*axes), dtype) for name, axes in zip(names, inputs, strict=False)
        ),
        outputs=(Operand(result, plain_axes(*output), dtype),),
        reduced=tuple(reduced),
    )


def stepped_cycles(kind: str, rows: int, length: int, lanes: int, in_flight: int) -> float:
    """Cycles of one instance, walked: groups of rows, steps along a row, a tree, the work of a row."""
    row = vector_kind(kind)
    per_row = lanes // in_flight
    cycles = 0.0
    for first in range(0, rows, in_flight):
        group = range(first, min(first + in_flight, rows))
        assert len(group) >= 1
        for _ in range(0, length, per_row):
            cycles += row.element.cycles
        partials = min(per_row, length)
        while partials > 1:
            partials = ceil(partials / 2)
            cycles += row.reductions
        cycles += row.row.cycles
    return cycles


@given(
    kind=st.sampled_from(["softmax", "layernorm", "reduce_mean", "maxpool"]),
    rows=st.integers(1, 40),
    length=st.integers(2, 40),
    lanes=st.integers(1, 20),
    cores=st.sampled_from([1, 3]),
)
def test_lane_cycles_are_those_of_a_walk(kind: str, rows: int, length: int, lanes: int, cores: int) -> None:
    lanes = max(lanes, cores)
    fast = machine(dram=inf, buffer=inf, buffer_rate=inf, lanes=lanes, cores=cores)
    out = "m" if kind in ("reduce_mean", "maxpool") else "mc"
    cost = vector_cost(vector(kind, {"m": rows, "c": length}, ("mc",), out, reduced="c"), fast)
    per_core = lanes // cores
    layouts = {2**i for i in range(10) if 2**i <= per_core} | {per_core}
    mine = ceil(rows / cores)
    assert cost.latency_s == min(stepped_cycles(kind, mine, length, per_core, layout) for layout in layouts)
    assert cost.bound_by == "vector"
    assert 0 < cost.utilization <= 1
    assert cost.roofline_s <= cost.latency_s


def test_elementwise_by_hand() -> None:
    cost = vector_cost(vector("gelu", {"m": 5, "c": 10}, ("mc",), "mc"), machine())
    assert cost.latency_s == ceil(50 / 8) * 22
    assert cost.bound_by == "vector"
    assert cost.traffic == (
        Traffic(memory="DRAM", read_bytes=50, write_bytes=50),
        Traffic(memory="BUF", read_bytes=100, write_bytes=100),
    )
    assert dict(cost.energy_by_part_j) == {
        "DRAM": 50 * 100 + 50 * 200,
        "BUF": 100 * 1 + 100 * 3,
        "VEC": 50 * 22 * 5,
    }
    assert cost.static_energy_j == 2 * cost.latency_s
    assert cost.energy_j == sum(joules for _, joules in cost.energy_by_part_j) + cost.static_energy_j
    assert cost.utilization == pytest.approx(50 * 22 / (8 * cost.latency_s))


def test_softmax_by_hand() -> None:
    op = vector("softmax", {"m": 4, "c": 8}, ("mc",), "mc", reduced="c")
    roomy, tight = (vector_cost(op, machine(buffer=size)) for size in (1024, 7))
    assert roomy.traffic[0] == Traffic(memory="DRAM", read_bytes=32, write_bytes=32)
    assert roomy.traffic[1] == Traffic(memory="BUF", read_bytes=3 * 32 + 32, write_bytes=32 + 32)
    assert tight.traffic[0] == Traffic(memory="DRAM", read_bytes=3 * 32, write_bytes=32)
    # eight lanes, two per row: 4 steps of 13 cycles, two reductions in trees of depth 1, one reciprocal
    assert roomy.latency_s == 4 * 13 + 2 * 1 + 4
    one_row = vector_cost(op, machine(buffer=8))
    assert one_row.traffic[0] == roomy.traffic[0]
    # only one row fits: it takes all lanes
    assert one_row.latency_s == 4 * (13 + 2 * log2(8) + 4)


def test_memory_bound_op_names_its_memory() -> None:
    op = vector("add", {"m": 64, "c": 64}, ("mc", "mc"), "mc")
    slow = vector_cost(op, machine(dram=1))
    assert (slow.bound_by, slow.latency_s) == ("DRAM", 3 * 4096)
    assert slow.roofline_s == slow.latency_s
    narrow = vector_cost(op, machine(dram=inf, buffer_rate=2))
    assert (narrow.bound_by, narrow.latency_s) == ("BUF", (2 + 1) * 4096 / 2)
    launched = vector_cost(op, replace(machine(dram=1), launch_s=10.0))
    assert launched.latency_s == slow.latency_s + 10


def test_gather_reads_only_what_it_gathers() -> None:
    table = vector("gather", {"t": 77, "c": 512}, ("tc", "t"), "tc")
    cost = vector_cost(table, machine(buffer=10**9))
    assert cost.traffic[0].read_bytes == 77 * 512 + 77
    assert cost.traffic[0].write_bytes == 77 * 512


def test_broadcast_is_read_once_if_it_fits_else_per_use() -> None:
    op = vector("add", {"m": 10, "c": 64}, ("mc", "c"), "mc")
    assert vector_cost(op, machine(buffer=64)).traffic[0].read_bytes == 640 + 64
    assert vector_cost(op, machine(buffer=63)).traffic[0].read_bytes == 640 + 640
    column = vector("mul", {"m": 10, "c": 64}, ("mc", "m"), "mc")
    assert vector_cost(column, machine(buffer=1)).traffic[0].read_bytes == 640 + 10


def test_topk_works_harder_for_more_results() -> None:
    def topk(k: int) -> VectorOp:
        dims = {"m": 4, "q": 64 // k, "k": k}
        x = Operand("x", ((("m", 1),), (("q", k), ("k", 1))), DType.FP16)
        values = Operand("v", ((("m", 1),), (("k", 1),)), DType.FP16)
        return VectorOp(
            name="topk",
            op="TopK",
            kind="topk",
            dims=tuple((name, extent) for name, extent in dims.items()),
            inputs=(x,),
            outputs=(values, replace(values, tensor="i", dtype=DType.INT64)),
            reduced=("q", "k"),
        )

    one, eight = (vector_cost(topk(k), machine(dram=inf)) for k in (1, 8))
    assert eight.latency_s > 2 * one.latency_s
    assert eight.traffic[0].write_bytes == 4 * 8 * (2 + 8)


@given(
    kind=st.sampled_from(sorted(VECTOR_TABLE)),
    rows=st.integers(1, 12),
    length=st.integers(1, 12),
    capacity=st.integers(1, 200),
    more=st.integers(0, 200),
    lanes=st.integers(1, 16),
)
def test_more_memory_never_moves_more(
    kind: str, rows: int, length: int, capacity: int, more: int, lanes: int
) -> None:
    op = vector(kind, {"m": rows, "c": length}, ("mc", "c"), "mc", reduced="c")
    little, much = (
        vector_cost(op, machine(buffer=size, lanes=lanes)).traffic[0] for size in (capacity, capacity + more)
    )
    assert much.read_bytes <= little.read_bytes
    assert much.write_bytes == little.write_bytes
    assert much.read_bytes >= rows * length


@given(rows=st.integers(1, 20), length=st.integers(1, 20), kind=st.sampled_from(sorted(VECTOR_TABLE)))
def test_bounds(rows: int, length: int, kind: str) -> None:
    op = vector(kind, {"m": rows, "c": length}, ("mc",), "mc", reduced="c")
    cost = vector_cost(op, machine())
    assert 0 <= cost.utilization <= 1
    assert 0 < cost.roofline_s <= cost.latency_s * (1 + 1e-12)
    assert cost.energy_j > 0
    assert cost.mapping is None
    assert cost.counts is None


def fused(base: VectorOp, *parts: VectorOp) -> VectorOp:
    return replace(base, fused=parts)


def test_fused_ops_read_only_what_comes_from_elsewhere() -> None:
    dims = {"m": 4, "c": 16}
    base = vector("mul", dims, ("mc", "mc"), "mc", result="t")
    bias = vector("add", dims, ("mc", "c"), "mc", names=("t", "bias"), result="u")
    act = vector("gelu", dims, ("mc",), "mc", names=("u",), result="v")
    residual = vector("add", dims, ("mc", "mc"), "mc", names=("v", "skip"), result="w", dtype=DType.FP16)
    alone, whole = vector_cost(base, machine()), vector_cost(fused(base, bias, act, residual), machine())
    assert whole.traffic[0].read_bytes == alone.traffic[0].read_bytes + 16 + 2 * 64
    # the result is written once, in the type of the last op
    assert whole.traffic[0].write_bytes == 2 * 64
    vec = dict(whole.energy_by_part_j)["VEC"] - dict(alone.energy_by_part_j)["VEC"]
    assert vec == 64 * (1 + 22 + 1) * 5
    apart = sum(vector_cost(op, machine()).energy_j for op in (base, bias, act, residual))
    assert whole.energy_j < apart


def test_what_a_lane_has_read_is_not_read_again() -> None:
    dims = {"m": 4, "c": 16}
    gate = vector("sigmoid", dims, ("mc",), "mc", names=("x",), result="s")
    times = vector("mul", dims, ("mc", "mc"), "mc", names=("x", "s"), result="t")
    again = vector("add", dims, ("mc", "mc"), "mc", names=("t", "skip"), result="u")
    twice = vector("mul", dims, ("mc", "mc"), "mc", names=("u", "skip"), result="v")
    assert vector_cost(fused(gate, times), machine()).traffic[0].read_bytes == 64
    assert vector_cost(fused(gate, times, again, twice), machine()).traffic[0].read_bytes == 2 * 64


NEST = Mapping((Store("DRAM", "input"),))
DRAM_RATE = machine().memories[0].read_bytes_per_cycle


def einsum_cost(latency: float, compute: float, dram: float) -> LayerCost:
    cycles = Cycles(
        compute=compute,
        memory=(("DRAM", dram), ("BUF", 1.0)),
        link=(),
        first_fill=latency - max(compute, dram),
        last_drain=0,
        pipeline=0,
        unhidden=0,
        latency_cycles=latency,
        bound_by="compute" if compute >= dram else "DRAM",
    )
    store = StoreCounts(
        memory="DRAM",
        role="input",
        tile_elements=1,
        tile_bytes=1.0,
        instances=1,
        total=Access(),
        busiest=Access(),
        read_bytes=dram * DRAM_RATE,
        write_bytes=0.0,
        busiest_read_bytes=dram * DRAM_RATE,
        busiest_write_bytes=0.0,
    )
    counts = Counts(
        operations=1, compute_instances=1, stores=(store,), links=(), cycles=cycles, energy_j=(("DRAM", 7.0),)
    )
    return LayerCost(
        latency_s=latency,
        energy_j=7.0 + 2 * latency,
        static_energy_j=2 * latency,
        bound_by=cycles.bound_by,
        utilization=0.5,
        roofline_s=1.0,
        traffic=(
            Traffic(memory="DRAM", read_bytes=10, write_bytes=20),
            Traffic(memory="BUF", read_bytes=1, write_bytes=2),
        ),
        energy_by_part_j=(("DRAM", 7.0), ("BUF", 0.0), ("MAC", 0.0)),
        mapped=FrontPoint(NEST, counts),
    )


def test_ops_fused_into_an_einsum_hide_behind_it() -> None:
    dims = {"m": 4, "c": 16}
    result = Operand("t", plain_axes("m", "c"), DType.INT8)
    skip = vector("add", dims, ("mc", "mc"), "mc", names=("t", "skip"), result="u")
    extra = fused_cost((skip,), (result,), machine())
    assert extra.lane_cycles == 64 / 8
    hidden = with_fused(einsum_cost(110, compute=100, dram=20), extra, machine())
    assert (hidden.latency_s, hidden.bound_by, hidden.utilization) == (110, "compute", 0.5)
    assert hidden.traffic[0] == Traffic(memory="DRAM", read_bytes=10 + 64, write_bytes=20)
    # the residual takes 8 more cycles of the DRAM that is the limit
    longer = with_fused(einsum_cost(110, compute=50, dram=100), extra, machine())
    assert (longer.latency_s, longer.bound_by) == (118, "DRAM")
    assert longer.utilization == pytest.approx(0.5 * 110 / 118)
    assert longer.energy_j == pytest.approx(sum(j for _, j in longer.energy_by_part_j) + 2 * 118)
    gelu = vector("gelu", {"m": 40, "c": 16}, ("mc",), "mc", names=("t",), result="u")
    lanes = with_fused(
        einsum_cost(110, compute=100, dram=20), fused_cost((gelu,), (result,), machine()), machine()
    )
    assert (lanes.latency_s, lanes.bound_by) == (110 + 80 * 22 - 100, "vector")


def test_fused_reads_and_the_einsum_s_writes_use_separate_ports() -> None:
    dram = replace(machine().memories[0], shared_port=False, write_bytes_per_cycle=DRAM_RATE)
    split = replace(machine(), levels=(dram, *machine().levels[1:]))
    dims = {"m": 4, "c": 16}
    skip = vector("add", dims, ("mc", "mc"), "mc", names=("t", "skip"), result="u")
    extra = fused_cost((skip,), (Operand("t", plain_axes("m", "c"), DType.INT8),), split)
    base = einsum_cost(110, compute=50, dram=100)
    assert base.counts is not None
    (store,) = base.counts.stores
    written = replace(store, busiest_read_bytes=0.0, busiest_write_bytes=store.busiest_read_bytes)
    base = replace(base, mapped=FrontPoint(NEST, replace(base.counts, stores=(written,))))
    assert with_fused(base, extra, split).latency_s == 110, "the residual is read while results are written"


def test_nothing_fused_changes_nothing() -> None:
    base = einsum_cost(110, compute=100, dram=20)
    without_vector = replace(machine(), vector=None)
    assert fused_cost((), (), without_vector).lane_cycles == 0
    again = with_fused(base, fused_cost((), (), machine()), machine())
    assert (again.latency_s, again.energy_j, again.traffic) == (base.latency_s, base.energy_j, base.traffic)


def test_an_einsum_is_mapped_with_the_type_that_is_written() -> None:
    out = Operand("t", plain_axes("m", "n"), DType.INT32)
    factors = (Operand("a", plain_axes("m", "k"), DType.INT8), Operand("b", plain_axes("k", "n"), DType.INT8))
    quantize = vector("quantize", {"m": 2, "n": 2}, ("mn",), "mn", names=("t",))
    einsum = Einsum(
        name="e",
        op="MatMulInteger",
        dims=(("m", 2), ("n", 2), ("k", 2)),
        inputs=factors,
        output=out,
        fused=(quantize,),
    )
    assert einsum.as_written().output.dtype is DType.INT8
    assert einsum.as_written().fused == ()
    plain = replace(einsum, fused=())
    assert plain.as_written() is plain


def test_without_vector_unit() -> None:
    bare = replace(machine(), vector=None)
    op = replace(vector("softmax", {"m": 2, "c": 2}, ("mc",), "mc", reduced="c"), name="layer7/softmax")
    with pytest.raises(SpecError, match=r"layer7/softmax needs a vector unit(.|\n)*compute\.vector"):
        vector_cost(op, bare)
    with pytest.raises(SpecError, match="needs a vector unit"):
        fused_cost((op,), (), bare)


def test_unknown_kind() -> None:
    with pytest.raises(GraphError, match="kind of vector op"):
        vector_cost(vector("fft", {"m": 2}, ("m",), "m"), machine())


def test_unknown_ops_only_move_data() -> None:
    cost = vector_cost(vector("unknown", {"m": 8}, ("m", "m"), "m"), machine())
    assert dict(cost.energy_by_part_j)["VEC"] == 0
    assert cost.bound_by == "DRAM"
    assert cost.traffic[0] == Traffic(memory="DRAM", read_bytes=16, write_bytes=8)
