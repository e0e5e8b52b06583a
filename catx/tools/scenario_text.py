"""A scenario for a terminal: each assumption with its source."""

from catx.ir.scenario import Scenario
from catx.tools.human import significant


def scenario_facts(scenario: Scenario) -> list[tuple[str, str, str]]:
    """What it assumes, how much, and where that comes from."""
    sources = dict(scenario.sources)
    values = (
        ("inferences", "inferences", f"{scenario.inferences:,.0f}"),
        ("lifetime", "lifetime_years", f"{significant(scenario.lifetime_years)} years"),
        ("grid", "grid_gco2e_per_kwh", f"{significant(scenario.grid_gco2e_per_kwh)} gCO2e/kWh"),
        ("fab's grid", "fab_gco2e_per_kwh", f"{significant(scenario.fab_gco2e_per_kwh)} gCO2e/kWh"),
        ("gas abatement", "abatement_percent", f"{scenario.abatement_percent} %"),
        ("yield", "fab_yield", f"{scenario.fab_yield:g}"),
        ("packaging", "packaging_gco2e", f"{significant(scenario.packaging_gco2e)} gCO2e"),
    )
    return [(label, value, sources.get(key, "")) for label, key, value in values]
