"""Evaluate a design: models on an accelerator under a scenario, as one report."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from os import cpu_count

from catx.costmodel.carbon.energy import energy_by_kind
from catx.costmodel.carbon.gaps import gaps, left_out, uncertain
from catx.costmodel.carbon.total import carbon_report, op_carbon_rate
from catx.costmodel.kernel_cache import phase_of
from catx.costmodel.limit import limit
from catx.costmodel.ports import beyond_ports
from catx.costmodel.power import peak_by_part_w, static_by_part_w
from catx.costmodel.rates import rate_for
from catx.costmodel.vector_cost import fused_cost, vector_cost, with_fused
from catx.errors import MappingError, OptionError
from catx.ir import mapping as nests
from catx.ir.accelerator import LAUNCH, Accelerator
from catx.ir.counts import Counts
from catx.ir.coverage import model_info
from catx.ir.einsum import Einsum
from catx.ir.fingerprint import fingerprint
from catx.ir.graph import Graph, Op
from catx.ir.passes.rewrite import sources_of
from catx.ir.passes.set_precision import set_precision
from catx.ir.report import CarbonReport, Layer, LayerCost, Report, Traffic, energy_by_part_j
from catx.ir.scenario import Scenario
from catx.ir.schedule import Schedule
from catx.mapper.bounds import roofline_cycles
from catx.mapper.constrain import constraints_by_einsum
from catx.mapper.front import UNKNOWN, Front, FrontPoint, Options, least_product
from catx.mapper.map_einsum import certify, map_front
from catx.mapper.notes import model_notes
from catx.mapper.objective import Objective, ObjectiveName
from catx.mapper.options import DEFAULT_OPTIONS, MapperOptions
from catx.mapper.schedule import sequential
from catx.units import format_quantity
from catx.version import VERSION

Progress = Callable[[int, int, str], None]
"""Called as progress(done, total, what) while work goes on."""


def evaluate_design(
    graphs: Sequence[Graph],
    accelerator: Accelerator,
    *,
    scenario: Scenario,
    objective: ObjectiveName = "edp",
    mappings: Mapping[Einsum, nests.Mapping] | None = None,
    options: MapperOptions = DEFAULT_OPTIONS,
    progress: Progress | None = None,
) -> Report:
    """Map and cost every op of the models, run once each in sequence; totals are sums over ops.

    Args:
        graphs: the models; several make one report.
        accelerator: what they run on; floating-point models run at its `precision`.
        scenario: what the carbon numbers assume.
        objective: what each mapping minimizes.
        mappings: mappings by canonical einsum; given, none is searched for, and each einsum must have one.
        options: what the mapper may take, and must obey; without effect where mappings are given.
        progress: is told how many unique ops are done.

    Raises:
        OptionError: no model, an objective that does not exist, or constraints that are of no layer, name
            what does not exist, or conflict.
        MappingError: an op for which no mapping exists, or none or an illegal one was given.
        SpecError: the accelerator lacks what an op needs.
    """
    if not graphs:
        raise OptionError("no model was given")
    notes = [note for graph in graphs for note in _precision_notes(graph, accelerator)]
    notes += (*beyond_ports(accelerator), *gaps(accelerator), *uncertain(accelerator))
    notes += left_out(accelerator, scenario)
    if accelerator.precision:
        graphs = [set_precision(graph, accelerator.precision) for graph in graphs]
    notes += [note for graph in graphs for note in model_notes(graph)]
    goal = Objective(objective)
    if goal.name == "carbon":
        goal = Objective(objective, *op_carbon_rate(accelerator, scenario))
    groups = [graph.unique_ops() for graph in graphs]
    rooms = ("costmodel", "mapper") if mappings is None else ("costmodel",)
    fronts = _map_all(_work(groups, accelerator, mappings, options), rooms, progress)
    schedule = sequential(_layers(groups, accelerator, goal, fronts), accelerator)
    static_j = sum(layer.cost.static_energy_j * layer.count for layer in schedule.layers)
    energy = energy_by_kind(accelerator, energy_by_part_j(schedule.layers), static_j)
    carbon = carbon_report(accelerator, energy, schedule.latency_s, scenario)
    notes += _launch_notes(schedule, accelerator)
    notes += _constraint_notes(options) if mappings is None else ()
    notes += _lifetime_notes(carbon, scenario)
    return Report(
        accelerator=accelerator.name,
        accelerator_sha256=fingerprint(accelerator),
        objective=objective if mappings is None else "given mappings",
        schedule=schedule.kind,
        version=VERSION,
        models=tuple(model_info(graph) for graph in graphs),
        layers=schedule.layers,
        latency_s=schedule.latency_s,
        energy_j=schedule.energy_j,
        area_mm2=accelerator.die_area_mm2,
        area_by_part_mm2=_areas(accelerator),
        static_by_part_w=static_by_part_w(accelerator),
        peak_by_part_w=peak_by_part_w(accelerator),
        traffic=schedule.traffic,
        scenario=scenario,
        carbon=carbon,
        notes=tuple(dict.fromkeys(notes)),
    )


@dataclass(frozen=True, slots=True)
class _Unique:
    """A unique op of one model, how often it runs, and what it can cost: a vector op has one option."""

    model: int
    occurrences: tuple[Op, ...]
    count: int
    options: tuple[LayerCost, ...]


_Groups = Sequence[Mapping[Op, tuple[Op, ...]]]
"""Ops of each model that cost the same, by one of them."""


def _layers(
    groups: _Groups, accelerator: Accelerator, objective: Objective, fronts: Mapping[Einsum, Front]
) -> list[Layer]:
    """Unique ops with their costs, model by model, in the order of their first run."""
    uniques = [
        _Unique(
            index,
            occurrences,
            sum(op.repeat for op in occurrences),
            _options(occurrences[0], accelerator, objective, fronts),
        )
        for index, group in enumerate(groups)
        for occurrences in group.values()
    ]
    return [
        Layer(
            model=unique.model,
            op=unique.occurrences[0],
            names=tuple(op.name for op in unique.occurrences),
            count=unique.count,
            cost=cost,
            nodes=sources_of(unique.occurrences),
        )
        for unique, cost in zip(uniques, _chosen(uniques, objective), strict=True)
    ]


def _chosen(uniques: Sequence[_Unique], objective: Objective) -> list[LayerCost]:
    """One option per op; ops with the same einsum, whatever is fused to each, take the same mapping.

    Energy, latency and carbon add up over ops; the EDP of all does not.
    """
    groups: dict[Einsum | int, list[_Unique]] = {}
    for index, unique in enumerate(uniques):
        op = unique.occurrences[0]
        key = op.as_written().canonical() if isinstance(op, Einsum) else index
        groups.setdefault(key, []).append(unique)
    choices = [_together(group) for group in groups.values()]
    if objective.name == "edp":
        picked = least_product(choices)
    else:
        picked = [_least(options, objective) for options in choices]
    cost_of = {
        id(unique): unique.options[option]
        for group, option in zip(groups.values(), picked, strict=True)
        for unique in group
    }
    return [cost_of[id(unique)] for unique in uniques]


def _least(options: Options, objective: Objective) -> int:
    """The option that costs least; of equal ones the first."""
    return min(range(len(options)), key=lambda option: objective.rank(*options[option]))


def _together(group: Sequence[_Unique]) -> Options:
    """Energy and latency of all runs of a group's ops under each option, which all have [J, s]."""
    return [
        (
            sum(unique.count * unique.options[option].energy_j for unique in group),
            sum(unique.count * unique.options[option].latency_s for unique in group),
        )
        for option in range(len(group[0].options))
    ]


