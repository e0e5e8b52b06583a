"""Carbon of an inference of which only the whole energy matters."""

from catx.costmodel.carbon import InferenceEnergy, carbon_report
from catx.ir.accelerator import Accelerator
from catx.ir.report import CarbonReport
from catx.ir.scenario import Scenario


def carbon_of(
    accelerator: Accelerator, energy_j: float, latency_s: float, scenario: Scenario
) -> CarbonReport:
    """All of the energy as that of units that compute."""
    return carbon_report(accelerator, InferenceEnergy(compute_j=energy_j), latency_s, scenario)
