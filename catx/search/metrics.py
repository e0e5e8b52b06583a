"""Numbers of a design point that a study can optimize, bound or list, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from catx.errors import OptionError
from catx.ir.accelerator import Accelerator
from catx.ir.report import Report
from catx.names import unknown_name

Best = Literal["least", "most"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number: its unit's kind in `catx.units` ("" for plain numbers), and which one is best."""

    name: str
    dimension: str
    best: Best
    told: str

    @property
    def sign(self) -> int:
        """1 where less is better, -1 where more is."""
        return 1 if self.best == "least" else -1


@dataclass(frozen=True, slots=True)
class _Hardware:
    """A metric that hardware and model alone decide."""

    metric: Metric
    of: Callable[[Report, Accelerator], float]


ACCURACY = Metric("accuracy", "", "most", "of the pruned model, 0 to 1")


def peak_tops(accelerator: Accelerator) -> float:
    """Peak operations per second of the matrix units at the narrowest rate, two per MAC [10^12/s]."""
    rate = max(rate.macs_per_cycle for rate in accelerator.matrix.rates)
    units = accelerator.instances(accelerator.matrix.name)
    return 2 * rate * units * accelerator.clock_hz / 1e12


def _hardware(
    name: str, dimension: str, told: str, of: Callable[[Report, Accelerator], float], best: Best = "least"
) -> _Hardware:
    return _Hardware(Metric(name, dimension, best, told), of)


_HARDWARE = (
    _hardware("latency_s", "time", "of one inference", lambda r, a: r.latency_s),
    _hardware("energy_j", "energy", "of one inference", lambda r, a: r.energy_j),
    _hardware("edp_js", "", "energy times latency [J s]", lambda r, a: r.energy_j * r.latency_s),
    _hardware("area_mm2", "area", "of the die", lambda r, a: r.area_mm2),
    _hardware(
        "total_gco2e",
        "mass of CO2e",
        "embodied, operational and training carbon",
        lambda r, a: r.carbon.total_gco2e,
    ),
    _hardware("embodied_gco2e", "mass of CO2e", "of one unit", lambda r, a: r.carbon.embodied_gco2e),
    _hardware(
        "operational_gco2e", "mass of CO2e", "over the lifetime", lambda r, a: r.carbon.operational_gco2e
    ),
    _hardware(
        "per_inference_gco2e", "mass of CO2e", "the total, shared", lambda r, a: r.carbon.per_inference_gco2e
    ),
    _hardware("static_w", "power", "leakage and background power", lambda r, a: a.static_w),
    _hardware("power_w", "power", "mean while it runs", lambda r, a: r.energy_j / r.latency_s),
    _hardware("peak_tops", "", "peak rate of the matrix units [10^12/s]", lambda r, a: peak_tops(a), "most"),
    _hardware("parameters", "", "of the models", lambda r, a: float(sum(m.parameters for m in r.models))),
    _hardware("macs", "", "of one inference", lambda r, a: float(r.macs)),
    _hardware(
        "utilization",
        "",
        "share of the peak MAC rate",
        lambda r, a: 2 * r.macs / (peak_tops(a) * 1e12 * r.latency_s),
        "most",
    ),
)

METRICS: Mapping[str, Metric] = {one.name: one for one in (ACCURACY, *(entry.metric for entry in _HARDWARE))}
"""By name; rows of a report's carbon sheet can be named besides (see `sheet_row`)."""

SHEET = "sheet."


def metric(name: str) -> Metric:
    """The metric of a name; `sheet.ROW` is any row of the carbon calculation, of which less is better.

    Raises:
        OptionError: there is none.
    """
    if name in METRICS:
        return METRICS[name]
    if name.startswith(SHEET):
        return Metric(name, "", "least", f"row {name.removeprefix(SHEET)} of the carbon sheet")
    raise unknown_name("metric", name, METRICS, error=OptionError)


def hardware_numbers(
    report: Report, accelerator: Accelerator, sheet: tuple[str, ...] = ()
) -> dict[str, float]:
    """All metrics of a report, and named rows of its carbon sheet.

    Raises:
        OptionError: the sheet has no such row.
    """
    found = {one.metric.name: float(one.of(report, accelerator)) for one in _HARDWARE}
    rows = {row.name for row in report.carbon.sheet.rows}
    for name in sheet:
        row = name.removeprefix(SHEET)
        if row not in rows:
            raise unknown_name("row of the carbon sheet", row, rows, error=OptionError)
        found[name] = float(report.carbon.sheet[row])
    return found
