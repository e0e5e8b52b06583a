"""Sums over a report that its readers want: totals, sums by operator, energy by part."""

from dataclasses import dataclass
from math import inf

from catx.ir.einsum import Einsum
from catx.ir.report import Layer, Report


@dataclass(frozen=True, slots=True)
class Totals:
    """Everything run once; carbon over the unit's lifetime. `utilization` is of the peak MAC rate."""

    macs: int
    latency_s: float
    throughput_per_s: float
    energy_j: float
    static_energy_j: float
    edp_j_s: float
    power_w: float
    peak_power_w: float
    area_mm2: float
    utilization: float
    operational_gco2e: float
    embodied_gco2e: float
    total_gco2e: float


@dataclass(frozen=True, slots=True)
class OpRow:
    """All layers of one operator together. `utilization` is the mean over their time."""

    op: str
    layers: int
    count: int
    macs: int
    latency_s: float
    latency_share: float
    energy_j: float
    energy_share: float
    utilization: float


def totals(report: Report) -> Totals:
    """The report's totals. A rate over no time at all is infinite."""
    latency = report.latency_s
    static = sum(layer.cost.static_energy_j * layer.count for layer in report.layers)
    busy = sum(_busy_s(layer) for layer in report.layers if isinstance(layer.op, Einsum))
    return Totals(
        macs=report.macs,
        latency_s=latency,
        throughput_per_s=1 / latency if latency else inf,
        energy_j=report.energy_j,
        static_energy_j=static,
        edp_j_s=report.energy_j * latency,
        power_w=report.energy_j / latency if latency else 0.0,
        peak_power_w=sum(watts for _, watts in report.peak_by_part_w),
        area_mm2=report.area_mm2,
        utilization=busy / latency if latency else 0.0,
        operational_gco2e=report.carbon.operational_gco2e,
        embodied_gco2e=report.carbon.embodied_gco2e,
        total_gco2e=report.carbon.total_gco2e,
    )


def by_op(report: Report) -> tuple[OpRow, ...]:
    """Sums by the model's operator, the slowest first."""
    groups: dict[str, list[Layer]] = {}
    for layer in report.layers:
        groups.setdefault(layer.op.op, []).append(layer)
    rows = [op_row(report, op, layers) for op, layers in groups.items()]
    return tuple(sorted(rows, key=lambda row: (-row.latency_s, row.op)))


def op_row(report: Report, op: str, layers: list[Layer]) -> OpRow:
    """The sum of some layers under a name."""
    latency = sum(layer.cost.latency_s * layer.count for layer in layers)
    energy = sum(layer.cost.energy_j * layer.count for layer in layers)
    return OpRow(
        op=op,
        layers=len(layers),
        count=sum(layer.count for layer in layers),
        macs=sum(layer.op.macs * layer.count for layer in layers),
        latency_s=latency,
        latency_share=latency / report.latency_s if report.latency_s else 0.0,
        energy_j=energy,
        energy_share=energy / report.energy_j if report.energy_j else 0.0,
        utilization=sum(map(_busy_s, layers)) / latency if latency else 0.0,
    )


def _busy_s(layer: Layer) -> float:
    """Time that the layer's unit would need at its peak rate, over all runs [s]."""
    return layer.cost.utilization * layer.cost.latency_s * layer.count
