"""Groups of a batch study as findings of their own: points of one model under one scenario compete."""

from collections.abc import Sequence
from dataclasses import replace

from catx.errors import OptionError
from catx.search.findings import Findings
from catx.search.grid import ACCELERATOR, MAPPER, MODEL, SCENARIO, Grid
from catx.search.points import Point
from catx.search.space import HARDWARE_PREFIX, Gene, Space, Value

_NAMES = {name: HARDWARE_PREFIX + name for name in (ACCELERATOR, MAPPER)}
"""Genes of a group that are factors of its study."""


def groups_of(found: Findings, names: Sequence[str] = ()) -> list[Findings]:
    """Findings of each group of a batch study, in the order of its points; of others the whole.

    What some points of a group lack, as accelerators do whose keys vary otherwise, is no gene there.

    Args:
        found: a study.
        names: parts of names of groups that are wanted; none: all.

    Raises:
        OptionError: no group has such a name.
    """
    grid = found.study
    if not isinstance(grid, Grid) or not found.points:
        return [found]
    members: dict[tuple[int, ...], list[Point]] = {}
    for point in found.points:
        members.setdefault(point.group, []).append(point)
    told = {group: _name(grid, group) for group in members}
    for name in names:
        if not any(name in one for one in told.values()):
            raise OptionError(
                f"{found.path}: no group of {grid.name} has {name!r} in its name",
                hint=f"there are {'; '.join(told.values())}",
            )
    return [
        _group(found, grid, told[group], points)
        for group, points in members.items()
        if not names or any(name in told[group] for name in names)
    ]


def _name(grid: Grid, group: tuple[int, ...]) -> str:
    """Labels of the model and the scenario, where there are several."""
    model, scenario = group
    parts = [grid.models[model][0]] * (len(grid.models) > 1) + [grid.scenarios[scenario][0]] * (
        len(grid.scenarios) > 1
    )
    return ", ".join(parts) or grid.name


def _group(found: Findings, grid: Grid, name: str, points: Sequence[Point]) -> Findings:
    values = [_renamed(found.values(point)) for point in points]
    there = [gene for gene in values[0] if all(gene in one for one in values)]
    order = {_NAMES.get(gene.name, gene.name): gene.values for gene in grid.space.genes}
    genes = tuple(
        Gene(gene, tuple(value for value in order[gene] if value in {one[gene] for one in values}))
        for gene in there
    )
    space = Space(genes)
    moved = [
        replace(point, evaluation=replace(point.evaluation, genome=space.genome({g: one[g] for g in there})))
        for point, one in zip(points, values, strict=True)
    ]
    model, scenario = points[0].group
    study = replace(grid, name=name, models=(grid.models[model],), scenarios=(grid.scenarios[scenario],))
    numbers = {point.number for point in points}
    front = tuple(point for point in found.front if point.number in numbers)
    by_number = {point.number: point for point in moved}
    return replace(
        found,
        study=study,
        points=tuple(moved),
        front=tuple(by_number[point.number] for point in front),
        own_space=space,
    )


def _renamed(values: dict[str, Value]) -> dict[str, Value]:
    """Values of a point within its group: without the model and the scenario."""
    return {_NAMES.get(name, name): one for name, one in values.items() if name not in (MODEL, SCENARIO)}
