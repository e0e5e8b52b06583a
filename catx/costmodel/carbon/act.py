"""Embodied and operational carbon by the formulas of ACT (Gupta et al., ISCA 2022)."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from catx.errors import SpecError
from catx.ir.accelerator import Accelerator
from catx.ir.report import CarbonReport
from catx.ir.scenario import Scenario
from catx.names import unknown_name
from catx.units import J_PER_KWH, MM2_PER_CM2, S_PER_YEAR

SCENARIO_FIELDS = (
    "inferences",
    "lifetime_years",
    "grid_gco2e_per_kwh",
    "fab_gco2e_per_kwh",
    "abatement_percent",
    "fab_yield",
    "packaging_gco2e",
)

_MEANING = {"lifetime_years": "; a year has 365 days"}

SOURCE_CHANGE_NM = 36
"""Between 45 and 28 nm the table changes its source, and EPA jumps; any node in between marks the place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogicNode:
    """What a node needs per area: fab energy [kWh/cm2], gases at 95 % and 99 % abatement [gCO2e/cm2].

    `uncertain`: it lies between rows of sources that do not agree.
    """

    epa_kwh_per_cm2: float
    gpa95_gco2e_per_cm2: float
    gpa99_gco2e_per_cm2: float
    source: str
    uncertain: bool = False

    def gases_gco2e_per_cm2(self, abatement_percent: int) -> float:
        """Gases at an abatement of 95, 97 or 99 %; 97 % is the mean of the other two, as in ACT."""
        mean = (self.gpa95_gco2e_per_cm2 + self.gpa99_gco2e_per_cm2) / 2
        by_percent = {95: self.gpa95_gco2e_per_cm2, 97: mean, 99: self.gpa99_gco2e_per_cm2}
        if abatement_percent not in by_percent:
            raise SpecError(f"no gas data for {abatement_percent} % abatement", hint="take 95, 97 or 99")
        return by_percent[abatement_percent]


@dataclass(frozen=True, slots=True, kw_only=True)
class DramCarbon:
    """Carbon of DRAM [gCO2e/GB]; some published values are already per good GB."""

    gco2e_per_gb: float
    divide_by_yield: bool
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tables:
    """The shipped tables; `mpa_gco2e_per_cm2` are materials per area [gCO2e/cm2], the same for all nodes."""

    logic: dict[float, LogicNode]
    dram: dict[str, DramCarbon]
    mpa_gco2e_per_cm2: float


@cache
def tables() -> _Tables:
    """The tables in catx/data/carbon/act.json."""
    data = json.loads(files("catx.data").joinpath("carbon/act.json").read_text(encoding="utf-8"))
    logic = {
        float(node): LogicNode(
            epa_kwh_per_cm2=row["epa"],
            gpa95_gco2e_per_cm2=row["gpa95"],
            gpa99_gco2e_per_cm2=row["gpa99"],
            source=row["source"],
        )
        for node, row in data["logic"].items()
    }
    dram = {name: DramCarbon(**row) for name, row in data["dram"].items()}
    return _Tables(logic=logic, dram=dram, mpa_gco2e_per_cm2=data["mpa_gco2e_per_cm2"])


def logic_node(node_nm: float) -> LogicNode:
    """Carbon data of a node: a row of the table, or the line between its two neighbours there.

    Raises:
        SpecError: the node lies outside of the table.
    """
    logic = tables().logic
    if node_nm in logic:
        return logic[node_nm]
    smallest, largest = min(logic), max(logic)
    if not smallest < node_nm < largest:
        raise SpecError(
            f"no embodied-carbon data for {node_nm:g} nm: it covers {smallest:g} to {largest:g} nm",
            hint="the node is `technology.node` of the hardware file; docs/carbon.md lists the table's rows",
        )
    below = max(node for node in logic if node < node_nm)
    above = min(node for node in logic if node > node_nm)
    return _between(below, above, node_nm)


