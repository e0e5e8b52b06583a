"""Fronts in tests: whether costs are reached, and searches that start from fronts without nests."""

import numpy as np

from catx.costmodel.evaluate import evaluate
from catx.errors import CatxError
from catx.ir.constraints import Constraints
from catx.ir.mapping import Mapping
from catx.mapper.forest import Forest
from catx.mapper.limits import limits_of
from catx.mapper.tree_search import search_front
from tests.oracle.enumerate_nests import Point, exhaustive_front
from tests.oracle.obeys import obeys
from tests.oracle.regular import plain
from tests.oracle.small_problems import Problem

ENOUGH = 3_000_000
"""Steps that prove every small problem."""

SAME = 1 + 1e-9
"""Ratio of costs that are the same numbers, added up in other orders."""

NEAR = 1e-6
"""Relative: how much room planted fronts leave on either side of a point."""

Cost = tuple[float, float]
"""Energy [J] and latency [s]."""


def reached(cost: Cost, by: list[Cost]) -> bool:
    """Whether some of these costs are as low in both."""
    return any(energy <= cost[0] * SAME and time <= cost[1] * SAME for energy, time in by)


def costs_of(points: list[Point]) -> list[Cost]:
    """Costs of exact points."""
    return [(energy, time) for energy, time, _ in points]


def put_front(forest: Forest, costs: list[Cost]) -> None:
    """Give a search a front of costs, the fastest first, without their nests."""
    tree, n = forest.tree, len(costs)
    tree["n_front"], tree["by_time"][:n] = n, range(n)
    tree["front_energy"][:n], tree["front_time"][:n] = np.array(costs).reshape(-1, 2).T


def cost_of(problem: Problem, mapping: Mapping) -> Cost:
    """What a mapping costs, with static power and launch."""
    machine = problem.accelerator
    counts = evaluate(problem.einsum, mapping, machine)
    latency_s = counts.cycles.latency_cycles / machine.clock_hz + machine.launch_s
    return counts.dynamic_energy_j + machine.static_w * latency_s, latency_s


def obeying_front(
    problem: Problem, constraints: Constraints, *, limit: int = 300_000, only_plain: bool = False
) -> list[Cost]:
    """The exact front of what obeys. Raises TooManyNestsError."""
    einsum, machine = problem.einsum, problem.accelerator

    def among(nest: Mapping) -> bool:
        return obeys(einsum, machine, nest, constraints) and (plain(nest) or not only_plain)

    return costs_of(exhaustive_front(einsum, machine, limit=limit, among=among))


def check_search(problem: Problem, exact: list[Cost], constraints: Constraints = ()) -> bool:
    """The search's front is the exact one, and what obeys; returns whether there is anything on it."""
    assert check_plain(problem, exact, constraints) == exact, (problem, [str(one) for one in constraints])
    return bool(exact)


def check_all(problem: Problem, exact: list[Cost], constraints: Constraints = ()) -> bool:
    """`check_search` and `check_proofs`; returns whether all points of the exact front were found."""
    found = check_plain(problem, exact, constraints)
    if found:
        check_proofs(problem, found, constraints)
    return found == exact


def check_plain(problem: Problem, exact: list[Cost], constraints: Constraints = ()) -> list[Cost]:
    """Points that the search must find, and found: of the exact front, else of the front of plain nests.

    The others are of nests that are left out: they deal remainders otherwise (docs/mapper.md).
    """
    told = problem, [str(one) for one in constraints]
    why = ""
    try:
        found = search_front(problem.einsum, problem.accelerator, ENOUGH, constraints)
        mappings = found.mappings
        assert not found.left, told
    except CatxError as error:
        mappings, why = (), str(error)
    assert " steps" not in why, (*told, why)  # nothing fits or obeys: never that a budget did not suffice
    for mapping in mappings:
        assert obeys(problem.einsum, problem.accelerator, mapping, constraints), told
    mine = [cost_of(problem, mapping) for mapping in mappings]
    assert [cost for cost in mine if not reached(cost, exact)] == [], told
    if all(reached(cost, mine) for cost in exact):
        return exact
    least = obeying_front(problem, constraints, limit=3_000_000, only_plain=True)
    assert [cost for cost in least if not reached(cost, mine)] == [], told
    return least


def check_proofs(problem: Problem, exact: list[Cost], constraints: Constraints = ()) -> None:
    """Proofs without dives, from no front and from planted ones, cover all points of the exact front."""
    limits = limits_of(problem.einsum, problem.accelerator, constraints)
    told = problem, [str(one) for one in constraints]
    forest = Forest(problem.einsum, problem.accelerator, limits)
    forest.prove(ENOUGH)
    assert not forest.left, told
    assert [cost for cost in exact if not reached(cost, _front(forest))] == [], told
    for tolerance in (0.0, 0.1):
        for budget in (30, ENOUGH):
            forest = Forest(problem.einsum, problem.accelerator, limits)
            _plant(forest, exact, tolerance)
            forest._prove_within(tolerance, budget)
            known = [(energy, time) for energy, time in forest.known]
            assert [cost for cost in exact if not reached(cost, known)] == [], (*told, tolerance, budget)


def _front(forest: Forest) -> list[Cost]:
    tree, n = forest.tree, int(forest.tree["n_front"])
    return list(zip(tree["front_energy"][:n].tolist(), tree["front_time"][:n].tolist(), strict=True))


def _plant(forest: Forest, costs: list[Cost], tolerance: float) -> None:
    """Make a front that leaves just enough room for the points at these costs: beside each, on both sides."""
    more, less = (1 + tolerance) * (1 + NEAR), (1 + tolerance) * (1 - NEAR)
    beside = [(energy * a, time * b) for energy, time in costs for a, b in ((more, less), (less, more))]
    room = [
        point
        for point in sorted(beside, key=lambda point: (point[1], -point[0]))
        if not any(
            point[0] <= energy * (1 + tolerance) and point[1] <= time * (1 + tolerance)
            for energy, time in costs
        )
    ]
    put_front(forest, room)
