"""What a little more of each resource of a machine would change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catx.costmodel.carbon.total import op_carbon_rate
from catx.costmodel.rates import rate_for
from catx.ir import mapping as nests
from catx.ir.accelerator import Accelerator
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph
from catx.ir.report import Report
from catx.ir.scenario import Scenario
from catx.mapper.binding import BoundShare, Fullness, bound_shares, fullness
from catx.mapper.design import Progress, evaluate_design
from catx.mapper.objective import Objective, ObjectiveName
from catx.mapper.options import DEFAULT_OPTIONS, MapperOptions
from catx.mapper.resources import STEP, Resource, checked_step, enlarged, resources

ROUNDING = 1e-9
"""Relative differences up to this are none: sums over many layers differ by less, no one builds for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What the models cost on the machine with more of one resource, and the relative changes.

    `objective_value` is in the objective's unit: s, J, J s, or gCO2e. `new_mappings` tells that other
    mappings than those of the base make the most of it.
    """

    resource: Resource
    after: float
    latency_s: float
    energy_j: float
    objective_value: float
    latency_change: float
    energy_change: float
    edp_change: float
    objective_change: float
    new_mappings: bool

    @property
    def edp_js(self) -> float:
        """Energy times latency [J s]."""
        return self.energy_j * self.latency_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """A base report, what more of each resource makes of it, and what its own mappings tell.

    `effects` are sorted by the objective, the largest fall first, equal ones from the outside in; `bounds` by
    share. `objective_value` is that of the base.
    """

    base: Report
    objective: ObjectiveName
    step: float
    objective_value: float
    effects: tuple[Effect, ...]
    fullness: tuple[Fullness, ...]
    bounds: tuple[BoundShare, ...]


def sensitivity(
    graphs: Sequence[Graph],
    accelerator: Accelerator,
    *,
    scenario: Scenario,
    objective: ObjectiveName = "edp",
    step: float = STEP,
    options: MapperOptions = DEFAULT_OPTIONS,
    progress: Progress | None = None,
) -> Sensitivity:
    """Enlarge each resource of a machine alone, and map and cost the models anew.

    Energy per access, area and static power stay as they are: the answer is about the resource, not about
    what it would be built of. Each machine is searched with the same options, and the base's mappings are
    costed on it too; the better counts. Where both are worse than the base, the base itself counts: a machine
    can leave unused what it has more of.

    Args:
        graphs: the models, one after the other.
        accelerator: the machine.
        scenario: what carbon assumes.
        objective: what mappings minimize, and what effects are sorted by.
        step: how much larger each resource is made, relative.
        options: as for `evaluate_design`.
        progress: is told how many unique ops of all machines are done.

    Raises:
        OptionError: a step that is no number or out of range; else as `evaluate_design` raises.
    """
    step = checked_step(step)
    goal = Objective(objective)
    if goal.name == "carbon":
        goal = Objective(objective, *op_carbon_rate(accelerator, scenario))
    study = _Study(graphs, scenario, objective, options, progress)
    every = resources(accelerator, {rate.dtype for rate in accelerator.matrix.rates})
    base = study.mapped(accelerator, (0, 1 + len(every)), "as it is")
    mappings = _mappings(base)
    used = resources(accelerator, _dtypes(base, accelerator))
    effects = []
    for place, resource in enumerate(used, 1):
        after, machine = enlarged(accelerator, resource, step)
        same = study.costed(machine, mappings)
        new = study.mapped(machine, (place, 1 + len(used)), f"more {resource.name} {resource.kind}")
        effects.append(effect_of(resource, after, goal, (base, same, new)))
    return Sensitivity(
        base=base,
        objective=objective,
        step=step,
        objective_value=goal.value(base.energy_j, base.latency_s),
        effects=tuple(sorted(effects, key=lambda effect: effect.objective_change)),
        fullness=fullness(base, accelerator),
        bounds=bound_shares(base),
    )


@dataclass(frozen=True, slots=True)
class _Study:
    """What is the same on every machine."""

    graphs: Sequence[Graph]
    scenario: Scenario
    objective: ObjectiveName
    options: MapperOptions
    progress: Progress | None

    def mapped(self, machine: Accelerator, place: tuple[int, int], what: str) -> Report:
        """The models with mappings that are searched for; `place` is which machine it is, and of how many."""
        index, machines = place
        told = self.progress

        def step(done: int, total: int, name: str) -> None:
            assert told is not None
            ended = index + 1 == machines and done == total
            text = f"{what}: {name}" if name else "" if ended else what
            told(index * total + done, machines * total, text)

        return evaluate_design(
            self.graphs,
            machine,
            scenario=self.scenario,
            objective=self.objective,
            options=self.options,
            progress=step if told else None,
        )

    def costed(self, machine: Accelerator, mappings: Mapping[Einsum, nests.Mapping]) -> Report:
        """The models with given mappings."""
        return evaluate_design(
            self.graphs, machine, scenario=self.scenario, objective=self.objective, mappings=mappings
        )


def _mappings(report: Report) -> dict[Einsum, nests.Mapping]:
    """The mappings of a report, by canonical einsum."""
    return {
        layer.op.as_written().canonical(): layer.cost.mapping
        for layer in report.layers
        if isinstance(layer.op, Einsum) and layer.cost.mapping is not None
    }


def _dtypes(report: Report, accelerator: Accelerator) -> set[DType]:
    """Element types of the matrix unit's rates that the layers run at."""
    return {rate_for(layer.op, accelerator).dtype for layer in report.layers if isinstance(layer.op, Einsum)}


def effect_of(
    resource: Resource, after: float, goal: Objective, reports: tuple[Report, Report, Report]
) -> Effect:
    """The best of three reports: the base, its mappings on the new machine, new mappings on that machine.

    Of equal ones the first counts, so that new mappings are told of only where they are needed.
    """
    base = reports[0]
    best = base
    for report in reports[1:]:
        if _is_better(report, best, goal):
            best = report
    latency_s = _settled(base.latency_s, best.latency_s)
    energy_j = _settled(base.energy_j, best.energy_j)
    before, value = (goal.value(*pair) for pair in ((base.energy_j, base.latency_s), (energy_j, latency_s)))
    return Effect(
        resource=resource,
        after=after,
        latency_s=latency_s,
        energy_j=energy_j,
        objective_value=value,
        latency_change=_change(base.latency_s, latency_s),
        energy_change=_change(base.energy_j, energy_j),
        edp_change=_change(base.energy_j * base.latency_s, energy_j * latency_s),
        objective_change=_change(before, value),
        new_mappings=best is reports[2],
    )


def _is_better(report: Report, other: Report, goal: Objective) -> bool:
    """Whether a report costs less by more than rounding, or the same and less by what decides ties."""
    ranks = zip(
        goal.rank(other.energy_j, other.latency_s), goal.rank(report.energy_j, report.latency_s), strict=True
    )
    for old, new in ranks:
        if _settled(old, new) != old:
            return new < old
    return False


def _settled(before: float, after: float) -> float:
    """The new number, or the old one where they differ by rounding alone."""
    return before if abs(after - before) <= ROUNDING * before else after


def _change(before: float, after: float) -> float:
    """Relative; nothing of nothing is no change."""
    return after / before - 1.0 if after != before else 0.0
