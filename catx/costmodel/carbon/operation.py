"""Carbon of using one unit over its life: inferences, idle time, the grid, its share of training."""

from catx.costmodel.carbon.energy import InferenceEnergy, write_energy
from catx.costmodel.carbon.formulas import SheetWriter
from catx.costmodel.carbon.wafer import spread_of
from catx.errors import SpecError
from catx.ir.scenario import DAY_HOURS, Scenario
from catx.units import HOURS_PER_YEAR, J_PER_KWH, S_PER_YEAR


def write_operation(
    sheet: SheetWriter, energy: InferenceEnergy, latency_s: float, static_w: float, scenario: Scenario
) -> None:
    """Write the operational carbon of one unit, that of idle time apart.

    Args:
        sheet: gets the rows.
        energy: of one inference.
        latency_s: of one inference [s].
        static_w: leakage and background power of all parts, DRAM included [W].
        scenario: how often and where.
    """
    write_energy(sheet, energy)
    sheet.given("latency_s", latency_s, "s", "report: all layers")
    sheet.given(
        "static_w",
        static_w,
        "W",
        "leakage and background power of the accelerator",
        spread=spread_of("leakage"),
    )
    for field, unit in (
        ("lifetime_years", "years of 365 days"),
        ("on_share", ""),
        ("idle_share", ""),
        ("supply_efficiency", ""),
        ("pue", ""),
    ):
        sheet.given(field, getattr(scenario, field), unit, scenario.source_of(field))
    sheet.formula("lifetime_s", f"lifetime_years * {S_PER_YEAR:.0f}", "s")
    sheet.formula("on_s", "on_share * lifetime_s", "s", "powered")
    _write_inferences(sheet, scenario)
    sheet.formula("busy_s", "inferences * latency_s", "s")
    sheet.formula("busy_share", "busy_s / on_s", "", "of the time that it is powered")
    sheet.formula("idle_s", "max(on_s - busy_s, 0)", "s")
    sheet.formula("inference_energy_j", "inferences * energy_per_inference_j", "J", "at work")
    sheet.formula("idle_energy_j", "idle_s * idle_share * static_w", "J", "powered, without work")
    _write_grid(sheet, scenario)
    drawn = f"pue / supply_efficiency / {J_PER_KWH:.0f} * grid_gco2e_per_kwh"
    sheet.formula("gco2e_per_j", drawn, "gCO2e/J", "of energy at the chip")
    sheet.formula("inference_gco2e", "inference_energy_j * gco2e_per_j", "gCO2e", "of all inferences")
    sheet.formula("idle_gco2e", "idle_energy_j * gco2e_per_j", "gCO2e", "of idle time")
    sheet.formula("operational_gco2e", "inference_gco2e + idle_gco2e", "gCO2e", "over the lifetime")
    sheet.given("training_gco2e", scenario.training_gco2e, "gCO2e", scenario.source_of("training_gco2e"))
    sheet.given("fleet", scenario.fleet, "units", scenario.source_of("fleet"))
    sheet.formula("training_share_gco2e", "training_gco2e / fleet", "gCO2e", "of one unit")


def _write_inferences(sheet: SheetWriter, scenario: Scenario) -> None:
    """How many one unit does in its lifetime."""
    if scenario.inferences is not None:
        sheet.given("inferences", scenario.inferences, "", scenario.source_of("inferences"))
    elif scenario.inferences_per_day is not None:
        source = scenario.source_of("inferences_per_day")
        sheet.given("inferences_per_day", scenario.inferences_per_day, "1/day", source)
        sheet.formula(
            "inferences", f"inferences_per_day * {HOURS_PER_YEAR / DAY_HOURS:.0f} * lifetime_years", ""
        )
    else:
        assert scenario.utilization is not None
        if not sheet.value("latency_s"):
            raise SpecError(
                f"scenario {scenario.name}: utilization says how often only where an inference takes time",
                hint="give `inferences` or `inferences_per_day`",
            )
        sheet.given("utilization", scenario.utilization, "", scenario.source_of("utilization"))
        sheet.formula("inferences", "utilization * on_s / latency_s", "", "as many as fit")


def _write_grid(sheet: SheetWriter, scenario: Scenario) -> None:
    value, source = scenario.grid_gco2e_per_kwh, scenario.source_of("grid_gco2e_per_kwh")
    if profile := scenario.grid_profile:
        value = profile.mean_in(*scenario.hours) if scenario.hours else profile.mean
        sheet.given("grid_mean_gco2e_per_kwh", profile.mean, "gCO2e/kWh", f"{profile.source}: of all hours")
        when = "{:02d}:00 to {:02d}:00".format(*scenario.hours) if scenario.hours else "all hours"
        source = f"{profile.source}: mean of {when}"
    sheet.given("grid_gco2e_per_kwh", value, "gCO2e/kWh", source, spread=spread_of("grid"))
