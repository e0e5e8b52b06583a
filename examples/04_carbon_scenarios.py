"""The same design under different carbon scenarios: where the unit runs, how often, and what is counted.

Latency and energy do not depend on the scenario; carbon does. Shows both built-in scenarios and one of your
own, and prints what each number assumes and where that comes from.

Run it: python examples/04_carbon_scenarios.py
"""

from dataclasses import replace

import catx
from catx.costmodel.carbon.scenarios import SCENARIOS

EDGE = SCENARIOS["edge-default"]
GRID = {"grid_gco2e_per_kwh": "hydropower: IPCC AR5 WG3, annex III, table A.III.2, median of the life cycle"}
HYDROPOWER = replace(
    EDGE, name="on hydropower", grid_gco2e_per_kwh=24.0, sources=tuple((dict(EDGE.sources) | GRID).items())
)


def main() -> None:
    model = catx.load_model("clip_vit_b16_text")
    print(f"{'scenario':16}{'energy':>10}{'operational':>14}{'embodied':>12}{'total':>10}   embodied share")
    for scenario in (*SCENARIOS.values(), HYDROPOWER):
        report = catx.compile_model(model, "edge", scenario=scenario)
        carbon = report.carbon
        print(
            f"{scenario.name:16}{report.energy_j * 1e3:7.2f} mJ{carbon.operational_gco2e:12.1f} g"
            f"{carbon.embodied_gco2e:10.1f} g{carbon.total_gco2e:8.1f} g"
            f"{carbon.embodied_gco2e / carbon.total_gco2e:17.0%}"
        )

    print("\nEmbodied carbon by part, and every assumption (on hydropower):")
    for part, grams in carbon.embodied_by_part_gco2e:
        print(f"  {part:12}{grams:8.1f} g")
    for name, value, source in carbon.assumptions:
        print(f"  {name} = {value}: {source}")

    # The mapper can minimize carbon, too: it weighs joules by the grid and seconds by the embodied carbon.
    report = catx.compile_model(model, "edge", objective="carbon")
    print(f"\nMapped for carbon: {report.carbon.total_gco2e:.1f} g in total")


if __name__ == "__main__":
    main()
