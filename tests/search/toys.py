"""Small analytic problems for samplers."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from catx.search.pareto import front_of, hypervolume
from catx.search.sampler import Sampler
from catx.search.space import Gene, Genome, Space

SPACE = Space(tuple(Gene(f"g{at}", tuple(range(12))) for at in range(4)))


@dataclass(frozen=True)
class Toy:
    """A point whose costs are known; `violation` of a bound on the last gene."""

    genome: Genome
    costs: tuple[float, ...] | None
    violation: float = 0.0
    excesses: tuple[float, ...] = ()


def toy(genome: Genome, objectives: int = 2) -> Toy:
    """Genes trade the first cost against the others; the second gene only costs."""
    a, b, c, d = genome
    costs = (float(a + 5 * b + 3 * abs(c - 6)), float((11 - a) ** 2 + 5 * b + 3 * abs(c - 6)), float(d + b))
    return Toy(genome, costs[:objectives], max(0.0, d - 8.0), (d - 8.0,))


def failing(genome: Genome, objectives: int = 2) -> Toy:
    """The same, but points whose second gene is 3 or more fail."""
    return toy(genome, objectives) if genome[1] < 3 else Toy(genome, None, float("inf"))


Evaluate = Callable[..., Toy]


def search(
    sampler: Sampler, points: int, objectives: int = 2, batch: int = 10, evaluate: Evaluate = toy
) -> list[Toy]:
    """Ask and tell batch by batch."""
    found: list[Toy] = []
    while len(found) < points and (genomes := sampler.ask(min(batch, points - len(found)))):
        told = [evaluate(genome, objectives) for genome in genomes]
        sampler.tell(told)
        found += told
    return found


def volume(found: list[Toy]) -> float:
    """Hypervolume of the feasible points' front."""
    costs = [one.costs for one in found if one.costs is not None and one.violation == 0.0]
    return hypervolume([costs[at] for at in front_of(costs)], (60.0, 180.0, 20.0)[: len(costs[0])])


def search_ahead(
    sampler: Sampler, points: int, batch: int = 4, in_flight: int = 3, evaluate: Evaluate = toy
) -> list[Toy]:
    """Ask for some batches before the first of them is told, as a run with workers does."""
    waiting: deque[list[Genome]] = deque()
    found: list[Toy] = []
    asked = 0
    while True:
        while len(waiting) < in_flight and (genomes := sampler.ask(min(batch, points - asked))):
            asked += len(genomes)
            waiting.append(genomes)
        if not waiting:
            return found
        told = [evaluate(genome) for genome in waiting.popleft()]
        sampler.tell(told)
        found += told
