"""Carbon of making one unit: dies by one of three models, what holds them, DRAM, package, board."""

from catx.costmodel.carbon.formulas import SheetWriter
from catx.costmodel.carbon.tables import dram_carbon, tables
from catx.costmodel.carbon.wafer import (
    spread_of,
    wafer_data,
    write_area_carbon,
    write_cut,
    write_die,
    write_wafer,
)
from catx.errors import SpecError
from catx.ir.accelerator import Accelerator
from catx.ir.assembly import Assembly, Die, Harvest
from catx.ir.scenario import Scenario
from catx.ir.sheet import Sheet

ONE_DIE = Die(name="die")
"""A chip that is not said to be divided."""

LEAST_BONDED = 1e-3
"""Least share of assemblies that work: below, a description is a mistake."""

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


def _rows_of(die: Die) -> str:
    """What the names of a die's rows start with: those of a sheet are its own, whatever dies are called."""
    return die.name if die.name == ONE_DIE.name else f"die_{die.name}"


def _write_one_die(sheet: SheetWriter, die: Die, area: str, node_nm: float, scenario: Scenario) -> str:
    if scenario.embodied == "wafer":
        write_wafer(sheet, scenario)
        return write_die(sheet, _rows_of(die), area, node_nm, scenario, die.harvest)
    return _write_fixed_yield(sheet, _rows_of(die), area, node_nm, scenario)


def write_embodied(sheet: SheetWriter, accelerator: Accelerator, scenario: Scenario) -> dict[str, str]:
    """Write the carbon of making one unit; returns the row of each part [gCO2e], and writes their sum.

    Raises:
        SpecError: there are no data for a node or DRAM, or a die is too large for a scanner.
    """
    dies = accelerator.technology.dies or (ONE_DIE,)
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
    assembly = accelerator.technology.assembly
    if assembly and scenario.embodied == "wafer":  # ACT knows packages only
        parts |= _write_assembly(sheet, accelerator, assembly, scenario, tuple(counts.values()), bool(dram))
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
    source, name = f"accelerator {accelerator.name}", _rows_of(die)
    if die.count == 1:
        return sheet.given(f"{name}_area_mm2", total, "mm2", source)
    count = sheet.given(f"{name}_count", die.count, "", source)
    sheet.given(f"{name}_total_mm2", total, "mm2", source)
    return sheet.formula(f"{name}_area_mm2", f"{name}_total_mm2 / {count}", "mm2")


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


def _write_assembly(
    sheet: SheetWriter,
    accelerator: Accelerator,
    assembly: Assembly,
    scenario: Scenario,
    counts: tuple[int, ...],
    has_dram: bool,
) -> dict[str, str]:
    """Interposer, bonds, and what is lost where a bond fails: all that it holds."""
    if assembly.kind == "substrate":
        return {}
    parts = {}
    dies = accelerator.technology.dies or (ONE_DIE,)
    area = " + ".join(f"{die.count} * {_rows_of(die)}_area_mm2" for die in dies)
    bonded = sum(counts) + assembly.memory_stacks - (assembly.kind == "stack")
    sheet.given("bonds", bonded, "", "dies and stacks of memory that are bonded")
    if assembly.kind == "interposer":
        if assembly.memory_stacks and not has_dram:
            raise SpecError(
                "memory_stacks without a DRAM: no memory of the machine has a dram type", loc=accelerator.loc
            )
        if assembly.memory_stacks:
            row = wafer_data()["interposer"]["stack_mm2"]
            sheet.given("stack_mm2", row["value"], "mm2", row["source"])
        parts["interposer"] = _write_interposer(sheet, assembly, scenario, f"{area}{_stacks(assembly)}")
    bond = wafer_data()["bonds"][assembly.bond]
    sheet.given("bond_yield", bond["bond_yield"], "", bond["source"])
    good = sheet.formula("bonded_yield", "bond_yield ** bonds", "", "all bonds of a unit hold")
    if sheet.value(good) < LEAST_BONDED:
        raise SpecError(
            f"of {bonded:,} bonds each holds in {bond['bond_yield']:.0%} of all cases: hardly one unit works",
            loc=accelerator.loc,
            hint="lower `count` of the dies or `memory_stacks`, or take `kind: substrate`",
        )
    sheet.given("bond_kwh_per_cm2", bond["kwh_per_cm2"], "kWh/cm2", bond["source"])
    names = [f"{_rows_of(die)}_area_mm2" for die in dies]
    if assembly.kind == "stack":
        sheet.formula("bonded_mm2", f"{area} - {_largest(names)}", "mm2", "of all dies but the largest")
    else:
        sheet.formula("bonded_mm2", f"{area}{_stacks(assembly)}", "mm2", "of all that the interposer carries")
    parts["bonding"] = sheet.formula(
        "bonding_gco2e", "fab_grid_gco2e_per_kwh * bond_kwh_per_cm2 * bonded_mm2 / 100", "gCO2e"
    )
    held = ["dies_gco2e", *parts.values()]
    if assembly.memory_stacks and has_dram:
        held.append("dram_gco2e")
    parts["failed bonds"] = sheet.formula(
        "failed_bonds_gco2e",
        f"({' + '.join(held)}) * (1 / bonded_yield - 1)",
        "gCO2e",
        "where one bond fails all that is bonded is lost",
    )
    return parts


def _largest(names: list[str]) -> str:
    """The largest of some rows, as a formula."""
    first, *rest = names
    return f"max({first}, {_largest(rest)})" if rest else first


def _stacks(assembly: Assembly) -> str:
    """What stacks of memory add to an area, as the end of a formula."""
    return f" + {assembly.memory_stacks} * stack_mm2" if assembly.memory_stacks else ""


def _write_interposer(sheet: SheetWriter, assembly: Assembly, scenario: Scenario, area: str) -> str:
    data = wafer_data()["interposer"]
    if assembly.interposer_mm2 is None:
        sheet.given("interposer_factor", data["area_factor"]["value"], "", data["area_factor"]["source"])
        own = sheet.formula("interposer_area_mm2", f"interposer_factor * ({area})", "mm2")
    else:
        own = sheet.given("interposer_area_mm2", assembly.interposer_mm2, "mm2", "hw file")
    cpa = write_area_carbon(sheet, data["node_nm"]["value"], scenario)
    sheet.given("interposer_beol_share", data["beol_share"]["value"], "", data["beol_share"]["source"])
    wiring = sheet.formula("interposer_gco2e_per_cm2", f"{cpa} * interposer_beol_share", "gCO2e/cm2")
    for name in ("defects_per_cm2", "clustering"):
        sheet.given(f"interposer_{name}", data[name]["value"], "", data[name]["source"])
    good = sheet.formula(
        "interposer_yield",
        f"(1 + {own} / 100 * interposer_defects_per_cm2 / interposer_clustering) ** -interposer_clustering",
        "",
    )
    return write_cut(sheet, "interposer", own, wiring, good)


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
