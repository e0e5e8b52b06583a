"""Tables of what making chips emits: process energy, gases and materials per area of a node, DRAM per GB."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from catx.errors import SpecError
from catx.names import unknown_name

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
            hint="nodes are those of `technology` and of its `dies`; docs/carbon.md lists the table's rows",
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
