"""Cost of everything that is not a contraction: lanes, memory traffic, energy (docs/vector-ops.md)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, log2

from catx.costmodel.limit import limit
from catx.costmodel.vector_table import VectorKind, vector_kind
from catx.costmodel.vector_traffic import (
    Flow,
    Stream,
    Walk,
    bring_in,
    busiest_share,
    load_cycles,
    port_cycles,
    take_out,
)
from catx.errors import SpecError
from catx.ir.accelerator import Accelerator, Memory, VectorUnit
from catx.ir.counts import Steady
from catx.ir.operand import Operand
from catx.ir.report import LayerCost, Traffic
from catx.ir.vector_op import VectorOp

_KEPT = 4096
"""Ops of which is kept what does not depend on the accelerator."""

VECTOR = "vector"
"""What `bound_by` says where the lanes are the limit."""


@dataclass(frozen=True, slots=True)
class _Lanes:
    """Lanes of one instance of the vector unit's memory, and how many such instances there are."""

    per_instance: int
    instances: int

    @classmethod
    def of(cls, accelerator: Accelerator) -> "_Lanes":
        unit = _unit(accelerator)
        instances = min(accelerator.instances(unit.memory), unit.lanes)
        return cls(unit.lanes // instances, instances)


@dataclass(frozen=True, slots=True)
class _Job:
    """An op's row of the table, its loops, and the lane cycles that do something."""

    kind: VectorKind
    walk: Walk
    element_cycles: float
    useful_cycles: float
    energy_ops: float

    @classmethod
    @lru_cache(maxsize=_KEPT)
    def of(cls, op: VectorOp) -> "_Job":
        kind = vector_kind(op.kind)
        walk = Walk.of(op, kind.passes)
        levels = _heap_levels(op, walk) if kind.sorts else 1
        points, rows = walk.n_rows * walk.row_length * levels, walk.n_rows
        return cls(
            kind,
            walk,
            element_cycles=kind.element.cycles * levels,
            useful_cycles=points * kind.element.cycles + rows * kind.row.cycles,
            energy_ops=points * kind.element.energy_ops + rows * kind.row.energy_ops,
        )

    def cycles(self, lanes: _Lanes, rows_in_flight: int) -> float:
        """Cycles of the busiest instance, with so many rows side by side on equal parts of its lanes."""
        rows, length = ceil(self.walk.n_rows / lanes.instances), self.walk.row_length
        per_row = lanes.per_instance // rows_in_flight
        tree = self.kind.reductions * ceil(log2(min(per_row, length)))
        group = ceil(length / per_row) * self.element_cycles + tree + self.kind.row.cycles
        return ceil(rows / rows_in_flight) * group

    def layouts(self, lanes: _Lanes) -> list[int]:
        """Rows in flight to try: powers of two, and one per lane; single elements take a lane each."""
        if self.walk.row_length == 1:
            return [lanes.per_instance]
        powers = [2**i for i in range(lanes.per_instance.bit_length())]
        return sorted({*(p for p in powers if p <= lanes.per_instance), lanes.per_instance})


def _heap_levels(op: VectorOp, walk: Walk) -> int:
    """Levels of a heap of the results that one row keeps."""
    kept = op.outputs[0].elements(dict(op.dims)) / walk.n_rows
    return max(1, ceil(log2(kept)))


def _unit(accelerator: Accelerator, op: str = "") -> VectorUnit:
    if accelerator.vector is None:
        what = f"{op} needs a vector unit" if op else "a vector op needs a vector unit"
        raise SpecError(
            f"{what}, and {accelerator.name} has none",
            loc=accelerator.loc,
            hint="add compute.vector to the hardware description",
        )
    return accelerator.vector


def vector_cost(op: VectorOp, accelerator: Accelerator) -> LayerCost:
    """Cost of one run of a vector op, ops fused into it included.

    Operands start and end in the outermost memory. Of the ways to lay rows across the lanes, the one with the
    least traffic of the outermost memory is taken, then the fastest.

    Raises:
        SpecError: the accelerator has no vector unit.
        GraphError: the cost table has no row for the op's kind.
    """
    _unit(accelerator, op.name or op.op)
    job, lanes = _Job.of(op), _Lanes.of(accelerator)
    stream = Stream.of(op.inputs, job.walk)
    at_hand = () if op.reduced else _whole(op)
    fused = fused_cost(op.fused, (*op.outputs, *at_hand), accelerator)
    outermost = accelerator.memories[0].name
    ways = []
    for rows_in_flight in job.layouts(lanes):
        flow = Flow.empty(accelerator)
        bring_in(stream, accelerator, flow, rows_in_flight)
        take_out(_written_bytes(op), accelerator, flow)
        flow.add(fused.flow)
        total = LaneWork(
            lane_cycles=job.cycles(lanes, rows_in_flight) + fused.lane_cycles,
            useful_cycles=job.useful_cycles + fused.useful_cycles,
            energy_ops=job.energy_ops + fused.energy_ops,
            flow=flow,
            items=job.walk.n_rows,
        )
        ways.append((flow.read[outermost] + flow.written[outermost], total))
    least = min(moved for moved, _ in ways)
    roofline_s = _roofline_s(op, accelerator, ways[0][1].useful_cycles)
    costs = [_priced(accelerator, total, roofline_s) for moved, total in ways if moved == least]
    return min(costs, key=lambda cost: (cost.latency_s, cost.energy_j))


def _whole(op: VectorOp) -> tuple[Operand, ...]:
    """Inputs of which each step takes another element: once read, the element is in its lane."""
    extents = dict(op.dims)
    return tuple(operand for operand in op.inputs if operand.elements(extents) == op.elements)


def _written_bytes(op: VectorOp) -> float:
    """Bytes of the final results: those of the last fused op, if there is one."""
    last = op.fused[-1] if op.fused else op
    extents = dict(last.dims)
    return sum(output.elements(extents) * output.dtype.bits / 8 for output in last.outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneWork:
    """What work on the lanes takes: cycles, those of them that do something, energy, and bytes moved.

    `energy_ops` is in simple operations; `items` do not split over instances (rows, or elements).
    """

    lane_cycles: float
    useful_cycles: float
    energy_ops: float
    flow: Flow
    items: int

    def energy(self, accelerator: Accelerator) -> list[tuple[str, float]]:
        """Dynamic energy by memory, link and vector unit [J]."""
        unit = _unit(accelerator)
        return [*self.flow.energy(accelerator), (unit.name, self.energy_ops * unit.j_per_op)]


def _priced(accelerator: Accelerator, work: LaneWork, roofline_s: float) -> LayerCost:
    """Latency and energy of lanes and traffic; an op that has neither is not launched."""
    unit, clock_hz = _unit(accelerator), accelerator.clock_hz
    loads = [(VECTOR, work.lane_cycles), *load_cycles(work.flow, accelerator, work.items)]
    bound_by, steady_cycles = limit(loads, accelerator)
    latency_s = steady_cycles / clock_hz + accelerator.launch_s if steady_cycles else 0.0
    energy = work.energy(accelerator)
    static_j = accelerator.static_w * latency_s
    return LayerCost(
        latency_s=latency_s,
        energy_j=sum(joules for _, joules in energy) + static_j,
        static_energy_j=static_j,
        bound_by=bound_by,
        utilization=work.useful_cycles / (unit.lanes * latency_s * clock_hz) if latency_s else 0.0,
        roofline_s=roofline_s,
        traffic=work.flow.traffic(),
        energy_by_part_j=tuple(energy),
    )


def _roofline_s(op: VectorOp, accelerator: Accelerator, useful_cycles: float) -> float:
    """Least time: all lanes always busy, every distinct element moved once at the outermost memory."""
    extents, outer = dict(op.dims), accelerator.memories[0]
    flow = Flow.empty(accelerator)
    flow.read[outer.name] = sum(o.elements(extents) * o.dtype.bits / 8 for o in op.inputs)
    flow.written[outer.name] = _written_bytes(op)
    moved = load_cycles(flow, accelerator, 1)[0][1]
    return max(useful_cycles / _unit(accelerator).lanes, moved) / accelerator.clock_hz


def fused_cost(parts: Sequence[VectorOp], results: Sequence[Operand], accelerator: Accelerator) -> LaneWork:
    """What elementwise ops add that run on each result of another op on its way out.

    Args:
        parts: the fused ops, in order.
        results: outputs of the op that they are fused into; these, and what the parts make of them, never
            leave the lanes. All other inputs (bias, residual) come from the outermost memory, once where a
            part reads them element by element.
        accelerator: the machine.
    """
    flow = Flow.empty(accelerator)
    inside = {operand.tensor for operand in results}
    cycles = useful = energy_ops = 0.0
    items = 1
    for part in parts:
        _unit(accelerator, part.name or part.op)
        job, lanes = _Job.of(part), _Lanes.of(accelerator)
        items = max(items, job.walk.n_rows)
        cycles += min(job.cycles(lanes, rows) for rows in job.layouts(lanes))
        useful += job.useful_cycles
        energy_ops += job.energy_ops
        extra = tuple(operand for operand in part.inputs if operand.tensor not in inside)
        bring_in(Stream.of(extra, job.walk), accelerator, flow)
        inside.update(operand.tensor for operand in (*part.outputs, *_whole(part)))
    return LaneWork(lane_cycles=cycles, useful_cycles=useful, energy_ops=energy_ops, flow=flow, items=items)


def with_fused(base: LayerCost, fused: LaneWork, accelerator: Accelerator) -> LayerCost:
    """Cost of an einsum with its fused ops, from the cost of the einsum alone (see `Einsum.as_written`).

    The lanes work while the matrix unit does: what the fused ops add to each memory and link lengthens the op
    only where that becomes the longest. `base` carries its mapping.
    """
    assert base.mapped is not None, "the cost of an einsum has its mapping"
    added_s, bound_by = Joint(fused, accelerator).added_s(base.mapped.steady)
    latency_s = base.latency_s + added_s
    parts = dict(base.energy_by_part_j)
    more = fused.energy(accelerator)
    for name, joules in more:
        parts[name] = parts.get(name, 0.0) + joules
    static_j = accelerator.static_w * latency_s
    return replace(
        base,
        latency_s=latency_s,
        energy_j=base.energy_j - base.static_energy_j + sum(joules for _, joules in more) + static_j,
        static_energy_j=static_j,
        bound_by=bound_by if added_s else base.bound_by,
        utilization=base.utilization * base.latency_s / latency_s if latency_s else base.utilization,
        traffic=_summed(base.traffic, fused.flow.traffic()),
        energy_by_part_j=tuple(parts.items()),
    )


class Joint:
    """An accelerator that does an einsum and the ops that are fused into it at the same time.

    Args:
        fused: what the lanes do meanwhile.
        accelerator: the machine.
    """

    def __init__(self, fused: LaneWork, accelerator: Accelerator) -> None:
        self._fused, self._accelerator = fused, accelerator
        self._more: dict[str, tuple[float, float]] = {}
        """What the busiest instance does besides: bytes read and written, or cycles of a link and 0."""
        for level in accelerator.levels:
            share = busiest_share(level, accelerator, fused.items)
            if isinstance(level, Memory):
                added = fused.flow.read[level.name] * share, fused.flow.written[level.name] * share
            else:
                added = fused.flow.link[level.name] * share / level.link_bytes_per_cycle, 0.0
            self._more[level.name] = added

    def added_s(self, steady: Steady) -> tuple[float, str]:
        """By how much the fused ops lengthen the einsum [s], and what limits both together."""
        alone = [steady.compute]
        both = [("compute", steady.compute)]
        moved, links = iter(steady.moved), iter(steady.link)
        for level in self._accelerator.levels:
            more, more_written = self._more[level.name]
            if isinstance(level, Memory):
                read, written = next(moved)
                alone.append(port_cycles(level, read, written))
                both.append((level.name, port_cycles(level, read + more, written + more_written)))
            else:
                cycles = next(links)
                alone.append(cycles)
                both.append((level.name, cycles + more))
        bound_by, longest = limit([*both, (VECTOR, self._fused.lane_cycles)], self._accelerator)
        return max(0.0, longest - max(alone)) / self._accelerator.clock_hz, bound_by


def _summed(first: Sequence[Traffic], second: Sequence[Traffic]) -> tuple[Traffic, ...]:
    """Traffic of two things at the same memories."""
    more = {traffic.memory: traffic for traffic in second}
    return tuple(
        replace(
            traffic,
            read_bytes=traffic.read_bytes + more[traffic.memory].read_bytes,
            write_bytes=traffic.write_bytes + more[traffic.memory].write_bytes,
        )
        for traffic in first
    )
