"""All carbon of one unit as a sheet: made, used, and what follows from both."""

from catx.costmodel.carbon.embodied import write_embodied
from catx.costmodel.carbon.energy import InferenceEnergy
from catx.costmodel.carbon.formulas import SheetWriter
from catx.costmodel.carbon.operation import write_operation
from catx.ir.accelerator import Accelerator
from catx.ir.report import CarbonReport
from catx.ir.scenario import Scenario
from catx.units import S_PER_YEAR


def embodied_parts(accelerator: Accelerator, scenario: Scenario) -> tuple[tuple[str, float], ...]:
    """Carbon of making one unit, by part [gCO2e].

    Raises:
        SpecError: there are no data for a node or a DRAM, or a die is too large to be printed.
    """
    sheet = SheetWriter()
    parts = write_embodied(sheet, accelerator, scenario)
    return tuple((part, sheet.value(name)) for part, name in parts.items())


def op_carbon_rate(accelerator: Accelerator, scenario: Scenario) -> tuple[float, float]:
    """Weights that turn energy and time of an op into its carbon [gCO2e/J], [gCO2e/s].

    Carbon of an op = carbon of its energy + embodied carbon * its share of the lifetime. While it runs, a
    unit that leaks when idle saves that: its idle power is taken off the weight of time, but no more than
    there is, as a front of energy and time holds the best points for weights of 0 and above.
    """
    sheet = SheetWriter()
    write_embodied(sheet, accelerator, scenario)
    write_operation(sheet, InferenceEnergy(), 1.0, accelerator.static_w, scenario)
    per_j, idle_w = sheet.value("gco2e_per_j"), scenario.idle_share * accelerator.static_w
    per_s = sheet.value("embodied_gco2e") / (scenario.lifetime_years * S_PER_YEAR) - idle_w * per_j
    return per_j, max(0.0, per_s)


def carbon_report(
    accelerator: Accelerator, energy: InferenceEnergy, latency_s: float, scenario: Scenario
) -> CarbonReport:
    """Carbon of one unit over its life, with everything that it assumes.

    Args:
        accelerator: gives areas, node, DRAM and static power.
        energy: of one inference.
        latency_s: of one inference [s].
        scenario: where it is made and used, and how often.
    """
    sheet = SheetWriter()
    parts = write_embodied(sheet, accelerator, scenario)
    write_operation(sheet, energy, latency_s, accelerator.static_w, scenario)
    sheet.formula(
        "total_gco2e", "embodied_gco2e + operational_gco2e + training_share_gco2e", "gCO2e", "of one unit"
    )
    sheet.formula("fleet_gco2e", "total_gco2e * fleet", "gCO2e", "of all units")
    sheet.formula("total_per_inference_gco2e", "total_gco2e / inferences", "gCO2e")
    sheet.formula("operational_per_inference_gco2e", "energy_per_inference_j * gco2e_per_j", "gCO2e")
    sheet.formula(
        "embodied_per_inference_gco2e",
        "embodied_gco2e * latency_s / lifetime_s",
        "gCO2e",
        "by its share of the lifetime",
    )
    sheet.formula(
        "while_it_runs_gco2e",
        "operational_per_inference_gco2e + latency_s * "
        "max(embodied_gco2e / lifetime_s - idle_share * static_w * gco2e_per_j, 0)",
        "gCO2e",
        "what the objective `carbon` minimizes: idle time that the inference replaces is taken off",
    )
    sheet.formula("embodied_share", "embodied_gco2e / max(total_gco2e, 1e-300)", "")
    _write_metrics(sheet)
    return CarbonReport(
        embodied_by_part_gco2e=tuple((part, sheet.value(name)) for part, name in parts.items()),
        sheet=sheet.sheet(),
    )


def _write_metrics(sheet: SheetWriter) -> None:
    """Products of carbon C (embodied), energy E and delay D that rank designs."""
    energy, delay = "energy_per_inference_j", "latency_s"
    sheet.formula("edp_j_s", f"{energy} * {delay}", "J s")
    sheet.formula("cdp_gco2e_s", f"embodied_gco2e * {delay}", "gCO2e s", "ACT: C D")
    sheet.formula("cep_gco2e_j", f"embodied_gco2e * {energy}", "gCO2e J", "ACT: C E")
    sheet.formula("c2ep_gco2e2_j", f"embodied_gco2e ** 2 * {energy}", "gCO2e2 J", "ACT: C^2 E")
    sheet.formula("ce2p_gco2e_j2", f"embodied_gco2e * {energy} ** 2", "gCO2e J2", "ACT: C E^2")
    sheet.formula("tcdp_gco2e_s", f"total_gco2e * {delay}", "gCO2e s", "CORDOBA (HPCA 2025): total C x D")
