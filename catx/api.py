"""The Python API: load models and accelerators, compile one onto the other, evaluate your own mappings."""

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from catx import arguments
from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO
from catx.costmodel.carbon.total import op_carbon_rate
from catx.errors import OptionError
from catx.frontend import constraint_file, hardware, models, scenarios
from catx.frontend.model_dims import sizes_by_model
from catx.frontend.training import with_training
from catx.ir.accelerator import Accelerator
from catx.ir.constraints import Block, Constraints
from catx.ir.counts import Counts
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph
from catx.ir.mapping import Mapping
from catx.ir.passes.set_precision import einsum_at
from catx.ir.report import Report
from catx.ir.scenario import Scenario
from catx.ir.vector_op import VectorOp
from catx.mapper.constrain import constraints_by_einsum
from catx.mapper.design import Progress, evaluate_design
from catx.mapper.front import Front
from catx.mapper.map_einsum import MappedEinsum, map_einsum, map_front
from catx.mapper.objective import OBJECTIVES, Objective, ObjectiveName, objective_name
from catx.mapper.options import BUDGET, MapperOptions, parse_budget
from catx.mapper.resources import STEP, checked_step
from catx.mapper.sensitivity import Sensitivity
from catx.mapper.sensitivity import sensitivity as find_sensitivity

ConstraintsLike = str | Path | Sequence[Block]
"""The path of a constraint file, or blocks of constraints."""

Model = Graph | str | Path
"""A graph, the path of a model file, or the name of a built-in model."""

_FILE = "the path of an .onnx file or the name of a built-in model"
_MODEL = f"a Graph, {_FILE}"
_HW_FILE = "the path of a hw.yaml or the name of a built-in accelerator"
_CONSTRAINTS = "the path of a YAML file, or a list of blocks"
_SCENARIO_FILE = "the path of a YAML file or the name of a built-in scenario"
_OBJECTIVE = f"one of {', '.join(map(repr, OBJECTIVES))}"


def load_model(
    model: str | Path, *, dims: Dict[str, int] | None = None, allow_unknown: bool = False
) -> Graph:
    """Read a model file, or a built-in model by name, and lower it to a graph.

    Args:
        model: a path that ends in .onnx, or a name that `catx models` lists.
        dims: values of the model's dynamic dimensions by name.
        allow_unknown: cost the data movement of operators that catx does not know, instead of refusing them.

    Raises:
        ModelError: the file cannot be read, or holds what catx cannot lower.
        OptionError: a dim that the model does not have, or an argument of another type.
    """
    return models.load_model(
        arguments.path_or_name("model", model, _FILE),
        dims=arguments.sizes("dims", dims),
        allow_unknown=arguments.flag("allow_unknown", allow_unknown),
    )


def load_models(
    model: str | Path, *, dims: Dict[str, int] | None = None, allow_unknown: bool = False
) -> tuple[Graph, ...]:
    """Like `load_model`, for models of several graphs: the built-in pair `clip_vit_b16` is two."""
    return models.load_models(
        arguments.path_or_name("model", model, _FILE),
        dims=arguments.sizes("dims", dims),
        allow_unknown=arguments.flag("allow_unknown", allow_unknown),
    )


def load_accelerator(accelerator: str | Path) -> Accelerator:
    """Read an accelerator description (hw.yaml), or a built-in one by name.

    Raises:
        SpecError: the description is malformed or inconsistent; the message lists every problem by line.
        OptionError: an argument of another type.
    """
    return hardware.load_accelerator(arguments.path_or_name("accelerator", accelerator, _HW_FILE))


def load_scenario(scenario: str | Path) -> Scenario:
    """Read a scenario file (docs/carbon.md), or take a built-in scenario by name.

    Raises:
        SpecError: no such scenario, or what is wrong in the file, by line.
        OptionError: an argument of another type.
    """
    return scenarios.load_scenario(arguments.path_or_name("scenario", scenario, _SCENARIO_FILE))


