"""Second half of the oracle: adds up what the walk moved into counts, bytes, cycles and energy."""

from dataclasses import dataclass
from itertools import pairwise

from catx.ir.accelerator import Fanout, MacRate, Memory
from catx.ir.counts import Access, Counts, Cycles, LinkCounts, StoreCounts
from catx.ir.einsum import OUTPUT, ROLES
from tests.oracle.nest import (
    Child,
    Complete,
    Move,
    Nest,
    accesses,
    completeness,
    fanouts_between,
    mac_rate,
    moves,
    visits,
)


@dataclass(frozen=True, slots=True)
class Flow:
    """One tensor between one parent and one child: what moves at each end and on the fanouts between."""

    role: str
    parent: str
    child: str
    at_parent: "Side"
    at_child: "Side"
    on_links: "dict[str, Side]"


@dataclass(frozen=True, slots=True)
class Side:
    """All moves at one place."""

    moves: list[Move]

    @property
    def busiest(self) -> list[Move]:
        return [move for move in self.moves if not any(move.owner)]

    @property
    def first(self) -> list[Move]:
        """The moves of the first step at the first instance."""
        return [move for move in self.busiest if not any(move.step)]


def flow(nest: Nest, role: str, parent: tuple[str, Child], child: tuple[str, Child]) -> Flow:
    """Follow one tensor from a parent to its child (or, for the output, back)."""
    found = visits(nest.operand(role), child[1], holds=bool(child[0]))

    def side(outside: int, *, by_lane: bool = False) -> Side:
        complete: Complete | None = None
        if role == OUTPUT:
            complete = completeness(nest, child[1], outside, by_lane=by_lane)
        return Side(moves(accesses(nest, role, child[1], found, outside), complete, by_lane=by_lane))

    between = fanouts_between(nest, parent[1].level, child[1].level)
    return Flow(
        role=role,
        parent=parent[0],
        child=child[0],
        at_parent=side(nest.outside(child[1], parent[1].level)),
        at_child=side(len(child[1].spatial)),
        on_links={fanout.name: side(nest.outside(child[1], i), by_lane=True) for i, fanout in between},
    )


