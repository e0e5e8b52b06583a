"""Evaluate a design: models on an accelerator under a scenario, as one report."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from os import cpu_count

from catx.costmodel.carbon.energy import energy_by_kind
from catx.costmodel.carbon.gaps import gaps, left_out, uncertain
from catx.costmodel.carbon.total import carbon_report, op_carbon_rate
from catx.costmodel.kernel_cache import phase_of
from catx.costmodel.ports import beyond_ports
from catx.costmodel.power import peak_by_part_w, static_by_part_w
from catx.errors import MappingError, OptionError
from catx.ir import mapping as nests
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import Einsum
from catx.ir.fingerprint import fingerprint
from catx.ir.graph import Graph
from catx.ir.report import CarbonReport, Layer, Report, energy_by_part_j
from catx.ir.scenario import Scenario
from catx.ir.schedule import Schedule
from catx.mapper.constrain import constraints_by_einsum
from catx.mapper.front import UNKNOWN, Front, FrontPoint
from catx.mapper.layer_costs import layer_costs
from catx.mapper.map_einsum import map_front
from catx.mapper.objective import Objective, ObjectiveName
from catx.mapper.options import DEFAULT_OPTIONS, MapperOptions
from catx.mapper.schedule import sequential
from catx.mapper.workload import Workload, workload_of
from catx.units import format_quantity
from catx.version import VERSION

Progress = Callable[[int, int, str], None]
"""Called as progress(done, total, what) while work goes on."""

FindFronts = Callable[[Sequence[Einsum], Accelerator], Mapping[Einsum, Front]]
"""Maps einsums onto an accelerator."""


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
    return evaluate_workloads(
        [workload_of(graph, accelerator.precision, accelerator.name) for graph in graphs],
        accelerator,
        scenario=scenario,
        objective=objective,
        mappings=mappings,
        options=options,
        progress=progress,
    )


def evaluate_workloads(
    workloads: Sequence[Workload],
    accelerator: Accelerator,
    *,
    scenario: Scenario,
    objective: ObjectiveName = "edp",
    mappings: Mapping[Einsum, nests.Mapping] | None = None,
    options: MapperOptions = DEFAULT_OPTIONS,
    find: FindFronts | None = None,
    progress: Progress | None = None,
) -> Report:
    """What `evaluate_design` does with models whose ops are known already, at the accelerator's precision.

    `find` is called for the fronts of all different einsums, in place of the mapper with its options.
    """
    if not workloads:
        raise OptionError("no model was given")
    notes = [note for workload in workloads for note in workload.retyped]
    notes += (*beyond_ports(accelerator), *gaps(accelerator), *uncertain(accelerator))
    notes += left_out(accelerator, scenario)
    notes += [note for workload in workloads for note in workload.notes]
    goal = Objective(objective)
    if goal.name == "carbon":
        goal = Objective(objective, *op_carbon_rate(accelerator, scenario))
    rooms = ("costmodel", "mapper") if mappings is None else ("costmodel",)
    if find is not None:
        fronts = find(_einsums(workloads), accelerator)
    else:
        fronts = _map_all(_work(workloads, accelerator, mappings, options), rooms, progress)
    schedule = sequential(_layers(workloads, accelerator, goal, fronts), accelerator)
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
        models=tuple(workload.info for workload in workloads),
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


def _layers(
    workloads: Sequence[Workload],
    accelerator: Accelerator,
    objective: Objective,
    fronts: Mapping[Einsum, Front],
) -> list[Layer]:
    """Unique ops with their costs, model by model, in the order of their first run."""
    works = [(index, work) for index, workload in enumerate(workloads) for work in workload.works]
    costs = layer_costs([work for _, work in works], accelerator, objective, fronts)
    return [
        Layer(model=index, op=work.op, names=work.names, count=work.count, cost=cost, nodes=work.nodes)
        for (index, work), cost in zip(works, costs, strict=True)
    ]


def _einsums(workloads: Sequence[Workload]) -> list[Einsum]:
    """Each different einsum, in its canonical form."""
    found = (work.canonical for workload in workloads for work in workload.works)
    return list(dict.fromkeys(einsum for einsum in found if einsum is not None))


def _work(
    workloads: Sequence[Workload],
    accelerator: Accelerator,
    mappings: Mapping[Einsum, nests.Mapping] | None,
    options: MapperOptions,
) -> dict[Einsum, tuple[str, Callable[[], Front]]]:
    """How to map each different einsum, by its canonical form, and the name of its first layer."""
    first: dict[Einsum, Einsum] = {}
    names: dict[Einsum, list[str]] = {}
    for workload in workloads:
        for work in workload.works:
            if work.einsum is not None and work.canonical is not None:
                first.setdefault(work.canonical, work.einsum)
                names.setdefault(work.canonical, []).extend(work.names)
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
