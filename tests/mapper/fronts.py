"""Fronts in tests: whether costs are reached, and searches that start from a front without nests."""

import numpy as np

from catx.mapper.forest import Forest

ENOUGH = 3_000_000
"""Steps that prove every small problem."""

SAME = 1 + 1e-9
"""Ratio of costs that are the same numbers, added up in other orders."""

Cost = tuple[float, float]
"""Energy [J] and latency [s]."""


def reached(cost: Cost, by: list[Cost]) -> bool:
    """Whether some of these costs are as low in both."""
    return any(energy <= cost[0] * SAME and time <= cost[1] * SAME for energy, time in by)


def put_front(forest: Forest, costs: list[Cost]) -> None:
    """Give a search a front of costs, the fastest first, without their nests."""
    tree, n = forest.tree, len(costs)
    tree["n_front"], tree["by_time"][:n] = n, range(n)
    tree["front_energy"][:n], tree["front_time"][:n] = np.array(costs).reshape(-1, 2).T
