"""Carbon of making and using an accelerator."""

from catx.costmodel.carbon.energy import InferenceEnergy, energy_by_kind
from catx.costmodel.carbon.gaps import gaps
from catx.costmodel.carbon.scenarios import SCENARIOS, scenario_by_name
from catx.costmodel.carbon.total import carbon_report, embodied_parts, op_carbon_rate

__all__ = [
    "SCENARIOS",
    "InferenceEnergy",
    "carbon_report",
    "embodied_parts",
    "energy_by_kind",
    "gaps",
    "op_carbon_rate",
    "scenario_by_name",
]