class Ledger:
    """Adds up flows. Widths in bytes per element."""

    def __init__(self, nest: Nest, rate: MacRate) -> None:
        self.nest, self.rate = nest, rate
        self.width = {role: nest.operand(role).dtype.bits / 8 for role in ROLES}
        self.wide = rate.accumulator.bits / 8
        self.flows = [
            flow(nest, role, parent, child) for role in ROLES for parent, child in pairwise(nest.chain(role))
        ]

    def access(self, memory: str, role: str, *, first: bool) -> Access:
        """Everything that happens at a memory for a tensor, at all instances or at the first one."""
        sums = dict.fromkeys(Access.__dataclass_fields__, 0)
        for part in (part for part in self.flows if part.role == role):
            if part.child == memory:
                for move in part.at_child.busiest if first else part.at_child.moves:
                    sums["fill"] += move.again if role == OUTPUT else move.elements
                    sums["drain"] += move.elements if role == OUTPUT else 0
                    sums["partial_drain"] += move.elements - move.final if role == OUTPUT else 0
            if part.parent == memory:
                for move in part.at_parent.busiest if first else part.at_parent.moves:
                    sums["read_child"] += 0 if role == OUTPUT else move.elements
                    sums["update"] += move.elements if role == OUTPUT else 0
                    sums["read_psum"] += move.again if role == OUTPUT else 0
                    sums["partial_update"] += move.elements - move.final if role == OUTPUT else 0
        return Access(**sums)

    def down_bytes(self, role: str, found: list[Move]) -> float:
        """Bytes that go inwards: data of factors, partial sums that come back."""
        if role == OUTPUT:
            return sum(move.again for move in found) * self.wide
        return sum(move.elements for move in found) * self.width[role]

    def up_bytes(self, role: str, found: list[Move]) -> float:
        """Bytes that go outwards: final results and partial sums."""
        if role != OUTPUT:
            return 0.0
        final = sum(move.final for move in found)
        return final * self.width[role] + (sum(move.elements for move in found) - final) * self.wide

    def tile_bytes(self, role: str, side: Side) -> float:
        """Bytes of a full tile; of the output as wide as the accumulator where nothing is ever final."""
        final = role != OUTPUT or any(move.final for move in side.moves)
        return sum(move.elements for move in side.first) * (self.width[role] if final else self.wide)

    def read_bytes(self, role: str, access: Access) -> float:
        """Bytes read at a memory."""
        wide = access.read_psum + access.partial_drain
        return wide * self.wide + (access.reads - wide) * self.width[role]

    def write_bytes(self, role: str, access: Access) -> float:
        """Bytes written at a memory."""
        wide = access.fill + access.partial_update if role == OUTPUT else 0
        return wide * self.wide + (access.writes - wide) * self.width[role]

    def store(self, memory: str, role: str, child: Child) -> StoreCounts:
        """One row of the answer. The tile is the one that the loops' tile sizes promise, the largest."""
        total, first = self.access(memory, role, first=False), self.access(memory, role, first=True)
        elements = tile_elements(self.nest, role, child)
        return StoreCounts(
            memory=memory,
            role=role,
            tile_elements=elements,
            tile_bytes=elements * (self.wide if total.partial_update else self.width[role]),
            instances=len({place.at for place in child.places}),
            total=total,
            busiest=first,
            read_bytes=self.read_bytes(role, total),
            write_bytes=self.write_bytes(role, total),
            busiest_read_bytes=self.read_bytes(role, first),
            busiest_write_bytes=self.write_bytes(role, first),
        )

    def link(self, fanout: Fanout) -> LinkCounts:
        """Bytes that enter a fanout's link in both directions."""
        total = first = 0.0
        for part in (part for part in self.flows if fanout.name in part.on_links):
            side = part.on_links[fanout.name]
            total += self.down_bytes(part.role, side.moves) + self.up_bytes(part.role, side.moves)
            first += self.down_bytes(part.role, side.busiest) + self.up_bytes(part.role, side.busiest)
        return LinkCounts(fanout=fanout.name, total_bytes=total, busiest_bytes=first)


def tile_elements(nest: Nest, role: str, child: Child) -> int:
    """Elements of the tile that the tile sizes of the loops above ask for."""
    nominal = nest.einsum.extents | {loop.dim: loop.tile for loop in child.loops}
    return nest.operand(role).elements(nominal)


def read_time(memory: Memory, read_bytes: float) -> float:
    """Cycles to read."""
    return read_bytes / memory.read_bytes_per_cycle


def write_time(memory: Memory, write_bytes: float) -> float:
    """Cycles to write; a shared port has one rate."""
    return write_bytes / (memory.read_bytes_per_cycle if memory.shared_port else memory.write_bytes_per_cycle)


def port_time(memory: Memory, read_bytes: float, write_bytes: float) -> float:
    """Cycles that the ports of a memory need for both."""
    if memory.shared_port:
        return read_time(memory, read_bytes + write_bytes)
    return max(read_time(memory, read_bytes), write_time(memory, write_bytes))