def _between(below: float, above: float, node_nm: float) -> LogicNode:
    """Linear in the node between two rows; its source says so, and where their sources do not agree."""
    low, high = tables().logic[below], tables().logic[above]
    share = (node_nm - below) / (above - below)
    note = f"linear interpolation between {below:g} nm ({low.source}) and {above:g} nm ({high.source})"
    uncertain = below < SOURCE_CHANGE_NM < above
    if uncertain:
        note = (
            f"UNCERTAIN, EPA is {high.epa_kwh_per_cm2:g} at {above:g} nm and {low.epa_kwh_per_cm2:g} at "
            f"{below:g} nm as the source changes in between; {note}"
        )
    return LogicNode(
        epa_kwh_per_cm2=_line(low.epa_kwh_per_cm2, high.epa_kwh_per_cm2, share),
        gpa95_gco2e_per_cm2=_line(low.gpa95_gco2e_per_cm2, high.gpa95_gco2e_per_cm2, share),
        gpa99_gco2e_per_cm2=_line(low.gpa99_gco2e_per_cm2, high.gpa99_gco2e_per_cm2, share),
        source=note,
        uncertain=uncertain,
    )


def _line(start: float, end: float, share: float) -> float:
    return start + share * (end - start)


def dram_carbon(dram_type: str) -> DramCarbon:
    """Carbon data of a DRAM type."""
    dram = tables().dram
    if dram_type not in dram:
        raise unknown_name("DRAM type (for its carbon)", dram_type, dram)
    return dram[dram_type]


def _check_yield(fab_yield: float) -> float:
    if not 0.0 < fab_yield <= 1.0:
        raise SpecError(f"fab_yield must be above 0 and at most 1, not {fab_yield}")
    return fab_yield


def die_gco2e_per_cm2(
    *, node_nm: float, fab_gco2e_per_kwh: float, abatement_percent: int, fab_yield: float
) -> float:
    """Carbon per area of good silicon [gCO2e/cm2].

    CPA = (CI_fab * EPA + GPA + MPA) / Y.

    Args:
        node_nm: technology node [nm].
        fab_gco2e_per_kwh: intensity of the fab's grid [gCO2e/kWh].
        abatement_percent: how much of the process gases is abated: 95, 97 or 99 [%].
        fab_yield: fraction of good dies, in (0, 1] [1].
    """
    node = logic_node(node_nm)
    if not 0.0 <= fab_gco2e_per_kwh < float("inf"):
        raise SpecError(f"the fab's grid intensity must be a finite number, not {fab_gco2e_per_kwh}")
    energy = fab_gco2e_per_kwh * node.epa_kwh_per_cm2
    gases = node.gases_gco2e_per_cm2(abatement_percent)
    return (energy + gases + tables().mpa_gco2e_per_cm2) / _check_yield(fab_yield)


def dram_gco2e(*, dram_type: str, capacity_gb: float, fab_yield: float) -> float:
    """Carbon of DRAM [gCO2e]: CPS * GB / Y."""
    carbon = dram_carbon(dram_type)
    good = _check_yield(fab_yield) if carbon.divide_by_yield else 1.0
    return carbon.gco2e_per_gb * capacity_gb / good


def dram_of(accelerator: Accelerator) -> tuple[str, float]:
    """DRAM type of the outermost memory that has one, and its capacity [GB]; ("", 0) without DRAM."""
    capacity_gb = accelerator.technology.dram_gb
    for memory in accelerator.memories:
        if memory.dram_type:
            return memory.dram_type, capacity_gb
    if capacity_gb:
        raise SpecError(
            f"technology.dram_gb is {capacity_gb:g}, but no memory says which DRAM that is",
            loc=accelerator.loc,
            hint=f"give the outermost memory a dram_type: {', '.join(sorted(tables().dram))}",
        )
    return "", 0.0


