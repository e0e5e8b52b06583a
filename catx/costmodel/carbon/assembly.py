"""What holds several dies, and what is lost where it fails: interposer, bonds, stacks."""

from catx.costmodel.carbon.formulas import SheetWriter
from catx.costmodel.carbon.wafer import wafer_data, write_area_carbon, write_cut
from catx.errors import SpecError
from catx.ir.accelerator import Accelerator
from catx.ir.assembly import Assembly, Die
from catx.ir.scenario import Scenario

ONE_DIE = Die(name="die")
"""A chip that is not said to be divided."""

LEAST_BONDED = 1e-3
"""Least share of assemblies that work: below, a description is a mistake."""


def dies_of(accelerator: Accelerator) -> tuple[Die, ...]:
    """The dies that a chip is made of."""
    return accelerator.technology.dies or (ONE_DIE,)


def rows_of(die: Die) -> str:
    """What the names of a die's rows start with: those of a sheet are its own, whatever dies are called."""
    return die.name if die.name == ONE_DIE.name else f"die_{die.name}"


def write_assembly(
    sheet: SheetWriter, accelerator: Accelerator, scenario: Scenario, has_dram: bool
) -> dict[str, str]:
    """Write what holds the dies; returns the row of each part [gCO2e], none where it is the package alone.

    Args:
        sheet: has the dies, and DRAM if there is any.
        accelerator: says how it is assembled.
        scenario: where that is done.
        has_dram: whether the sheet has DRAM.

    Raises:
        SpecError: it holds memory that is not there, or so many bonds that hardly one unit works.
    """
    assembly = accelerator.technology.assembly
    if assembly is None or assembly.kind == "substrate":
        return {}
    if assembly.memory_stacks:
        _check_stacks(accelerator, has_dram)
    dies, parts = dies_of(accelerator), {}
    area = " + ".join(f"{die.count} * {rows_of(die)}_area_mm2" for die in dies)
    if assembly.kind == "interposer":
        if assembly.memory_stacks:
            row = wafer_data()["interposer"]["stack_mm2"]
            sheet.given("stack_mm2", row["value"], "mm2", row["source"])
            area += f" + {assembly.memory_stacks} * stack_mm2"
        parts["interposer"] = _write_interposer(sheet, assembly, scenario, area)
        carried = sheet.formula("bonded_mm2", area, "mm2", "of all that the interposer carries")
        if sheet.value("interposer_area_mm2") < sheet.value(carried):
            raise SpecError(
                f"an interposer of {sheet.value('interposer_area_mm2'):g} mm2 does not carry dies and stacks "
                f"of {sheet.value(carried):.4g} mm2",
                loc=accelerator.loc,
                hint="leave out `interposer_area`: it is then a tenth larger than what it carries",
            )
    else:
        largest = _largest([f"{rows_of(die)}_area_mm2" for die in dies])
        sheet.formula("bonded_mm2", f"{area} - {largest}", "mm2", "of all dies but the largest")
    bonded = sum(die.count for die in dies) + assembly.memory_stacks - (assembly.kind == "stack")
    _write_bonds(sheet, accelerator, assembly, bonded)
    parts["bonding"] = sheet.formula(
        "bonding_gco2e", "fab_grid_gco2e_per_kwh * bond_kwh_per_cm2 * bonded_mm2 / 100", "gCO2e"
    )
    held = ["dies_gco2e", *parts.values(), *(["dram_gco2e"] if assembly.memory_stacks else [])]
    parts["failed bonds"] = sheet.formula(
        "failed_bonds_gco2e",
        f"({' + '.join(held)}) * (1 / bonded_yield - 1)",
        "gCO2e",
        "where one bond fails all that is bonded is lost",
    )
    return parts


def _check_stacks(accelerator: Accelerator, has_dram: bool) -> None:
    """Stacks need a DRAM, of a kind that is stacked."""
    kinds = [memory.dram_type for memory in accelerator.memories if memory.dram_type]
    if not has_dram:
        raise SpecError(
            "memory_stacks without a DRAM: no memory of the machine has a dram type", loc=accelerator.loc
        )
    if not kinds[0].startswith("hbm"):
        raise SpecError(
            f"memory_stacks of {kinds[0]}: stacks on an interposer are HBM",
            loc=accelerator.loc,
            hint="give the outermost memory `dram: hbm2`, `hbm2e` or `hbm3`",
        )


def _write_bonds(sheet: SheetWriter, accelerator: Accelerator, assembly: Assembly, bonded: int) -> None:
    """How many there are, what each takes, and how often all of them hold."""
    bond = wafer_data()["bonds"][assembly.bond]
    sheet.given("bonds", bonded, "", "dies and stacks of memory that are bonded")
    sheet.given("bond_yield", bond["bond_yield"], "", bond["yield_source"])
    sheet.given("bond_kwh_per_cm2", bond["kwh_per_cm2"], "kWh/cm2", bond["source"])
    good = sheet.formula("bonded_yield", "bond_yield ** bonds", "", "all bonds of a unit hold")
    if sheet.value(good) < LEAST_BONDED:
        raise SpecError(
            f"of {bonded:,} bonds each holds in {bond['bond_yield']:.0%} of all cases: hardly one unit works",
            loc=accelerator.loc,
            hint="lower `count` of the dies or `memory_stacks`, or take `kind: substrate`",
        )


def _largest(names: list[str]) -> str:
    """The largest of some rows, as a formula."""
    first, *rest = names
    return f"max({first}, {_largest(rest)})" if rest else first


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
        f"line_yield * (1 + {own} / 100 * interposer_defects_per_cm2 / interposer_clustering) "
        "** -interposer_clustering",
        "",
    )
    return write_cut(sheet, "interposer", own, wiring, good)