def _work(
    groups: _Groups,
    accelerator: Accelerator,
    mappings: Mapping[Einsum, nests.Mapping] | None,
    options: MapperOptions,
) -> dict[Einsum, tuple[str, Callable[[], Front]]]:
    """How to map each different einsum, by its canonical form, and the name of its first layer."""
    first: dict[Einsum, Einsum] = {}
    names: dict[Einsum, list[str]] = {}
    for group in groups:
        for occurrences in group.values():
            for op in occurrences:
                if isinstance(op, Einsum):
                    einsum = op.as_written()
                    canonical = einsum.canonical()
                    first.setdefault(canonical, einsum)
                    names.setdefault(canonical, []).append(op.name)
    if mappings is not None:
        return {
            canonical: (einsum.name, partial(_given, einsum, accelerator, mappings))
            for canonical, einsum in first.items()
        }
    constraints = constraints_by_einsum(options.constraints, names)
    return {
        canonical: (
            einsum.name,
            partial(map_front, einsum, accelerator, options.budget, constraints[canonical]),
        )
        for canonical, einsum in first.items()
    }


def _map_all(
    work: Mapping[Einsum, tuple[str, Callable[[], Front]]], rooms: Sequence[str], progress: Progress | None
) -> dict[Einsum, Front]:
    """Each different einsum once, on all cores: the kernels of `rooms`, which it takes, hold no lock."""
    done: dict[Einsum, Front] = {}
    first = phase_of(next(iter(work.values()))[0], *rooms) if progress and work else ""
    with ThreadPoolExecutor(cpu_count()) as pool:
        jobs = {canonical: (name, pool.submit(find)) for canonical, (name, find) in work.items()}
        try:
            for canonical, (name, job) in jobs.items():
                if progress:
                    progress(len(done), len(jobs), name if done else first)
                done[canonical] = job.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if progress:
        progress(len(jobs), len(jobs), "")
    return done


