"""Does optimizing for carbon choose other designs than latency or energy, and by how much does carbon fall?

    cd examples/08_carbon_or_latency
    catx study sweep.yaml            # 3,240 accelerators, three grids, three lives: five minutes
    catx search carbon.yaml          # pruned models on them, and so latency.yaml, energy.yaml and digits.yaml
    cd ../..
    python examples/08_carbon_or_latency/tables.py examples/08_carbon_or_latency/sweep.db

Of a grid it tells which accelerator each goal chooses under each scenario, also at equal latency. Of searches
(carbon.db latency.db energy.db) it tells, at equal accuracy, what each found best for its own goal; the
accuracy of these three is a proxy, i.e. what is left of the model. docs/findings.md has the tables.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from catx.search.grid import Grid
from catx.search.open_study import read
from catx.search.points import Point, found_in
from catx.search.space import DesignSpace

GOALS = ("latency_s", "energy_j", "total_gco2e")
NAMES = {"latency_s": "latency", "energy_j": "energy", "total_gco2e": "carbon"}
LIMITS_MS = (4, 5, 7, 10, 20, 50)
LEVELS = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5)


def best(points: Sequence[Point], goal: str) -> Point:
    """The feasible point with the least of a goal; of equal ones the one with the least carbon."""
    return min(points, key=lambda one: (one.evaluation.numbers[goal], one.evaluation.numbers["total_gco2e"]))


def told(point: Point) -> str:
    """What a point costs: carbon and the embodied part of it, latency and energy of an inference, area."""
    numbers = point.evaluation.numbers
    total, embodied = numbers["total_gco2e"], numbers["embodied_gco2e"]
    return (
        f"{total / 1e3:7.3f} kg {embodied / total:5.0%} {numbers['latency_s'] * 1e3:8.3f} ms "
        f"{numbers['energy_j'] * 1e3:8.3f} mJ {numbers['area_mm2']:6.2f} mm2"
    )


def hardware(space: DesignSpace, point: Point) -> str:
    """The accelerator of a point: values of its keys."""
    values = space.values(point.genome)
    return " ".join(f"{name[3:]} {value}" for name, value in values.items() if name.startswith("hw."))


def by_scenario(grid: Grid, points: Sequence[Point]) -> None:
    """Which accelerator each goal chooses under each scenario."""
    space = grid.space
    groups: dict[str, list[Point]] = {}
    for point in points:
        if point.feasible:
            groups.setdefault(str(space.values(point.genome)["scenario"]), []).append(point)
    for scenario, feasible in groups.items():
        print(f"\n{scenario}: {len(feasible)} feasible accelerators")
        chosen = {goal: best(feasible, goal) for goal in GOALS}
        least = chosen["total_gco2e"].evaluation.numbers["total_gco2e"]
        for goal, point in chosen.items():
            more = point.evaluation.numbers["total_gco2e"] / least - 1
            print(f"  best {NAMES[goal]:8} {told(point)}  +{more:4.0%} carbon   {hardware(space, point)}")
        at_equal_latency(space, feasible)


def at_equal_latency(space: DesignSpace, feasible: Sequence[Point]) -> None:
    """The least carbon, and the carbon of the least energy, of accelerators that are as fast as a limit."""
    for limit_ms in LIMITS_MS:
        fast = [one for one in feasible if one.evaluation.numbers["latency_s"] <= limit_ms / 1e3]
        if not fast:
            continue
        least, thrifty = best(fast, "total_gco2e"), best(fast, "energy_j")
        more = thrifty.evaluation.numbers["total_gco2e"] / least.evaluation.numbers["total_gco2e"] - 1
        print(f"  within {limit_ms:2} ms   {told(least)}  best energy +{more:.0%}   {hardware(space, least)}")


def at_equal_accuracy(searches: Sequence[tuple[str, DesignSpace, list[Point]]]) -> None:
    """What each search found best for its own goal, of points at least as accurate.

    Carbon is compared with what the search for carbon found; where that has no such point, with nothing.
    """
    for level in LEVELS:
        print(f"\naccuracy of {level} or more")
        chosen: list[tuple[str, DesignSpace, Point | None]] = []
        for goal, space, points in searches:
            good = [one for one in points if one.feasible and one.evaluation.numbers["accuracy"] >= level]
            chosen.append((goal, space, best(good, goal) if good else None))
        least = next((one for goal, _, one in chosen if goal == "total_gco2e"), None)
        for goal, space, point in chosen:
            if point is None:
                print(f"  best {NAMES[goal]:8} none")
                continue
            numbers, more = point.evaluation.numbers, ""
            if least is not None:
                ratio = numbers["total_gco2e"] / least.evaluation.numbers["total_gco2e"]
                more = f"{ratio - 1:+5.0%} carbon   "
            print(
                f"  best {NAMES[goal]:8} {told(point)}  {more}"
                f"accuracy {numbers['accuracy']:.3f}  {hardware(space, point)}"
            )


def main(names: Sequence[str]) -> None:
    opened = [read(Path(name)) for name in names]
    if len(opened) == 1 and isinstance(opened[0][1], Grid):
        by_scenario(opened[0][1], found_in(opened[0][1], opened[0][0]).points)
        return
    searches = []
    for store, study in opened:
        goal = next(one.metric for one in study.objectives if one.metric != "accuracy")
        searches.append((goal, study.space, found_in(study, store).points))
    at_equal_accuracy(sorted(searches, key=lambda one: GOALS.index(one[0]), reverse=True))


if __name__ == "__main__":
    main(sys.argv[1:])
