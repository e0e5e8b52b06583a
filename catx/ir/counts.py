"""Counts: what a mapping moves, by memory, tensor and cause."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Access:
    """Elements moved at one memory for one tensor: over all its instances, or in the busiest one.

    See docs/cost-model.md for the causes. `partial_*` are the parts of `update` and `drain` that are
    partial sums, at the accumulator's width; `fill` and `read_psum` of an output always are.
    """

    fill: int = 0
    read_child: int = 0
    read_psum: int = 0
    update: int = 0
    drain: int = 0
    partial_update: int = 0
    partial_drain: int = 0

    @property
    def reads(self) -> int:
        """All elements read here."""
        return self.read_child + self.read_psum + self.drain

    @property
    def writes(self) -> int:
        """All elements written here."""
        return self.fill + self.update


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCounts:
    """Counts of one tensor at one memory that keeps it.

    `total` is over all instances, `busiest` is the instance with the most work. `tile_elements` is what one
    instance holds at a time; `instances` is how many are used. Read and written bytes are at real bit widths.
    """

    memory: str
    role: str
    tile_elements: int
    tile_bytes: float
    instances: int
    total: Access
    busiest: Access
    read_bytes: float
    write_bytes: float
    busiest_read_bytes: float
    busiest_write_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCounts:
    """Bytes that enter a fanout's link on its parent's side: over all links, and in the busiest one."""

    fanout: str
    total_bytes: float
    busiest_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycles:
    """Cycles by what needs them; `latency_cycles` puts them together and `bound_by` names the largest.

    `memory` and `link` hold one entry per level, in the order of the accelerator.
    """

    compute: float
    memory: tuple[tuple[str, float], ...]
    link: tuple[tuple[str, float], ...]
    first_fill: float
    last_drain: float
    pipeline: float
    unhidden: float
    latency_cycles: float
    bound_by: str

    @property
    def loads(self) -> tuple[tuple[str, float], ...]:
        """Cycles by what works in the steady state: compute, memories, links."""
        return (("compute", self.compute), *self.memory, *self.link)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """What the steady state of a nest asks of the busiest instances.

    Attributes:
        compute: of the matrix unit [cycle].
        moved: bytes read and written by memory, in the order of the accelerator.
        link: of each fanout's link [cycle].
    """

    compute: float
    moved: tuple[tuple[float, float], ...]
    link: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Everything that one mapping of one einsum does: exact counts, cycles and energy.

    `energy_j` lists joules by place: memories, links, the matrix unit; static energy is not in here, as it
    depends on the time that the whole chip runs.
    """

    operations: int
    compute_instances: int
    stores: tuple[StoreCounts, ...]
    links: tuple[LinkCounts, ...]
    cycles: Cycles
    energy_j: tuple[tuple[str, float], ...]

    @property
    def dynamic_energy_j(self) -> float:
        """Sum of all dynamic energies [J]."""
        return sum(energy for _, energy in self.energy_j)

    @property
    def steady(self) -> Steady:
        """What the steady state asks of the busiest instances."""
        moved = {memory: (0.0, 0.0) for memory, _ in self.cycles.memory}
        for store in self.stores:
            read, written = moved[store.memory]
            moved[store.memory] = read + store.busiest_read_bytes, written + store.busiest_write_bytes
        return Steady(
            compute=self.cycles.compute,
            moved=tuple(moved.values()),
            link=tuple(cycles for _, cycles in self.cycles.link),
        )

    @property
    def moved(self) -> tuple[tuple[float, float], ...]:
        """Bytes read and written at each memory, over all its instances."""
        return tuple(
            (
                sum(store.read_bytes for store in self.stores if store.memory == memory),
                sum(store.write_bytes for store in self.stores if store.memory == memory),
            )
            for memory, _ in self.cycles.memory
        )

    def store(self, memory: str, role: str) -> StoreCounts:
        """The counts of one tensor at one memory; KeyError where it is not kept."""
        for entry in self.stores:
            if (entry.memory, entry.role) == (memory, role):
                return entry
        raise KeyError((memory, role))