def compile_model(
    model: Model | Sequence[Model],
    accelerator: Accelerator | str | Path = "edge",
    *,
    objective: ObjectiveName = "edp",
    scenario: Scenario | str | Path = DEFAULT_SCENARIO,
    dims: Dict[str, int] | None = None,
    allow_unknown: bool = False,
    mappings: Dict[Einsum, Mapping] | None = None,
    mapper_budget: int | str = BUDGET,
    constraints: ConstraintsLike = (),
    progress: Progress | None = None,
) -> Report:
    """Map one model, or several that run one after the other, onto an accelerator and cost it.

    Example:
        >>> import catx
        >>> report = catx.compile_model("clip_vit_b16_text", "edge")
        >>> report.macs
        2979770368

    Args:
        model: graphs, paths or names (`clip_vit_b16` is both towers); several make one report.
        accelerator: an accelerator, the path of a hw.yaml, or a name that `catx hw` lists.
        objective: what each mapping minimizes.
        scenario: what the carbon numbers assume: a scenario, the path of a YAML file, or a name that
            `catx scenarios` lists. The training of a pruned model that was recovered is added, unless it has
            one of its own.
        dims: values of dynamic dimensions by name, for models given by path; each takes those that it has.
        allow_unknown: as for `load_model`.
        mappings: mappings by einsum (names and places do not matter) to use instead of searching; each
            different einsum of the models needs one.
        mapper_budget: what the mapper may take per einsum to prove that nothing is better: steps of a few
            microseconds each, or a time such as "2 s"; what it does not suffice for widens the gaps of
            certificates.
        constraints: what the mappings must obey: the path of a constraint file, or blocks
            (docs/constraints.md).
        progress: called as progress(done, total, what).

    Raises:
        CatxError: as told by `load_model`, `load_accelerator`, `load_constraints` and
            `mapper.design.evaluate_design`.
        OptionError: an argument of another type; sizes for dims, where every model is a graph already.
    """
    wanted = _wanted(model)
    sizes = arguments.sizes("dims", dims)
    allow_unknown = arguments.flag("allow_unknown", allow_unknown)
    goal = _objective(objective)
    options = MapperOptions(parse_budget(mapper_budget), _blocks(constraints))
    if mappings is not None and options.constraints:
        raise OptionError("constraints are of mappings that are searched for, but mappings are given")
    _check_progress(progress)
    _check_dims(wanted, sizes)
    assumed, machine = _assumed(scenario), _machine(accelerator)
    nests = None if mappings is None else _nests(mappings, machine)
    graphs = _graphs(wanted, sizes, allow_unknown=allow_unknown)
    return evaluate_design(
        graphs,
        machine,
        scenario=with_training(assumed, [one for one in wanted if not isinstance(one, Graph)]),
        objective=goal,
        mappings=nests,
        options=options,
        progress=progress,
    )


def sensitivity(
    model: Model | Sequence[Model],
    accelerator: Accelerator | str | Path = "edge",
    *,
    objective: ObjectiveName = "edp",
    step: float = STEP,
    scenario: Scenario | str | Path = DEFAULT_SCENARIO,
    dims: Dict[str, int] | None = None,
    allow_unknown: bool = False,
    mapper_budget: int | str = BUDGET,
    constraints: ConstraintsLike = (),
    progress: Progress | None = None,
) -> Sensitivity:
    """What more of each buffer, bandwidth and rate would change (docs/sensitivity.md).

    Args:
        model: as for `compile_model`.
        accelerator: as for `compile_model`.
        objective: what mappings minimize, and what the answer is sorted by.
        step: how much more there is of each resource, in turn: 0.1 is 10 % more.
        scenario: as for `compile_model`.
        dims: as for `compile_model`.
        allow_unknown: as for `load_model`.
        mapper_budget: as for `compile_model`, for each machine.
        constraints: as for `compile_model`, for each machine.
        progress: called as progress(done, total, what).

    Raises:
        CatxError: as told by `compile_model`.
        OptionError: an argument of another type, or a step out of range.
    """
    wanted = _wanted(model)
    sizes = arguments.sizes("dims", dims)
    allow_unknown = arguments.flag("allow_unknown", allow_unknown)
    goal, share = _objective(objective), checked_step(step)
    options = MapperOptions(parse_budget(mapper_budget), _blocks(constraints))
    _check_progress(progress)
    _check_dims(wanted, sizes)
    assumed, machine = _assumed(scenario), _machine(accelerator)
    return find_sensitivity(
        _graphs(wanted, sizes, allow_unknown=allow_unknown),
        machine,
        scenario=assumed,
        objective=goal,
        step=share,
        options=options,
        progress=progress,
    )


