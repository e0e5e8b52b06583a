"""Find the mappings of one einsum on one accelerator, and choose among them with a certificate."""

from dataclasses import dataclass

from catx.ir.accelerator import Accelerator
from catx.ir.constraints import Constraints
from catx.ir.counts import Counts
from catx.ir.einsum import Einsum
from catx.ir.mapping import Mapping
from catx.ir.report import Certificate
from catx.mapper.bounds import energy_bound_j, roofline_cycles
from catx.mapper.front import Front, FrontPoint
from catx.mapper.objective import Objective
from catx.mapper.options import BUDGET, Budget
from catx.mapper.store import load_front, save_front


@dataclass(frozen=True, slots=True)
class MappedEinsum:
    """A mapping, what it costs, and how good it is known to be."""

    mapping: Mapping
    counts: Counts
    certificate: Certificate


SAME = 1e-12
"""Relative difference below which two costs are one: sums of the same numbers in other orders differ less."""


def map_front(
    einsum: Einsum, accelerator: Accelerator, budget: Budget = BUDGET, constraints: Constraints = ()
) -> Front:
    """Mappings that trade energy for latency: the same whatever is minimized.

    They are the same every time, too, unless the budget is one of time and does not suffice for a proof.
    Results are kept on disk by content and found again there. A budget that suffices for a proof does not
    matter to the result.

    Args:
        einsum: what to map.
        accelerator: what to map it onto.
        budget: what the proof may take after the first search.
        constraints: what the mappings must obey.

    Raises:
        OptionError: constraints that name what does not exist, or that no mapping obeys; it tells which.
        MappingError: no mapping fits (the message tells which tensor, which memory, how many bytes are
            missing), none that obeys the constraints was found, or the matrix unit does not compute the
            einsum's element types.
    """
    front = load_front(einsum, accelerator, budget, constraints)
    if front is None:
        front = _find(einsum, accelerator, budget, constraints)
        save_front(einsum, accelerator, front, budget, constraints)
    return front


def map_einsum(
    einsum: Einsum,
    accelerator: Accelerator,
    objective: Objective,
    budget: Budget = BUDGET,
    constraints: Constraints = (),
) -> MappedEinsum:
    """The mapping of the front that costs least; raises as `map_front` does."""
    front = map_front(einsum, accelerator, budget, constraints)
    best = min(
        front.points,
        key=lambda point: objective.rank(point.energy_j(accelerator), point.latency_s(accelerator)),
    )
    return MappedEinsum(best.mapping, best.counts, certify(einsum, accelerator, objective, front))


def _find(einsum: Einsum, accelerator: Accelerator, budget: Budget, constraints: Constraints) -> Front:
    from catx.costmodel.evaluate import evaluate  # numba is slow to import
    from catx.mapper.compile_kernels import compile_kernels
    from catx.mapper.mapspace_size import mapspace_size
    from catx.mapper.tree_search import search_front

    compile_kernels()
    found = search_front(einsum, accelerator, budget, constraints)
    points = tuple(FrontPoint(mapping, evaluate(einsum, mapping, accelerator)) for mapping in found.mappings)
    launch_s = accelerator.launch_s
    left = tuple((energy - accelerator.static_w * launch_s, time - launch_s) for energy, time in found.left)
    return Front(points, found.evaluated, found.visited, left, mapspace_size(einsum, accelerator))


def certify(einsum: Einsum, accelerator: Accelerator, objective: Objective, front: Front) -> Certificate:
    """How far the best mapping of a front is from what no mapping can beat.

    That is the least of what was not searched, or of the roofline and the compulsory energy, if it is more.
    """
    launch_s = accelerator.launch_s
    least_s = roofline_cycles(einsum, accelerator) / accelerator.clock_hz + accelerator.launch_s
    least_j = energy_bound_j(einsum, accelerator) + accelerator.static_w * least_s
    value = min(
        objective.value(point.energy_j(accelerator), point.latency_s(accelerator)) for point in front.points
    )
    left = [
        objective.value(energy + accelerator.static_w * launch_s, time + launch_s)
        for energy, time in front.left
    ]
    bound = min(value, max(objective.value(least_j, least_s), min(left, default=value)))
    gap = value / bound - 1.0 if bound > 0 else 0.0 if value == 0 else float("inf")
    proved = gap <= SAME
    return Certificate(
        status="proved" if proved else "gap",
        gap=0.0 if proved else gap,
        bound=value if proved else bound,
        evaluated=front.evaluated,
        visited=front.visited,
        mapspace=front.mapspace,
    )
