"""Built-in scenarios: where and how long an accelerator is used, and where it is made."""

from catx.ir.scenario import Scenario
from catx.names import unknown_name

_ACT_2023 = "ACT (Gupta et al., ISCA 2022), repository facebookresearch/ACT, location table of 2023"

_PLAIN = (
    ("line_yield", "ACT's tables are per area that a fab delivers: lost wafers are in them"),
    ("on_share", "always powered"),
    ("idle_share", "power gated while idle"),
    ("pue", "no building around the unit"),
    ("supply_efficiency", "losses of the supply are not counted"),
    ("training_gco2e", "none is counted"),
    ("fleet", "of the training, of which none is counted"),
)
"""What both built-in scenarios leave out."""

EDGE_DEFAULT = Scenario(
    name="edge-default",
    inferences=30e6,
    lifetime_years=3.0,
    grid_gco2e_per_kwh=481.0,
    fab_gco2e_per_kwh=642.0,
    abatement_percent=97,
    fab_yield=0.875,
    packaging_gco2e=150.0,
    sources=(
        *_PLAIN,
        ("inferences", "the count of arXiv 2505.01386 (CATransformers)"),
        ("lifetime_years", "arXiv 2505.01386"),
        ("grid_gco2e_per_kwh", f"world average, {_ACT_2023}"),
        ("fab_gco2e_per_kwh", f"Taiwan, {_ACT_2023}"),
        ("abatement_percent", "ACT's default: the mean of its tables for 95 % and 99 %"),
        ("fab_yield", "ACT's default; of DRAM in ACT's table"),
        ("packaging_gco2e", "ACT: 150 g per packaged IC; one package"),
    ),
)
"""An always-on edge device, somewhere in the world."""

CATRANSFORMERS = Scenario(
    name="catransformers",
    inferences=30e6,
    lifetime_years=3.0,
    grid_gco2e_per_kwh=68.0,
    fab_gco2e_per_kwh=642.0,
    abatement_percent=95,
    fab_yield=0.875,
    packaging_gco2e=0.0,
    embodied="catransformers",
    sources=(
        *_PLAIN,
        ("inferences", "lifetime of CATransformers' public code"),
        ("lifetime_years", "arXiv 2505.01386"),
        ("grid_gco2e_per_kwh", "British Columbia, constant of CATransformers' public code"),
        ("fab_gco2e_per_kwh", f"Taiwan, {_ACT_2023}"),
        ("abatement_percent", "CATransformers' public code"),
        ("fab_yield", "ACT's default"),
        ("packaging_gco2e", "CATransformers' public code counts none"),
    ),
)
"""The assumptions of the CATransformers paper's code, for parity."""

SCENARIOS = {scenario.name: scenario for scenario in (EDGE_DEFAULT, CATRANSFORMERS)}
DEFAULT_SCENARIO = EDGE_DEFAULT


def scenario_by_name(name: str) -> Scenario:
    """A built-in scenario."""
    if name not in SCENARIOS:
        raise unknown_name("scenario", name, SCENARIOS)
    return SCENARIOS[name]