def evaluate_mapping(einsum: Einsum, mapping: Mapping, accelerator: Accelerator | str | Path) -> Counts:
    """Exact counts, cycles and energy of one mapping (docs/cost-model.md).

    The einsum is costed as by `compile_model`: floating-point operands at the accelerator's `precision`, the
    output at the type that its last fused op writes. Fused ops themselves are not in the counts.

    Args:
        einsum: of your own, an op of a graph, or `op` of a report's layer.
        mapping: its loop nest.
        accelerator: an accelerator, the path of a hw.yaml, or a name that `catx hw` lists.

    Raises:
        MappingError: the mapping is illegal, or a memory overflows; `node` of the error is the index of the
            node at fault.
        OptionError: an argument of another type.
    """
    op, nest = _einsum(einsum), arguments.instance("mapping", mapping, Mapping, "a Mapping")
    machine = _machine(accelerator)
    from catx.costmodel.evaluate import evaluate  # numba is slow to import

    return evaluate(_as_costed(op, machine), nest, machine)


def find_mapping(
    einsum: Einsum,
    accelerator: Accelerator | str | Path,
    objective: ObjectiveName = "edp",
    *,
    scenario: Scenario | str | Path = DEFAULT_SCENARIO,
    mapper_budget: int | str = BUDGET,
    constraints: ConstraintsLike = (),
) -> MappedEinsum:
    """A good mapping of one einsum, its counts, and how far it can be from the best (docs/mapper.md).

    Args:
        einsum: what to map, costed as by `evaluate_mapping`.
        accelerator: what to map it onto: an accelerator, the path of a hw.yaml, or a name.
        objective: what to minimize.
        scenario: weighs energy and time for the `carbon` objective; the others ignore it.
        mapper_budget: as for `compile_model`.
        constraints: as for `compile_model`; of a file's blocks, those that match the einsum's name.

    Raises:
        MappingError: no mapping fits, or the matrix unit does not compute the einsum's element types.
        OptionError: an argument of another type, an objective that does not exist, or constraints that do not
            fit or conflict.
    """
    op, goal, place = _einsum(einsum), Objective(_objective(objective)), _assumed(scenario)
    machine, budget = _machine(accelerator), parse_budget(mapper_budget)
    if goal.name == "carbon":
        goal = Objective(goal.name, *op_carbon_rate(machine, place))
    costed = _as_costed(op, machine)
    return map_einsum(costed, machine, goal, budget, _limits(costed, constraints))


def find_front(
    einsum: Einsum,
    accelerator: Accelerator | str | Path,
    *,
    mapper_budget: int | str = BUDGET,
    constraints: ConstraintsLike = (),
) -> Front:
    """Mappings of one einsum that trade energy for latency: none is beaten in both (docs/mapper.md).

    If the front's `left` is empty this is the whole Pareto front of the mapspace; else a mapping that is not
    on it costs at least as much as some pair of `left` [J, s], or as some point.

    Args:
        einsum: what to map, costed as by `evaluate_mapping`.
        accelerator: what to map it onto: an accelerator, the path of a hw.yaml, or a name.
        mapper_budget: as for `compile_model`.
        constraints: as for `find_mapping`.

    Raises:
        MappingError: no mapping fits, or the matrix unit does not compute the einsum's element types.
        OptionError: an argument of another type, or constraints that do not fit or conflict.
    """
    op, machine, budget = _einsum(einsum), _machine(accelerator), parse_budget(mapper_budget)
    costed = _as_costed(op, machine)
    return map_front(costed, machine, budget, _limits(costed, constraints))


def _wanted(model: Model | Sequence[Model]) -> list[Graph | str | Path]:
    """One model or several, as a list."""
    if isinstance(model, Graph):
        return [model]
    if isinstance(model, (str, PathLike)):
        return [arguments.path_or_name("model", model, _MODEL)]
    entries = arguments.several("model", model, f"{_MODEL}, or several of them in a list")
    return [
        entry if isinstance(entry, Graph) else arguments.path_or_name(f"model[{index}]", entry, _MODEL)
        for index, entry in enumerate(entries)
    ]