def _given(einsum: Einsum, accelerator: Accelerator, mappings: Mapping[Einsum, nests.Mapping]) -> Front:
    """The mapping that the user gave for an einsum, and what it costs."""
    from catx.costmodel.evaluate import evaluate  # numba is slow to import

    mapping = mappings.get(einsum.canonical())
    if mapping is None:
        raise MappingError(
            f"no mapping is given for {einsum.name}",
            loc=einsum.loc,
            hint="every unique layer needs an entry; `catx compile -o DIR` writes a complete mapping.yaml",
        )
    try:
        counts = evaluate(einsum, mapping, accelerator)
    except MappingError as error:
        raise MappingError(f"{einsum.name}: {error.args[0]}", loc=error.loc, hint=error.hint) from error
    return Front((FrontPoint(mapping, counts),), evaluated=1, visited=0, left=UNKNOWN, mapspace=0)


def _options(
    op: Op, accelerator: Accelerator, objective: Objective, fronts: Mapping[Einsum, Front]
) -> tuple[LayerCost, ...]:
    """What an op can cost: at every point of its front, or in its one way as a vector op."""
    if not isinstance(op, Einsum):
        return (vector_cost(op, accelerator),)
    einsum = op.as_written()
    front = fronts[einsum.canonical()]
    certificate = certify(einsum, accelerator, objective, front)
    return tuple(replace(_cost(op, accelerator, point), certificate=certificate) for point in front.points)


def _cost(op: Einsum, accelerator: Accelerator, point: FrontPoint) -> LayerCost:
    """Cost of an einsum by one of its mappings, fused ops included."""
    counts, latency_s = point.counts, point.latency_s(accelerator)
    static_j = accelerator.static_w * latency_s
    peak = rate_for(op, accelerator).macs_per_cycle * accelerator.instances(accelerator.matrix.name)
    einsum = op.as_written()
    alone = LayerCost(
        latency_s=latency_s,
        energy_j=counts.dynamic_energy_j + static_j,
        static_energy_j=static_j,
        bound_by=_bound_by(counts, accelerator),
        utilization=op.macs / (peak * latency_s * accelerator.clock_hz),
        roofline_s=roofline_cycles(einsum, accelerator) / accelerator.clock_hz,
        traffic=_traffic(counts, accelerator),
        energy_by_part_j=counts.energy_j,
        mapping=point.mapping,
        counts=counts,
    )
    if not op.fused:
        return alone
    return with_fused(alone, fused_cost(op.fused, (op.output,), accelerator), accelerator)


def _bound_by(counts: Counts, accelerator: Accelerator) -> str:
    """The largest load of the mapping, or the launch."""
    name, _ = limit(counts.cycles.loads, accelerator)
    return name if name == LAUNCH else counts.cycles.bound_by


def _traffic(counts: Counts, accelerator: Accelerator) -> tuple[Traffic, ...]:
    stores = counts.stores
    return tuple(
        Traffic(
            memory=memory.name,
            read_bytes=sum(store.read_bytes for store in stores if store.memory == memory.name),
            write_bytes=sum(store.write_bytes for store in stores if store.memory == memory.name),
        )
        for memory in accelerator.memories
    )


def _areas(accelerator: Accelerator) -> tuple[tuple[str, float], ...]:
    parts = [(level.name, level.area_mm2 * accelerator.instances(level.name)) for level in accelerator.levels]
    matrix = accelerator.matrix
    parts.append((matrix.name, matrix.area_mm2 * accelerator.instances(matrix.name)))
    if accelerator.vector:
        parts.append((accelerator.vector.name, accelerator.vector.area_mm2))
    parts.append(("other", accelerator.other_area_mm2))
    return tuple((name, area) for name, area in parts if area > 0)


def _launch_notes(schedule: Schedule, accelerator: Accelerator) -> list[str]:
    """How much of the latency is the start of ops."""
    runs = sum(layer.count for layer in schedule.layers)
    if not accelerator.launch_s or not schedule.latency_s:
        return []
    share = runs * accelerator.launch_s / schedule.latency_s
    return [
        f"starting {runs:,} ops at {format_quantity(accelerator.launch_s, 'time')} each is {share:.0%} of "
        f"the latency (launch_overhead of {accelerator.name})"
    ]


def _constraint_notes(options: MapperOptions) -> list[str]:
    """What the mappings obey."""
    return [
        f"mappings of layers {', '.join(block.patterns)} obey {'; '.join(map(str, block.constraints))} "
        f"({block.loc})"
        for block in options.constraints
    ]


def _lifetime_notes(carbon: CarbonReport, scenario: Scenario) -> list[str]:
    """Whether one unit can do the scenario's inferences in the time that it is powered."""
    busy = carbon.sheet["busy_share"]
    if busy <= 1:
        return []
    return [
        f"scenario {scenario.name}: its inferences take {busy:.3g} times the time that one unit is powered "
        "in its life, and the carbon totals are of one unit: lower them, or raise the lifetime"
    ]


def _precision_notes(graph: Graph, accelerator: Accelerator) -> list[str]:
    if accelerator.precision is None:
        return []
    replaced = sorted(
        {t.dtype.value for t in graph.tensors if t.dtype.is_float and t.dtype != accelerator.precision}
    )
    if not replaced:
        return []
    return [
        f"{graph.name}: {', '.join(replaced)} tensors are costed at {accelerator.precision}, the precision "
        f"of {accelerator.name}"
    ]
