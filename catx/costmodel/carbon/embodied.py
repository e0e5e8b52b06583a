"""Carbon of making one unit: dies by one of three models, what holds them, DRAM, package, board."""

from catx.costmodel.carbon.assembly import dies_of, rows_of, write_assembly
from catx.costmodel.carbon.formulas import SheetWriter
from catx.costmodel.carbon.tables import dram_carbon, tables
from catx.costmodel.carbon.wafer import (
    spread_of,
    wafer_data,
    write_area_carbon,
    write_die,
    write_harvest,
    write_wafer,
)
from catx.errors import SpecError
from catx.ir.accelerator import Accelerator
from catx.ir.assembly import Die, Harvest
from catx.ir.scenario import Scenario
from catx.ir.sheet import Sheet

CATRANSFORMERS_NM = 22
"""The one node of CATransformers' constants."""


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


def die_sheet(area_mm2: float, node_nm: float, scenario: Scenario, harvest: Harvest | None = None) -> Sheet:
    """The carbon of one good die, row `die_gco2e`, by the scenario's model.

    Args:
        area_mm2: of the die.
        node_nm: its technology.
        scenario: where it is made.
        harvest: cores of which some may fail; the model `wafer` alone knows them.

    Raises:
        SpecError: as `write_embodied`.
    """
    sheet = SheetWriter()
    area = sheet.given("die_area_mm2", area_mm2, "mm2", "given")
    _write_one_die(sheet, Die(name="die", harvest=harvest), area, node_nm, scenario)
    return sheet.sheet()


def _write_one_die(sheet: SheetWriter, die: Die, area: str, node_nm: float, scenario: Scenario) -> str:
    if scenario.embodied == "wafer":
        write_wafer(sheet, scenario)
        return write_die(sheet, rows_of(die), area, node_nm, scenario, die.harvest)
    return _write_fixed_yield(sheet, rows_of(die), area, node_nm, scenario)


def write_embodied(sheet: SheetWriter, accelerator: Accelerator, scenario: Scenario) -> dict[str, str]:
    """Write the carbon of making one unit; returns the row of each part [gCO2e], and writes their sum.

    Raises:
        SpecError: there are no data for a node or DRAM, or a die is too large for a scanner.
    """
    dies = dies_of(accelerator)
    counts = {}
    for die in dies:
        area = _write_area(sheet, accelerator, die)
        node_nm = die.node_nm or accelerator.technology.node_nm
        counts[_write_one_die(sheet, die, area, node_nm, scenario)] = die.count
    parts = {}
    if len(dies) == 1 and dies[0].count == 1 and accelerator.technology.assembly is None:
        parts["die"] = next(iter(counts))
    else:
        parts["dies"] = sheet.formula("dies_gco2e", _sum_of(counts), "gCO2e", "of all dies, before bonding")
    if dram := _write_dram(sheet, accelerator, scenario):
        parts["dram"] = dram
    if scenario.embodied == "wafer":  # ACT knows packages only
        parts |= write_assembly(sheet, accelerator, scenario, bool(dram))
    parts |= _write_rest(sheet, scenario)
    sheet.formula("embodied_gco2e", " + ".join(parts.values()), "gCO2e", "of making one unit")
    return parts


def _sum_of(counts: dict[str, int]) -> str:
    return " + ".join(f"{count} * {name}" if count > 1 else name for name, count in counts.items())


def _write_area(sheet: SheetWriter, accelerator: Accelerator, die: Die) -> str:
    """The area of one die: its part of that of the chip."""
    total = accelerator.area_of(die)
    if accelerator.technology.dies and total <= 0:
        raise SpecError(
            f"die {die.name} has no area: its parts have none of their own, or are part of `die_area`",
            loc=accelerator.loc,
            hint="give the parts an area, or leave the die out",
        )
    source, name = f"accelerator {accelerator.name}", rows_of(die)
    spares = die.harvest if die.harvest and not die.harvest.spares_counted else None
    if die.count == 1 and not spares:
        return sheet.given(f"{name}_area_mm2", total, "mm2", source)
    sheet.given(f"{name}_total_mm2", total, "mm2", source)
    formula, why = f"{name}_total_mm2", ""
    if die.count > 1:
        formula += f" / {sheet.given(f'{name}_count', die.count, '', source)}"
    if spares:
        write_harvest(sheet, name, spares)
        formula += f" / (1 - {name}_share * (1 - {name}_needed / {name}_cores))"
        why = "with the cores beyond those that are needed"
    return sheet.formula(f"{name}_area_mm2", formula, "mm2", why)


def _write_fixed_yield(sheet: SheetWriter, name: str, area: str, node_nm: float, scenario: Scenario) -> str:
    """ACT's die: area times carbon per area over a fixed yield; CATransformers has one node of it."""
    if scenario.embodied == "catransformers" and node_nm != CATRANSFORMERS_NM:
        raise SpecError(
            f"the model `catransformers` knows {CATRANSFORMERS_NM} nm only, and {name} is at {node_nm:g} nm",
            hint="take `embodied: act` or `embodied: wafer` in the scenario",
        )
    cpa = write_area_carbon(sheet, node_nm, scenario)
    fab_yield = sheet.given("fab_yield", scenario.fab_yield, "", scenario.source_of("fab_yield"))
    return sheet.formula(f"{name}_gco2e", f"{area} / 100 * ({cpa} / {fab_yield})", "gCO2e", "ACT")


def _write_dram(sheet: SheetWriter, accelerator: Accelerator, scenario: Scenario) -> str:
    dram_type, capacity_gb = dram_of(accelerator)
    if not dram_type:
        return ""
    carbon = dram_carbon(dram_type)
    kind = "hbm" if dram_type.startswith("hbm") else "dram"
    sheet.given("dram_gb", capacity_gb, "GB", f"accelerator {accelerator.name}")
    sheet.given("dram_gco2e_per_gb", carbon.gco2e_per_gb, "gCO2e/GB", carbon.source, spread=spread_of(kind))
    formula = "dram_gco2e_per_gb * dram_gb"
    if carbon.divide_by_yield:
        sheet.given("fab_yield", scenario.fab_yield, "", scenario.source_of("fab_yield"))
        formula += " / fab_yield"
    return sheet.formula("dram_gco2e", formula, "gCO2e", dram_type)


def _write_rest(sheet: SheetWriter, scenario: Scenario) -> dict[str, str]:
    """Package, board, and whatever else is given."""
    parts = {
        "packaging": sheet.given(
            "packaging_gco2e",
            scenario.packaging_gco2e,
            "gCO2e",
            scenario.source_of("packaging_gco2e"),
            spread=spread_of("packaging"),
        )
    }
    if scenario.board_cm2:
        board = wafer_data()["board"]["gco2e_per_cm2"]
        sheet.given("board_cm2", scenario.board_cm2, "cm2", scenario.source_of("board_cm2"))
        sheet.given("board_gco2e_per_cm2", board["value"], "gCO2e/cm2", board["source"])
        parts["board"] = sheet.formula("board_gco2e", "board_cm2 * board_gco2e_per_cm2", "gCO2e")
    if scenario.other_gco2e:
        source = scenario.source_of("other_gco2e")
        parts["other"] = sheet.given("other_gco2e", scenario.other_gco2e, "gCO2e", source)
    return parts