def embodied_parts(accelerator: Accelerator, scenario: Scenario) -> tuple[tuple[str, float], ...]:
    """Carbon of making one unit, by part [gCO2e]: die, DRAM, packaging."""
    cpa = die_gco2e_per_cm2(
        node_nm=accelerator.technology.node_nm,
        fab_gco2e_per_kwh=scenario.fab_gco2e_per_kwh,
        abatement_percent=scenario.abatement_percent,
        fab_yield=scenario.fab_yield,
    )
    parts = [("die", accelerator.die_area_mm2 / MM2_PER_CM2 * cpa)]
    dram_type, capacity_gb = dram_of(accelerator)
    if dram_type:
        carbon = dram_gco2e(dram_type=dram_type, capacity_gb=capacity_gb, fab_yield=scenario.fab_yield)
        parts.append(("dram", carbon))
    parts.append(("packaging", scenario.packaging_gco2e))
    return tuple(parts)


def op_carbon_rate(accelerator: Accelerator, scenario: Scenario) -> tuple[float, float]:
    """Weights that turn energy and time of an op into its carbon [gCO2e/J], [gCO2e/s].

    Carbon of an op = grid intensity * energy + embodied carbon * its share of the lifetime.
    """
    embodied = sum(carbon for _, carbon in embodied_parts(accelerator, scenario))
    return scenario.grid_gco2e_per_kwh / J_PER_KWH, embodied / (scenario.lifetime_years * S_PER_YEAR)


def carbon_report(
    accelerator: Accelerator, energy_per_inference_j: float, latency_s: float, scenario: Scenario
) -> CarbonReport:
    """Carbon of one unit over its life, with everything that it assumes.

    Args:
        accelerator: gives die area, node and DRAM.
        energy_per_inference_j: all energy of one inference, static energy included [J].
        latency_s: of one inference; for its share of the lifetime [s].
        scenario: where it is made and used, and how often.
    """
    per_inference = energy_per_inference_j / J_PER_KWH * scenario.grid_gco2e_per_kwh
    parts = embodied_parts(accelerator, scenario)
    embodied = sum(carbon for _, carbon in parts)
    return CarbonReport(
        embodied_by_part_gco2e=parts,
        operational_gco2e=per_inference * scenario.inferences,
        operational_per_inference_gco2e=per_inference,
        embodied_per_inference_gco2e=embodied * latency_s / (scenario.lifetime_years * S_PER_YEAR),
        total_per_inference_gco2e=per_inference + embodied / scenario.inferences,
        assumptions=_assumptions(accelerator, latency_s, scenario),
    )


def _assumptions(
    accelerator: Accelerator, latency_s: float, scenario: Scenario
) -> tuple[tuple[str, str, str], ...]:
    """Name, value and source of everything that the carbon totals rest on."""
    sources = dict(scenario.sources)
    node = logic_node(accelerator.technology.node_nm)
    dram_type, capacity_gb = dram_of(accelerator)
    busy = latency_s * scenario.inferences / (scenario.lifetime_years * S_PER_YEAR)
    rows = [
        (
            name,
            f"{getattr(scenario, name):g}",
            sources.get(name, f"scenario {scenario.name}") + _MEANING.get(name, ""),
        )
        for name in SCENARIO_FIELDS
    ]
    rows.append(("node_nm", f"{accelerator.technology.node_nm:g}", node.source))
    rows.append(("die_area_mm2", f"{accelerator.die_area_mm2:.4g}", f"accelerator {accelerator.name}"))
    if dram_type:
        rows.append(("dram", f"{capacity_gb:g} GB {dram_type}", dram_carbon(dram_type).source))
    note = "" if busy <= 1 else "; more than one unit can do: lower inferences or raise the lifetime"
    rows.append(("busy_share_of_lifetime", f"{busy:.3g}", f"inferences x latency / lifetime{note}"))
    rows.append(("idle_energy_j", "0", "only inferences draw energy; the unit is off in between"))
    return tuple(rows)
