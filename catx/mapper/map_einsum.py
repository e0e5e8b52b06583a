"""Find the mappings of one einsum on one accelerator, and choose among them with a certificate."""

from dataclasses import dataclass

from catx.ir.accelerator import Accelerator
from catx.ir.counts import Counts
from catx.ir.einsum import Einsum
from catx.ir.mapping import Mapping
from catx.ir.report import Certificate
from catx.mapper.bounds import energy_bound_j, roofline_cycles
from catx.mapper.front import Front, FrontPoint
from catx.mapper.objective import Objective
from catx.mapper.store import load_front, save_front


@dataclass(frozen=True, slots=True)
class MappedEinsum:
    """A mapping, what it costs, and how good it is known to be."""

    mapping: Mapping
    counts: Counts
    certificate: Certificate


def map_front(einsum: Einsum, accelerator: Accelerator) -> Front:
    """Mappings that trade energy for latency: deterministic, and the same whatever is minimized.

    Results are kept on disk by content and found again there.

    Raises:
        MappingError: no mapping fits (the message tells which tensor, which memory, how many bytes are
            missing), or the matrix unit does not compute the einsum's element types.
    """
    front = load_front(einsum, accelerator)
    if front is None:
        front = _find(einsum, accelerator)
        save_front(einsum, accelerator, front)
    return front


def map_einsum(einsum: Einsum, accelerator: Accelerator, objective: Objective) -> MappedEinsum:
    """The mapping of the front that costs least; raises as `map_front` does."""
    front = map_front(einsum, accelerator)
    best = min(
        front.points,
        key=lambda point: objective.rank(point.energy_j(accelerator), point.latency_s(accelerator)),
    )
    return MappedEinsum(best.mapping, best.counts, certify(einsum, accelerator, objective, front))


def _find(einsum: Einsum, accelerator: Accelerator) -> Front:
    from catx.costmodel.evaluate import evaluate  # numba is slow to import
    from catx.mapper.tree_search import search_front

    mappings, evaluated = search_front(einsum, accelerator)
    points = tuple(FrontPoint(mapping, evaluate(einsum, mapping, accelerator)) for mapping in mappings)
    return Front(points, evaluated)


def certify(einsum: Einsum, accelerator: Accelerator, objective: Objective, front: Front) -> Certificate:
    """How far the best mapping of a front is from what no mapping can beat."""
    least_s = roofline_cycles(einsum, accelerator) / accelerator.clock_hz + accelerator.launch_s
    least_j = energy_bound_j(einsum, accelerator) + accelerator.static_w * least_s
    value = min(
        objective.value(point.energy_j(accelerator), point.latency_s(accelerator)) for point in front.points
    )
    bound = objective.value(least_j, least_s)
    gap = value / bound - 1.0 if bound > 0 else 0.0 if value == 0 else float("inf")
    status = "proved" if gap <= 1e-12 else "gap"
    return Certificate(status=status, gap=max(gap, 0.0), bound=bound, evaluated=front.evaluated)
