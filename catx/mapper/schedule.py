"""Put the layers of a design in time; here every schedule's totals are made."""

from collections.abc import Sequence

from catx.ir.accelerator import Accelerator
from catx.ir.report import Layer, Traffic
from catx.ir.schedule import Schedule


def sequential(layers: Sequence[Layer], accelerator: Accelerator) -> Schedule:
    """Every op after the one before: totals are sums over ops (docs/cost-model.md, section 9)."""
    return Schedule(
        kind="sequential",
        layers=tuple(layers),
        latency_s=sum(layer.count * layer.cost.latency_s for layer in layers),
        energy_j=sum(layer.count * layer.cost.energy_j for layer in layers),
        traffic=tuple(_traffic(memory.name, layers) for memory in accelerator.memories),
    )


def _traffic(memory: str, layers: Sequence[Layer]) -> Traffic:
    moved = [(layer.count, t) for layer in layers for t in layer.cost.traffic if t.memory == memory]
    return Traffic(
        memory=memory,
        read_bytes=sum(count * entry.read_bytes for count, entry in moved),
        write_bytes=sum(count * entry.write_bytes for count, entry in moved),
    )
