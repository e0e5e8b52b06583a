"""A scenario for a terminal: each assumption with its source."""

from catx.ir.scenario import Scenario


def scenario_facts(scenario: Scenario) -> list[tuple[str, str, str]]:
    """What it assumes by the keys of a scenario file, how much, and where that comes from."""
    sources = dict(scenario.sources)
    values = (
        ("inferences", "inferences", f"{scenario.inferences:,.0f}"),
        ("lifetime", "lifetime_years", f"{scenario.lifetime_years:g} years of 365 days"),
        ("grid", "grid_gco2e_per_kwh", f"{scenario.grid_gco2e_per_kwh:g} gCO2e/kWh"),
        ("fab_grid", "fab_gco2e_per_kwh", f"{scenario.fab_gco2e_per_kwh:g} gCO2e/kWh"),
        ("abatement", "abatement_percent", f"{scenario.abatement_percent} %"),
        ("fab_yield", "fab_yield", f"{scenario.fab_yield:g}"),
        ("packaging", "packaging_gco2e", f"{scenario.packaging_gco2e:g} gCO2e"),
    )
    return [(label, value, sources.get(key, "")) for label, key, value in values]
