"""Evaluate a design: models on an accelerator under a scenario, as one report."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count

from catx.costmodel.carbon.act import carbon_report, op_carbon_rate
from catx.costmodel.carbon.gaps import gaps
from catx.costmodel.kernel_cache import phase_of
from catx.costmodel.rates import rate_for
from catx.costmodel.vector_cost import fused_cost, vector_cost, with_fused
from catx.errors import MappingError, OptionError
from catx.ir import mapping as nests
from catx.ir.accelerator import Accelerator
from catx.ir.counts import Counts
from catx.ir.coverage import model_info
from catx.ir.einsum import Einsum
from catx.ir.fingerprint import fingerprint
from catx.ir.graph import Graph, Op
from catx.ir.passes.set_precision import set_precision
from catx.ir.report import Layer, LayerCost, Report, Traffic
from catx.ir.scenario import Scenario
from catx.mapper.bounds import roofline_cycles
from catx.mapper.map_einsum import MappedEinsum, certify, map_einsum
from catx.mapper.objective import Objective, ObjectiveName
from catx.mapper.schedule import sequential
from catx.units import S_PER_YEAR
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
    progress: Progress | None = None,
) -> Report:
    """Map and cost every op of the models, run once each in sequence; totals are sums over ops.

    Args:
        graphs: the models; several make one report.
        accelerator: what they run on; floating-point models run at its `precision`.
        scenario: what the carbon numbers assume.
        objective: what each mapping minimizes.
        mappings: mappings by canonical einsum; given, none is searched for, and each einsum must have one.
        progress: is told how many unique ops are done.

    Raises:
        OptionError: no model, or an objective that does not exist.
        MappingError: an op for which no mapping exists, or none or an illegal one was given.
        SpecError: the accelerator lacks what an op needs.
    """
    if not graphs:
        raise OptionError("no model was given")
    notes = [note for graph in graphs for note in _precision_notes(graph, accelerator)]
    notes += gaps(accelerator)
    if accelerator.precision:
        graphs = [set_precision(graph, accelerator.precision) for graph in graphs]
    goal = Objective(objective)
    if goal.name == "carbon":
        goal = Objective(objective, *op_carbon_rate(accelerator, scenario))
    schedule = sequential(_layers(graphs, accelerator, goal, mappings, progress), accelerator)
    carbon = carbon_report(accelerator, schedule.energy_j, schedule.latency_s, scenario)
    notes += _lifetime_notes(schedule.latency_s, scenario)
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
        traffic=schedule.traffic,
        scenario=scenario,
        carbon=carbon,
        notes=tuple(dict.fromkeys(notes)),
    )


def _layers(
    graphs: Sequence[Graph],
    accelerator: Accelerator,
    objective: Objective,
    mappings: Mapping[Einsum, nests.Mapping] | None,
    progress: Progress | None,
) -> list[Layer]:
    """Unique ops with their costs, model by model, in the order of their first run."""
    uniques = [graph.unique_ops() for graph in graphs]
    mapped = _map_all(uniques, accelerator, objective, mappings, progress)
    return [
        Layer(
            model=index,
            op=occurrences[0],
            names=tuple(op.name for op in occurrences),
            count=sum(op.repeat for op in occurrences),
            cost=_cost(occurrences[0], accelerator, mapped),
        )
        for index, unique in enumerate(uniques)
        for occurrences in unique.values()
    ]


def _map_all(
    uniques: Sequence[Mapping[Op, tuple[Op, ...]]],
    accelerator: Accelerator,
    objective: Objective,
    mappings: Mapping[Einsum, nests.Mapping] | None,
    progress: Progress | None,
) -> dict[Einsum, MappedEinsum]:
    """Each different einsum once, on all cores: the kernels hold no lock."""
    work: dict[Einsum, Einsum] = {}
    for unique in uniques:
        for op in unique.values():
            if isinstance(op[0], Einsum):
                einsum = op[0].as_written()
                work.setdefault(einsum.canonical(), einsum)
    done: dict[Einsum, MappedEinsum] = {}
    first = ""
    if progress and work:
        rooms = ("costmodel", "mapper") if mappings is None else ("costmodel",)
        first = phase_of(next(iter(work.values())).name, *rooms)
    with ThreadPoolExecutor(cpu_count()) as pool:
        jobs = {
            canonical: pool.submit(_map_one, einsum, accelerator, objective, mappings)
            for canonical, einsum in work.items()
        }
        try:
            for canonical, job in jobs.items():
                if progress:
                    progress(len(done), len(jobs), work[canonical].name if done else first)
                done[canonical] = job.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if progress:
        progress(len(jobs), len(jobs), "")
    return done


def _map_one(
    einsum: Einsum,
    accelerator: Accelerator,
    objective: Objective,
    mappings: Mapping[Einsum, nests.Mapping] | None,
) -> MappedEinsum:
    if mappings is None:
        return map_einsum(einsum, accelerator, objective)
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
    return MappedEinsum(mapping, counts, certify(einsum, accelerator, objective, counts, 1))


def _cost(op: Op, accelerator: Accelerator, mapped: Mapping[Einsum, MappedEinsum]) -> LayerCost:
    if not isinstance(op, Einsum):
        return vector_cost(op, accelerator)
    einsum = op.as_written()
    found = mapped[einsum.canonical()]
    counts = found.counts
    latency_s = counts.cycles.latency_cycles / accelerator.clock_hz + accelerator.launch_s
    static_j = accelerator.static_w * latency_s
    peak = rate_for(op, accelerator).macs_per_cycle * accelerator.instances(accelerator.matrix.name)
    alone = LayerCost(
        latency_s=latency_s,
        energy_j=counts.dynamic_energy_j + static_j,
        static_energy_j=static_j,
        bound_by=counts.cycles.bound_by,
        utilization=op.macs / (peak * latency_s * accelerator.clock_hz),
        roofline_s=roofline_cycles(einsum, accelerator) / accelerator.clock_hz,
        traffic=_traffic(counts, accelerator),
        energy_by_part_j=counts.energy_j,
        mapping=found.mapping,
        counts=counts,
        certificate=found.certificate,
    )
    if not op.fused:
        return alone
    return with_fused(alone, fused_cost(op.fused, (op.output,), accelerator), accelerator)


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


def _lifetime_notes(latency_s: float, scenario: Scenario) -> list[str]:
    """Whether one unit can do the scenario's inferences in its lifetime."""
    busy = latency_s * scenario.inferences / (scenario.lifetime_years * S_PER_YEAR)
    if busy <= 1:
        return []
    return [
        f"scenario {scenario.name}: its inferences take {busy:.3g} lifetimes of one unit, "
        "and the carbon totals are of one unit"
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