class Clock:
    """Times what the ledger holds: always of the first, busiest instance."""

    def __init__(
        self, ledger: Ledger, stores: tuple[StoreCounts, ...], links: tuple[LinkCounts, ...]
    ) -> None:
        self.ledger, self.nest, self.stores, self.links = ledger, ledger.nest, stores, links
        self.memories = {memory.name: memory for memory in self.nest.accelerator.memories}
        self.between_memories = [part for part in ledger.flows if part.child]
        self.fanouts = {fanout.name: fanout for fanout in self.nest.accelerator.fanouts}

    def loads(self) -> dict[str, float]:
        """Cycles of every level, outermost first, in the steady state."""
        out = dict[str, float]()
        for level in self.nest.accelerator.levels:
            if isinstance(level, Memory):
                rows = [row for row in self.stores if row.memory == level.name]
                read = sum(row.busiest_read_bytes for row in rows)
                write = sum(row.busiest_write_bytes for row in rows)
                out[level.name] = port_time(level, read, write)
            else:
                (crossed,) = (link.busiest_bytes for link in self.links if link.fanout == level.name)
                out[level.name] = crossed / level.link_bytes_per_cycle
        return out

    def alone(self, part: Flow) -> float:
        """Cycles in which the child writes its first full tile, or reads the last one of the output."""
        time = read_time if part.role == OUTPUT else write_time
        return time(self.memories[part.child], self.ledger.tile_bytes(part.role, part.at_child))

    def edge(self, part: Flow) -> float:
        """Cycles until a full tile has moved between a parent and its child: the slowest on the way."""
        time = write_time if part.role == OUTPUT else read_time
        times = [self.alone(part)]
        times.append(time(self.memories[part.parent], self.ledger.tile_bytes(part.role, part.at_parent)))
        for name, side in part.on_links.items():
            crossing = self.ledger.tile_bytes(part.role, side)
            times.append(crossing / self.fanouts[name].link_bytes_per_cycle)
        return max(times)

    def unhidden(self) -> float:
        """Cycles in which memories without a second buffer stop their children."""
        cycles = 0.0
        for part in self.between_memories:
            memory = self.memories[part.child]
            if not memory.double_buffered:
                cycles += write_time(memory, self.ledger.down_bytes(part.role, part.at_child.busiest))
                cycles += read_time(memory, self.ledger.up_bytes(part.role, part.at_child.busiest))
                cycles -= self.alone(part)
        return cycles

    def pipeline(self) -> float:
        """Cycles in which the matrix unit fills or empties its pipeline."""
        once = self.nest.accelerator.matrix.pipeline_cycles
        memory = [m for m in self.memories.values() if any(row.memory == m.name for row in self.stores)][-1]
        if memory.double_buffered:
            return once
        changes = [
            len({move.step for move in part.at_child.busiest})
            for part in self.ledger.flows
            if part.child == memory.name
        ]
        return once * min(changes, default=1)

    def cycles(self) -> Cycles:
        """Everything about time."""
        loads = self.loads()
        operations = sum(not any(place.at) for place in self.nest.unit.places)
        compute = operations / self.ledger.rate.macs_per_cycle
        named = [("compute", compute), *loads.items()]
        steady = max(load for _, load in named)
        exposed = dict.fromkeys(("first_fill", "last_drain", "pipeline", "unhidden"), 0.0)
        if not self.nest.accelerator.overlap_only:
            for part in self.between_memories:
                exposed["last_drain" if part.role == OUTPUT else "first_fill"] += self.edge(part)
            exposed["pipeline"] = self.pipeline()
            exposed["unhidden"] = self.unhidden()
        return Cycles(
            compute=compute,
            memory=tuple((name, loads[name]) for name in self.memories),
            link=tuple((name, loads[name]) for name in self.fanouts),
            latency_cycles=steady + sum(exposed.values()),
            bound_by=next(name for name, load in named if load == steady),
            **exposed,
        )


def tally(nest: Nest) -> Counts:
    """Put a walked nest into the answer's form."""
    accelerator = nest.accelerator
    rate = mac_rate(nest.einsum, accelerator)
    assert rate is not None, "the matrix unit does not compute this type"
    ledger = Ledger(nest, rate)
    stores = tuple(ledger.store(memory, role, child) for (memory, role), child in nest.stores.items())
    links = tuple(ledger.link(fanout) for fanout in accelerator.fanouts)
    operations = len(nest.unit.places)
    energy = dict[str, float]()
    for memory in accelerator.memories:
        rows = [row for row in stores if row.memory == memory.name]
        energy[memory.name] = sum(row.read_bytes for row in rows) * memory.read_j_per_byte
        energy[memory.name] += sum(row.write_bytes for row in rows) * memory.write_j_per_byte
    for link, fanout in zip(links, accelerator.fanouts, strict=True):
        energy[fanout.name] = link.total_bytes * fanout.link_j_per_byte
    energy[accelerator.matrix.name] = operations * rate.j_per_mac
    return Counts(
        operations=operations,
        compute_instances=len({place.at for place in nest.unit.places}),
        stores=stores,
        links=links,
        cycles=Clock(ledger, stores, links).cycles(),
        energy_j=tuple(energy.items()),
    )
