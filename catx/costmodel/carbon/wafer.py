"""Carbon of a good die from that of its wafer: `C_die = C_wafer / (dies per wafer x yield)`."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import log, sqrt
from typing import Any

from catx.costmodel.carbon.formulas import SheetWriter
from catx.costmodel.carbon.tables import logic_node, tables
from catx.errors import SpecError
from catx.ir.assembly import Harvest
from catx.ir.scenario import Scenario
from catx.ir.sheet import Spread

P95 = 1.6448536269514722
"""Standard deviations of a normal distribution up to its 95th percentile."""


@cache
def wafer_data() -> dict[str, Any]:
    """The numbers in catx/data/carbon/wafer.json."""
    data: dict[str, Any] = json.loads(
        files("catx.data").joinpath("carbon/wafer.json").read_text(encoding="utf-8")
    )
    return data


def spread_of(key: str) -> Spread:
    """A spread of the table by its name."""
    row = wafer_data()["spreads"][key]
    return Spread(shape=row["shape"], low=row["low"], high=row["high"], key=key, source=row["source"])


def lognormal(key: str, sigma: float, source: str) -> Spread:
    """A lognormal spread of a standard deviation of the logarithm."""
    high = float(2.718281828459045 ** (P95 * sigma))
    return Spread(shape="lognormal", low=1.0 / high, high=high, key=key, source=source)


@dataclass(frozen=True, slots=True)
class Defects:
    """Defect density of a node [1/cm2] and where it is from."""

    per_cm2: float
    source: str


def defects_of(node_nm: float) -> Defects:
    """Defect density of a node: a row of the table, or the line between its neighbours there.

    Beyond the largest node of the table its value holds.

    Raises:
        SpecError: the node is smaller than all of the table.
    """
    rows = {float(key): row for key, row in wafer_data()["defects_per_cm2"].items() if key != "about"}
    if node_nm in rows:
        return Defects(rows[node_nm]["value"], rows[node_nm]["source"])
    smallest, largest = min(rows), max(rows)
    if node_nm < smallest:
        raise SpecError(f"no defect density for {node_nm:g} nm: it is known from {smallest:g} nm")
    if node_nm > largest:
        return Defects(rows[largest]["value"], f"that of {largest:g} nm: {rows[largest]['source']}")
    below, above = max(n for n in rows if n < node_nm), min(n for n in rows if n > node_nm)
    share = (node_nm - below) / (above - below)
    value = rows[below]["value"] + share * (rows[above]["value"] - rows[below]["value"])
    both = f"{rows[below]['source']}; {rows[above]['source']}"
    return Defects(value, f"linear between {below:g} and {above:g} nm: {both}")


def write_area_carbon(sheet: SheetWriter, node_nm: float, scenario: Scenario) -> str:
    """Write the carbon per area of a processed wafer, before any yield; returns its row [gCO2e/cm2]."""
    node, label = logic_node(node_nm), f"{node_nm:g}nm".replace(".", "_")
    grid = sheet.given(
        "fab_grid_gco2e_per_kwh",
        scenario.fab_gco2e_per_kwh,
        "gCO2e/kWh",
        scenario.source_of("fab_gco2e_per_kwh"),
        spread=spread_of("fab_grid"),
    )
    epa = sheet.given(
        f"epa_{label}_kwh_per_cm2", node.epa_kwh_per_cm2, "kWh/cm2", node.source, spread=_epa_spread(node_nm)
    )
    gases = node.gases_gco2e_per_cm2(scenario.abatement_percent)
    abated = Spread(
        shape="uniform",
        low=node.gpa99_gco2e_per_cm2 / gases,
        high=node.gpa95_gco2e_per_cm2 / gases,
        key="abatement",
        source=wafer_data()["spreads"]["abatement"]["source"],
    )
    gpa = sheet.given(
        f"gpa_{label}_gco2e_per_cm2",
        gases,
        "gCO2e/cm2",
        f"at {scenario.abatement_percent:g} % abatement: {node.source}",
        spread=abated,
    )
    mpa = sheet.given(
        "mpa_gco2e_per_cm2",
        tables().mpa_gco2e_per_cm2,
        "gCO2e/cm2",
        "ACT: materials, the same for all nodes",
        spread=spread_of("mpa"),
    )
    return sheet.formula(f"cpa_{label}_gco2e_per_cm2", f"{grid} * {epa} + {gpa} + {mpa}", "gCO2e/cm2")


def _epa_spread(node_nm: float) -> Spread:
    """Its coefficient of variation is linear in the node between those that are published."""
    row = wafer_data()["spreads"]["epa"]
    (low_nm, low), (high_nm, high) = sorted((float(nm), cv) for nm, cv in row["cv"].items())
    share = min(1.0, max(0.0, (node_nm - low_nm) / (high_nm - low_nm)))
    cv = low + share * (high - low)
    return lognormal("epa", sqrt(log(1.0 + cv * cv)), row["source"])


def write_wafer(sheet: SheetWriter, scenario: Scenario) -> None:
    """Write what all dies share: the wafer's size and what is lost on it."""
    for name, unit in (("wafer_mm", "mm"), ("edge_mm", "mm"), ("kerf_mm", "mm"), ("edge_loss", "")):
        row = wafer_data()["wafer"][name]
        sheet.given(name, row["value"], unit, row["source"])
    sheet.given("line_yield", scenario.line_yield, "", scenario.source_of("line_yield"))
    sheet.formula("wafer_cm2", "pi * (wafer_mm / 2) ** 2 / 100", "cm2")
    sheet.formula("usable_mm", "wafer_mm - 2 * edge_mm", "mm", "diameter within the edge exclusion")


