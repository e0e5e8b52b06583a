"""Find a mapping of one einsum on one accelerator for one objective, with a certificate of how good it is."""

from dataclasses import dataclass

from catx.ir.accelerator import Accelerator
from catx.ir.counts import Counts
from catx.ir.einsum import Einsum
from catx.ir.mapping import Mapping
from catx.ir.report import Certificate
from catx.mapper.bounds import energy_bound_j, roofline_cycles
from catx.mapper.objective import Objective
from catx.mapper.store import Found, load_found, save_found


@dataclass(frozen=True, slots=True)
class MappedEinsum:
    """A mapping, what it costs, and how good it is known to be."""

    mapping: Mapping
    counts: Counts
    certificate: Certificate


def map_einsum(einsum: Einsum, accelerator: Accelerator, objective: Objective) -> MappedEinsum:
    """A good mapping: deterministic, never worse than the structured tilings that it starts from.

    Results are kept on disk by content and found again there.

    Raises:
        MappingError: no mapping fits (the message tells which tensor, which memory, how many bytes are
            missing), or the matrix unit does not compute the einsum's element types.
    """
    found = load_found(einsum, accelerator, objective)
    if found is None:
        found = _find(einsum, accelerator, objective)
        save_found(einsum, accelerator, objective, found)
    mapping, counts, evaluated = found
    return MappedEinsum(mapping, counts, certify(einsum, accelerator, objective, counts, evaluated))


def _find(einsum: Einsum, accelerator: Accelerator, objective: Objective) -> Found:
    from catx.costmodel.evaluate import evaluate  # numba is slow to import
    from catx.mapper.nest_search import search_nest

    mapping, evaluated = search_nest(einsum, accelerator, objective)
    return mapping, evaluate(einsum, mapping, accelerator), evaluated


def certify(
    einsum: Einsum, accelerator: Accelerator, objective: Objective, counts: Counts, evaluated: int
) -> Certificate:
    """How far a mapping is from what no mapping can beat."""
    latency_s = counts.cycles.latency_cycles / accelerator.clock_hz
    energy_j = counts.dynamic_energy_j + accelerator.static_w * latency_s
    least_s = roofline_cycles(einsum, accelerator) / accelerator.clock_hz
    least_j = energy_bound_j(einsum, accelerator) + accelerator.static_w * least_s
    value, bound = objective.value(energy_j, latency_s), objective.value(least_j, least_s)
    gap = value / bound - 1.0 if bound > 0 else 0.0 if value == 0 else float("inf")
    status = "proved" if gap <= 1e-12 else "gap"
    return Certificate(status=status, gap=max(gap, 0.0), bound=bound, evaluated=evaluated)
