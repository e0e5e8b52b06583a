"""What a budget buys: no worse mapping and no weaker bound than the round budgets below it."""

import pytest

from catx.frontend.hardware import load_accelerator
from catx.ir.accelerator import Accelerator
from catx.mapper.forest import NEXT_ROUND, ROUND
from catx.mapper.front import Front
from catx.mapper.map_einsum import certify, map_front
from catx.mapper.objective import Objective
from tests.einsums import matmul

BUDGETS = (0, ROUND, (1 + NEXT_ROUND) * ROUND)


def best(front: Front, accelerator: Accelerator, goal: Objective) -> float:
    """The least value of a front."""
    return min(
        goal.value(point.energy_j(accelerator), point.latency_s(accelerator)) for point in front.points
    )


@pytest.mark.parametrize(
    ("machine", "m", "k", "n"),
    [
        ("simba_like", 8, 13, 64),
        ("simba_like", 77, 37, 13),
        ("edge", 77, 77, 77),
        ("eyeriss_like", 64, 13, 64),
        ("a100_like", 24, 100, 24),
        ("tpuv4i_like", 100, 13, 197),
    ],
)
def test_larger_budgets_find_nothing_worse(machine: str, m: int, k: int, n: int) -> None:
    einsum, accelerator = matmul(m, k, n), load_accelerator(machine)
    fronts = [map_front(einsum, accelerator, budget) for budget in BUDGETS]
    for name in ("latency", "energy", "edp"):
        goal = Objective(name)
        values = [best(front, accelerator, goal) for front in fronts]
        bounds = [certify(einsum, accelerator, goal, front).bound for front in fronts]
        assert values == sorted(values, reverse=True)
        assert bounds == sorted(bounds)
