"""A scenario for a terminal: each assumption with its source."""

from catx.ir.scenario import Scenario


def scenario_facts(scenario: Scenario) -> list[tuple[str, str, str]]:
    """What it assumes by the keys of a scenario file, how much, and where that comes from."""
    used = (
        ("inferences", "inferences", _told(scenario.inferences, "{:,.0f}")),
        ("inferences_per_day", "inferences_per_day", _told(scenario.inferences_per_day, "{:g}")),
        ("utilization", "utilization", _told(scenario.utilization, "{:g}")),
        ("lifetime", "lifetime_years", f"{scenario.lifetime_years:g} years of 365 days"),
        ("on", "on_share", f"{scenario.on_share:g}"),
        ("idle", "idle_share", f"{scenario.idle_share:.0%} of static power"),
        ("grid", "grid_gco2e_per_kwh", f"{scenario.grid_gco2e_per_kwh:g} gCO2e/kWh"),
        ("pue", "pue", f"{scenario.pue:g}"),
        ("supply_efficiency", "supply_efficiency", f"{scenario.supply_efficiency:g}"),
    )
    made = (
        ("embodied", "embodied", f"model {scenario.embodied}"),
        ("fab_grid", "fab_gco2e_per_kwh", f"{scenario.fab_gco2e_per_kwh:g} gCO2e/kWh"),
        ("abatement", "abatement_percent", f"{scenario.abatement_percent} %"),
        ("fab_yield", "fab_yield", f"{scenario.fab_yield:g}"),
        ("line_yield", "line_yield", f"{scenario.line_yield:g}"),
        ("defects_per_cm2", "defects_per_cm2", _told(scenario.defects_per_cm2, "{:g}")),
        ("packaging", "packaging_gco2e", f"{scenario.packaging_gco2e:g} gCO2e"),
        ("board", "board_cm2", _told(scenario.board_cm2, "{:g} cm2")),
        ("other", "other_gco2e", _told(scenario.other_gco2e, "{:g} gCO2e")),
        ("training", "training_gco2e", _told(scenario.training_gco2e, "{:g} gCO2e")),
        ("fleet", "fleet", _told(scenario.fleet, "{:,.0f}") if scenario.training_gco2e else ""),
    )
    sources = dict(scenario.sources)
    return [(label, value, sources.get(key, "")) for label, key, value in (*used, *made) if value]


def _told(value: float | None, form: str) -> str:
    """The number as text; nothing where there is none."""
    return form.format(value) if value else ""