def write_die(
    sheet: SheetWriter, name: str, area_mm2: str, node_nm: float, scenario: Scenario, harvest: Harvest | None
) -> str:
    """Write the carbon of one good die; returns the row's name [gCO2e].

    Args:
        sheet: has the wafer already.
        name: of the die; its rows start with it.
        area_mm2: the row of its area.
        node_nm: its technology.
        scenario: says where it is made, and its defect density unless that is the node's.
        harvest: cores of which some may fail.

    Raises:
        SpecError: the die is larger than the field of a scanner, or there are no data for the node.
    """
    _check_reticle(name, sheet.value(area_mm2))
    cpa = write_area_carbon(sheet, node_nm, scenario)
    defects = defects_of(node_nm)
    d0 = sheet.given(
        f"{name}_defects_per_cm2",
        defects.per_cm2 if scenario.defects_per_cm2 is None else scenario.defects_per_cm2,
        "1/cm2",
        defects.source if scenario.defects_per_cm2 is None else scenario.source_of("defects_per_cm2"),
        spread=lognormal(
            "defects",
            wafer_data()["spreads"]["defects"]["sigma"],
            wafer_data()["spreads"]["defects"]["source"],
        ),
    )
    row = wafer_data()["wafer"]["clustering"]
    sheet.given("clustering", row["value"], "", row["source"])
    mean = sheet.formula(f"{name}_defects", f"{area_mm2} / 100 * {d0}", "", "mean number per die")
    good = f"line_yield * (1 + {mean} / clustering) ** -clustering"
    if harvest:
        write_harvest(sheet, name, harvest)
        good = f"line_yield * binned_yield({mean}, clustering, {name}_cores, {name}_needed, {name}_share)"
    how = "negative binomial"
    if harvest:
        how += ", with cores that may fail: the mean over defect rates in docs/carbon.md, Functional binning"
    sheet.formula(f"{name}_yield", good, "", how)
    return write_cut(sheet, name, area_mm2, cpa, f"{name}_yield")


def write_harvest(sheet: SheetWriter, name: str, harvest: Harvest) -> None:
    """Write how many cores a die has, how many are needed, and their share of it."""
    for key, value in (("cores", harvest.cores), ("needed", harvest.needed), ("share", harvest.share)):
        sheet.given(f"{name}_{key}", value, "", "harvest of the hw file")


def write_cut(sheet: SheetWriter, name: str, area_mm2: str, cpa: str, good: str) -> str:
    """Write the share of a wafer that one good die of some area takes; returns its carbon's row."""
    site = sheet.formula(
        f"{name}_site_mm2", f"(sqrt({area_mm2}) + kerf_mm) ** 2", "mm2", "with its saw street"
    )
    sheet.formula(
        f"{name}_per_wafer",
        f"pi * (usable_mm / 2) ** 2 / {site} - edge_loss * pi * usable_mm / sqrt({site})",
        "",
        "dies per wafer",
    )
    if not sheet.value(f"{name}_per_wafer") >= 1.0:
        raise SpecError(
            f"{name.replace('_', ' ')} of {sheet.value(area_mm2):.4g} mm2: not even one fits a wafer of "
            f"{sheet.value('wafer_mm'):g} mm",
            hint="check the areas of the hardware file, and `dies` and `assembly` of its `technology`",
        )
    return sheet.formula(f"{name}_gco2e", f"{cpa} * wafer_cm2 / ({name}_per_wafer * {good})", "gCO2e")


def _check_reticle(name: str, area_mm2: float) -> None:
    most = wafer_data()["wafer"]["reticle_mm2"]["value"]
    if area_mm2 > most:
        raise SpecError(
            f"{name.replace('_', ' ')} of {area_mm2:.4g} mm2 is larger than the {most} mm2 that a scanner "
            "can print",
            hint="split it: `dies` of `technology` (docs/carbon.md), or take `embodied: act` in the scenario",
        )
