"""What each op of a design costs: every einsum by one point of its front, chosen for the whole design."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from catx.costmodel.limit import limit
from catx.costmodel.rates import rate_for
from catx.costmodel.vector_cost import Joint, LaneWork, fused_cost, vector_cost, with_fused
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import Einsum
from catx.ir.report import Certificate, LayerCost, Traffic
from catx.ir.vector_op import VectorOp
from catx.mapper.bounds import roofline_cycles
from catx.mapper.front import Front, Options, Point, energy_j, least_product
from catx.mapper.map_einsum import certify
from catx.mapper.objective import Objective
from catx.mapper.workload import Work


@dataclass(frozen=True, slots=True)
class _Choice:
    """An op and what it can cost: each point of its einsum's front, or the one way of a vector op.

    `pairs` are energy [J] and latency [s] of one run, fused ops included.
    """

    work: Work
    pairs: Options
    cost: LayerCost | None = None
    front: Front | None = None
    fused: LaneWork | None = None


def layer_costs(
    works: Sequence[Work], accelerator: Accelerator, objective: Objective, fronts: Mapping[Einsum, Front]
) -> list[LayerCost]:
    """One cost per op; ops with the same einsum, whatever is fused to each, take the same mapping.

    Energy, latency and carbon add up over ops; the EDP of all does not: it is minimized as a whole.

    Raises:
        SpecError: the accelerator lacks what a vector op needs.
    """
    choices = [_choice(work, accelerator, fronts) for work in works]
    groups: dict[Einsum | int, list[int]] = {}
    for index, work in enumerate(works):
        groups.setdefault(work.canonical or index, []).append(index)
    options = [_together([choices[index] for index in group]) for group in groups.values()]
    if objective.name == "edp":
        picked = least_product(options)
    else:
        picked = [_least(pairs, objective) for pairs in options]
    point_of = {index: point for group, point in zip(groups.values(), picked, strict=True) for index in group}
    certificates = _Certificates(accelerator, objective)
    return [_cost(choice, point_of[index], accelerator, certificates) for index, choice in enumerate(choices)]


def _choice(work: Work, accelerator: Accelerator, fronts: Mapping[Einsum, Front]) -> _Choice:
    if work.einsum is None or work.canonical is None:
        assert isinstance(work.op, VectorOp)
        cost = vector_cost(work.op, accelerator)
        return _Choice(work, [(cost.energy_j, cost.latency_s)], cost=cost)
    front, op = fronts[work.canonical], work.op
    assert isinstance(op, Einsum)
    fused = fused_cost(op.fused, (op.output,), accelerator) if op.fused else None
    return _Choice(work, _pairs(front, fused, accelerator), front=front, fused=fused)


def _pairs(front: Front, fused: LaneWork | None, accelerator: Accelerator) -> Options:
    """Energy and latency of each point with its fused ops [J, s]."""
    if fused is None:
        return [(point.energy_j(accelerator), point.latency_s(accelerator)) for point in front.points]
    more = sum(joules for _, joules in fused.energy(accelerator))
    joint, pairs = Joint(fused, accelerator), []
    for point in front.points:
        latency_s = point.latency_s(accelerator) + joint.added_s(point.steady)[0]
        pairs.append((energy_j(point.dynamic_energy_j + more, latency_s, accelerator), latency_s))
    return pairs


def _least(options: Options, objective: Objective) -> int:
    """The option that costs least; of equal ones the first."""
    return min(range(len(options)), key=lambda option: objective.rank(*options[option]))


def _together(group: Sequence[_Choice]) -> Options:
    """Energy and latency of all runs of a group's ops under each option, which all have [J, s]."""
    return [
        (
            sum(choice.work.count * choice.pairs[option][0] for choice in group),
            sum(choice.work.count * choice.pairs[option][1] for choice in group),
        )
        for option in range(len(group[0].pairs))
    ]


class _Certificates:
    """Certificates by front: one search serves every op with its einsum."""

    def __init__(self, accelerator: Accelerator, objective: Objective) -> None:
        self._accelerator, self._objective = accelerator, objective
        self._known: dict[int, tuple[Front, Certificate]] = {}

    def of(self, einsum: Einsum, front: Front) -> Certificate:
        """The certificate of a front."""
        found = self._known.get(id(front))
        if found is None:
            found = front, certify(einsum, self._accelerator, self._objective, front)
            self._known[id(front)] = found
        return found[1]


def _cost(choice: _Choice, point: int, accelerator: Accelerator, certificates: _Certificates) -> LayerCost:
    """What an op costs by the point that was chosen."""
    if choice.cost is not None:
        return choice.cost
    assert choice.front is not None
    assert choice.work.einsum is not None
    einsum = choice.work.einsum
    alone = _alone(einsum, accelerator, choice.front.points[point])
    alone = replace(alone, certificate=certificates.of(einsum, choice.front))
    return alone if choice.fused is None else with_fused(alone, choice.fused, accelerator)


def _alone(einsum: Einsum, accelerator: Accelerator, point: Point) -> LayerCost:
    """Cost of an einsum without its fused ops by one of its mappings."""
    parts, latency_s = point.energy_by_part_j, point.latency_s(accelerator)
    static_j = accelerator.static_w * latency_s
    peak = rate_for(einsum, accelerator).macs_per_cycle * accelerator.instances(accelerator.matrix.name)
    return LayerCost(
        latency_s=latency_s,
        energy_j=sum(joules for _, joules in parts) + static_j,
        static_energy_j=static_j,
        bound_by=_bound_by(point, accelerator),
        utilization=einsum.macs / (peak * latency_s * accelerator.clock_hz),
        roofline_s=roofline_cycles(einsum, accelerator) / accelerator.clock_hz,
        traffic=tuple(
            Traffic(memory=memory.name, read_bytes=read, write_bytes=written)
            for memory, (read, written) in zip(accelerator.memories, point.moved, strict=True)
        ),
        energy_by_part_j=parts,
        mapped=point,
    )


def _bound_by(point: Point, accelerator: Accelerator) -> str:
    """The largest load of the mapping, of equal ones the outermost, or the launch."""
    loads = dict(point.loads)
    ordered = [
        ("compute", loads["compute"]),
        *((level.name, loads[level.name]) for level in accelerator.levels),
    ]
    return limit(ordered, accelerator)[0]
