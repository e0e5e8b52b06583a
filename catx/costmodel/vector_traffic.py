"""What a vector op moves: how often each operand enters each memory on its way to the lanes.

See docs/vector-ops.md. Loops run over the op's dims as they stand, rows outside, the reduced dims inside, and
between the two once per pass. A cut splits these loops; a memory that holds what the loops inside the cut
touch fetches it once per change of it. Each memory takes the best cut that fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, prod

from catx.ir.accelerator import Accelerator, Fanout, Memory
from catx.ir.operand import Operand
from catx.ir.report import Traffic
from catx.ir.vector_op import VectorOp

_KEPT = 4096
"""Streams that are kept: they do not depend on the accelerator."""

PASSES = "<passes>"
"""Name of the loop over the passes, among the dims; no operand is indexed by it."""


@dataclass(frozen=True, slots=True)
class Walk:
    """The loops of an op, outermost first, without those of one iteration: row dims, then reduced dims."""

    rows: tuple[tuple[str, int], ...]
    reduced: tuple[tuple[str, int], ...]
    passes: int

    @classmethod
    def of(cls, op: VectorOp, passes: int) -> "Walk":
        """The loops of an op whose first input is read in so many passes."""
        dims = [(dim, extent) for dim, extent in op.dims if extent > 1]
        return cls(
            rows=tuple((dim, extent) for dim, extent in dims if dim not in op.reduced),
            reduced=tuple((dim, extent) for dim, extent in dims if dim in op.reduced),
            passes=passes,
        )

    @property
    def n_rows(self) -> int:
        """Rows of the op; elements, where nothing is reduced."""
        return prod(extent for _, extent in self.rows)

    @property
    def row_length(self) -> int:
        """Points of one row."""
        return prod(extent for _, extent in self.reduced)

    @property
    def cuts(self) -> range:
        """Places where the loops can be split: so many of them stand outside."""
        return range(len(self.rows) + len(self.reduced) + 1)


def _spans(operand: Operand, inside: Sequence[tuple[str, int]]) -> tuple[int, ...]:
    """Elements per axis that these loops span, all others standing still."""
    tile = dict.fromkeys(operand.dims, 1)
    tile.update((dim, extent) for dim, extent in inside if dim in tile)
    return operand.footprint(tile)


def _new_per_step(operand: Operand, spans: tuple[int, ...], dim: str) -> int:
    """Elements of a tile that were not in the one before, one step of `dim` back."""
    shifts = [dict(axis).get(dim, 0) for axis in operand.axes]
    return prod(spans) - prod(max(0, span - shift) for span, shift in zip(spans, shifts, strict=True))


def fetched(operand: Operand, walk: Walk, cut: int, passes: int = 1) -> int:
    """Elements that enter a memory that holds what the loops inside the cut touch.

    The rules of docs/cost-model.md: innermost outer loops that do not index the operand keep it in place;
    every step of the others fetches anew, except that an indexing innermost one fetches only what is new.
    An operand that is touched as a whole passes every memory once.
    """
    if operand.count is not None:
        return operand.count
    loops = [*walk.rows, *walk.reduced]
    outer, inner = loops[:cut], loops[cut:]
    if cut > len(walk.rows) and passes > 1:
        outer.insert(len(walk.rows), (PASSES, passes))
    spans, innermost = _spans(operand, inner), outer[-1] if outer else None
    while outer and outer[-1][0] not in operand.dims:
        outer.pop()
    if outer and outer[-1] is innermost:
        dim, extent = outer.pop()
        tile = prod(spans) + (extent - 1) * _new_per_step(operand, spans, dim)
    else:
        tile = prod(spans)
    return tile * prod(extent for _, extent in outer)


@dataclass(frozen=True, slots=True)
class _Held:
    """What one operand keeps in a memory at one cut: bytes of a tile, its rows, and how many tiles differ."""

    tile_bytes: float
    rows: int
    distinct: int

    def bytes_for(self, rows_in_flight: int) -> float:
        """Bytes that the rows in flight keep."""
        return self.tile_bytes * min(ceil(rows_in_flight / self.rows), self.distinct)


@dataclass(frozen=True, slots=True)
class Stream:
    """Operands of an op that come from the outermost memory.

    `fetches` holds, by cut, the bytes that each operand brings into a memory that holds the inside of the
    cut; `held` what such a memory keeps of the operands that are used again.
    """

    fetches: tuple[tuple[float, ...], ...]
    held: tuple[tuple[_Held, ...], ...]

    @classmethod
    @lru_cache(maxsize=_KEPT)
    def of(cls, operands: tuple[Operand, ...], walk: Walk) -> "Stream":
        """The stream of these operands; the first is read in every pass."""
        passes = [walk.passes if index == 0 else 1 for index in range(len(operands))]
        width = [operand.dtype.bits / 8 for operand in operands]
        fetches = tuple(
            tuple(fetched(o, walk, cut, p) * w for o, p, w in zip(operands, passes, width, strict=True))
            for cut in walk.cuts
        )
        held = tuple(
            tuple(
                _held(operand, walk, cut)
                for operand, now, never in zip(operands, fetches[cut], fetches[-1], strict=True)
                if now < never
            )
            for cut in walk.cuts
        )
        return cls(fetches, held)

    @property
    def lane_reads(self) -> tuple[float, ...]:
        """Bytes of each operand that the lanes read; a value stays in a lane while loops do not index it."""
        return self.fetches[-1]

    def best_fill(self, memory: Memory, request: tuple[float, ...], rows_in_flight: int) -> tuple[float, ...]:
        """What enters a memory that is asked for `request`: the least of it and every cut that fits."""
        usable = memory.capacity_bytes / (2 if memory.double_buffered else 1)
        fits = [
            fill
            for fill, held in zip(self.fetches, self.held, strict=True)
            if sum(tile.bytes_for(rows_in_flight) for tile in held) <= usable
        ]
        return min((request, *fits), key=sum)


def _held(operand: Operand, walk: Walk, cut: int) -> _Held:
    """What an operand keeps at a cut; only ops of several passes hold several rows at a time."""
    inside = [*walk.rows, *walk.reduced][cut:]
    tile_bytes = prod(_spans(operand, inside)) * operand.dtype.bits / 8
    if walk.passes == 1 or cut > len(walk.rows):
        return _Held(tile_bytes, 1, 1)
    distinct = prod(extent for dim, extent in walk.rows[:cut] if dim in operand.dims)
    return _Held(tile_bytes, prod(extent for _, extent in walk.rows[cut:]), distinct)


@dataclass(slots=True)
class Flow:
    """Bytes read and written at every memory, and through every link, over all instances."""

    read: dict[str, float]
    written: dict[str, float]
    link: dict[str, float]

    @classmethod
    def empty(cls, accelerator: Accelerator) -> "Flow":
        """Nothing moves anywhere."""
        memories = [memory.name for memory in accelerator.memories]
        return cls(
            dict.fromkeys(memories, 0.0),
            dict.fromkeys(memories, 0.0),
            dict.fromkeys((fanout.name for fanout in accelerator.fanouts), 0.0),
        )

    def add(self, other: "Flow") -> None:
        """Take in what something else moves."""
        for mine, more in ((self.read, other.read), (self.written, other.written), (self.link, other.link)):
            for name, n_bytes in more.items():
                mine[name] += n_bytes

    def traffic(self) -> tuple[Traffic, ...]:
        """Bytes by memory, outermost first."""
        return tuple(
            Traffic(memory=name, read_bytes=self.read[name], write_bytes=self.written[name])
            for name in self.read
        )

    def energy(self, accelerator: Accelerator) -> list[tuple[str, float]]:
        """Energy by memory and link [J]."""
        energy = []
        for level in accelerator.levels:
            if isinstance(level, Fanout):
                joules = self.link[level.name] * level.link_j_per_byte
            else:
                read_j = self.read[level.name] * level.read_j_per_byte
                joules = read_j + self.written[level.name] * level.write_j_per_byte
            energy.append((level.name, joules))
        return energy


def path(accelerator: Accelerator, role: str) -> tuple[tuple[Memory, tuple[Fanout, ...]], ...]:
    """Memories between the outermost and the vector unit's, outermost first, with the links above each.

    Data passes the memories that keep its role, and always the outermost and the vector unit's own.
    """
    assert accelerator.vector is not None
    steps: list[tuple[Memory, tuple[Fanout, ...]]] = []
    crossed: list[Fanout] = []
    for level in accelerator.levels:
        if isinstance(level, Fanout):
            crossed.append(level)
            continue
        last = level.name == accelerator.vector.memory
        if role in level.keeps or last:
            steps.append((level, tuple(crossed)))
            crossed = []
        if last:
            break
    return tuple(steps)


def bring_in(stream: Stream, accelerator: Accelerator, flow: Flow, rows_in_flight: int = 1) -> None:
    """Add to `flow` what the operands move on their way from the outermost memory to the lanes."""
    request = stream.lane_reads
    steps = path(accelerator, "input")
    for index in reversed(range(len(steps))):
        memory, links = steps[index]
        flow.read[memory.name] += sum(request)
        if index:
            request = stream.best_fill(memory, request, rows_in_flight)
            flow.written[memory.name] += sum(request)
            for fanout in links:
                flow.link[fanout.name] += sum(request)


def take_out(n_bytes: float, accelerator: Accelerator, flow: Flow) -> None:
    """Add to `flow` what results move on their way from the lanes to the outermost memory."""
    for index, (memory, links) in reversed(list(enumerate(path(accelerator, "output")))):
        flow.written[memory.name] += n_bytes
        if index:
            flow.read[memory.name] += n_bytes
            for fanout in links:
                flow.link[fanout.name] += n_bytes


def load_cycles(flow: Flow, accelerator: Accelerator, items: int) -> list[tuple[str, float]]:
    """Cycles that each memory and link is busy, in the order of the levels.

    The work is spread over the instances in `items` that do not split (rows, or elements); the busiest
    instance counts.
    """
    loads = []
    for level in accelerator.levels:
        share = busiest_share(level, accelerator, items)
        if isinstance(level, Fanout):
            cycles = flow.link[level.name] * share / level.link_bytes_per_cycle
        else:
            cycles = port_cycles(level, flow.read[level.name] * share, flow.written[level.name] * share)
        loads.append((level.name, cycles))
    return loads


def busiest_share(level: Memory | Fanout, accelerator: Accelerator, items: int) -> float:
    """Part of the work that the busiest instance of a level has, of `items` that do not split."""
    return ceil(items / accelerator.instances(level.name)) / items


def port_cycles(memory: Memory, read_bytes: float, written_bytes: float) -> float:
    """Cycles that one memory instance is busy."""
    if memory.shared_port:
        return (read_bytes + written_bytes) / memory.read_bytes_per_cycle
    return max(read_bytes / memory.read_bytes_per_cycle, written_bytes / memory.write_bytes_per_cycle)