def _check_progress(progress: Progress | None) -> None:
    if progress is not None and not callable(progress):
        raise arguments.refuse("progress", "a function of (done, total, what), or None", progress)


def _check_dims(wanted: Sequence[Graph | str | Path], sizes: Dict[str, int]) -> None:
    """Sizes are of models that are read."""
    if sizes and wanted and all(isinstance(entry, Graph) for entry in wanted):
        raise OptionError(
            "dims: every model is a graph, whose dimensions have sizes", hint="give dims to load_model"
        )


def _graphs(
    wanted: Sequence[Graph | str | Path], sizes: Dict[str, int], *, allow_unknown: bool
) -> list[Graph]:
    """The models as graphs; those that are read take the sizes that they have."""
    own = iter(sizes_by_model([entry for entry in wanted if not isinstance(entry, Graph)], sizes))
    graphs: list[Graph] = []
    for entry in wanted:
        if isinstance(entry, Graph):
            graphs.append(entry)
        else:
            graphs += models.load_models(entry, dims=next(own), allow_unknown=allow_unknown)
    return graphs


def _nests(mappings: Dict[Einsum, Mapping], machine: Accelerator) -> dict[Einsum, Mapping]:
    """Mappings by the canonical einsum, at the machine's precision."""
    if not isinstance(mappings, Dict):
        raise arguments.refuse("mappings", "a dict from Einsum to Mapping, or None", mappings)
    for einsum, nest in mappings.items():
        arguments.instance("a key of mappings", einsum, Einsum, "an Einsum")
        arguments.instance(f"mappings[{einsum.name}]", nest, Mapping, "a Mapping")
    return {_as_costed(einsum, machine).canonical(): nest for einsum, nest in mappings.items()}


def _einsum(einsum: Einsum) -> Einsum:
    hint = "ops of a graph that are no einsums have no mapping" if isinstance(einsum, VectorOp) else ""
    if not isinstance(einsum, Einsum):
        raise arguments.refuse("einsum", "an Einsum", einsum, hint=hint)
    return einsum


def _limits(einsum: Einsum, constraints: ConstraintsLike) -> Constraints:
    """What is said of an einsum."""
    blocks = [block for block in _blocks(constraints) if block.matches(einsum.name)]
    return constraints_by_einsum(blocks, {einsum: [einsum.name]})[einsum]


def _blocks(constraints: ConstraintsLike) -> tuple[Block, ...]:
    """Constraints as blocks, from a file or given."""
    if isinstance(constraints, (str, PathLike)):
        return load_constraints(constraints)
    entries = arguments.several("constraints", constraints, _CONSTRAINTS)
    return tuple(
        arguments.instance(f"constraints[{index}]", entry, Block, "a Block of constraints")
        for index, entry in enumerate(entries)
    )


def load_constraints(path: str | Path) -> tuple[Block, ...]:
    """Read a constraint file (docs/constraints.md).

    Raises:
        SpecError: what is wrong in the file, by line.
        OptionError: an argument of another type.
    """
    return constraint_file.load_constraints(
        arguments.path_or_name("constraints", path, "the path of a YAML file")
    )


def _objective(objective: ObjectiveName) -> ObjectiveName:
    return objective_name(arguments.instance("objective", objective, str, _OBJECTIVE))


def _assumed(scenario: Scenario | str | Path) -> Scenario:
    if isinstance(scenario, Scenario):
        return scenario
    return scenarios.load_scenario(
        arguments.path_or_name("scenario", scenario, f"a Scenario, {_SCENARIO_FILE}")
    )


def _machine(accelerator: Accelerator | str | Path) -> Accelerator:
    if isinstance(accelerator, Accelerator):
        return accelerator
    return hardware.load_accelerator(
        arguments.path_or_name("accelerator", accelerator, f"an Accelerator, {_HW_FILE}")
    )


def _as_costed(einsum: Einsum, accelerator: Accelerator) -> Einsum:
    """The einsum at the accelerator's precision, its output of the type that is written."""
    precision = accelerator.precision
    return (einsum if precision is None else einsum_at(einsum, precision)).as_written()
