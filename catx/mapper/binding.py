"""What a report tells of what binds: how full its mappings make memories, what its latency waits for."""

from dataclasses import dataclass, replace
from math import inf

from catx.ir.accelerator import Accelerator
from catx.ir.report import Layer, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Fullness:
    """What the base's mappings need of one instance of a memory at most, and which layer needs it.

    A capacity of `needed_bytes` still holds all of them. `layer` is None where no mapping uses the memory.
    """

    memory: str
    capacity_bytes: float
    needed_bytes: float
    layer: Layer | None

    @property
    def share(self) -> float:
        """Of the capacity."""
        return self.needed_bytes / self.capacity_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundShare:
    """How much of the base's latency is of layers that the same thing bounds."""

    bound_by: str
    latency_s: float
    share: float


def fullness(report: Report, accelerator: Accelerator) -> tuple[Fullness, ...]:
    """Of every memory with a capacity, the layer whose mapping needs most; of equal ones the first."""
    found = []
    for memory in accelerator.memories:
        if memory.capacity_bytes == inf:
            continue
        copies = 2 if memory.double_buffered else 1
        fullest = Fullness(
            memory=memory.name, capacity_bytes=memory.capacity_bytes, needed_bytes=0.0, layer=None
        )
        for layer in report.layers:
            stores = layer.cost.counts.stores if layer.cost.counts else ()
            needed = copies * sum(store.tile_bytes for store in stores if store.memory == memory.name)
            if needed > fullest.needed_bytes:
                fullest = replace(fullest, needed_bytes=needed, layer=layer)
        found.append(fullest)
    return tuple(found)


def bound_shares(report: Report) -> tuple[BoundShare, ...]:
    """The latency of all runs by what bounds them, the largest share first."""
    latency: dict[str, float] = {}
    for layer in report.layers:
        part = layer.cost.latency_s * layer.count
        if part:
            latency[layer.cost.bound_by] = latency.get(layer.cost.bound_by, 0.0) + part
    ranked = sorted(latency.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(
        BoundShare(bound_by=name, latency_s=part, share=part / report.latency_s) for name, part in ranked
    )
