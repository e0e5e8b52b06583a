"""The Python API: load models and accelerators, compile one onto the other, evaluate your own mappings."""

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from pathlib import Path

from catx.costmodel.carbon.act import op_carbon_rate
from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO
from catx.frontend import hardware, models, scenarios
from catx.ir.accelerator import Accelerator
from catx.ir.counts import Counts
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph
from catx.ir.mapping import Mapping
from catx.ir.passes.set_precision import einsum_at
from catx.ir.report import Report
from catx.ir.scenario import Scenario
from catx.mapper.design import Progress, evaluate_design
from catx.mapper.map_einsum import MappedEinsum, map_einsum
from catx.mapper.objective import Objective, ObjectiveName

Model = Graph | str | Path
"""A graph, the path of a model file, or the name of a built-in model."""


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
        OptionError: a dim that the model does not have.
    """
    return models.load_model(model, dims=dims, allow_unknown=allow_unknown)


def load_models(
    model: str | Path, *, dims: Dict[str, int] | None = None, allow_unknown: bool = False
) -> tuple[Graph, ...]:
    """Like `load_model`, for models of several graphs: the built-in pair `clip_vit_b16` is two."""
    return models.load_models(model, dims=dims, allow_unknown=allow_unknown)


def load_accelerator(accelerator: str | Path) -> Accelerator:
    """Read an accelerator description (hw.yaml), or a built-in one by name.

    Raises:
        SpecError: the description is malformed or inconsistent; the message lists every problem by line.
    """
    return hardware.load_accelerator(accelerator)


def load_scenario(scenario: str | Path) -> Scenario:
    """Read a scenario file (docs/carbon.md), or take a built-in scenario by name.

    Raises:
        SpecError: no such scenario, or what is wrong in the file, by line.
    """
    return scenarios.load_scenario(scenario)


def compile_model(
    model: Model | Sequence[Model],
    accelerator: Accelerator | str | Path = "edge",
    *,
    objective: ObjectiveName = "edp",
    scenario: Scenario | str | Path = DEFAULT_SCENARIO,
    dims: Dict[str, int] | None = None,
    allow_unknown: bool = False,
    mappings: Dict[Einsum, Mapping] | None = None,
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
            `catx scenarios` lists.
        dims: values of dynamic dimensions by name, for models given by path.
        allow_unknown: as for `load_model`.
        mappings: mappings by einsum (names and places do not matter) to use instead of searching; each
            different einsum of the models needs one.
        progress: called as progress(done, total, what).

    Raises:
        CatxError: as told by `load_model`, `load_accelerator` and `mapper.design.evaluate_design`.
    """
    wanted = [model] if isinstance(model, (Graph, str, Path)) else list(model)
    graphs: list[Graph] = []
    for entry in wanted:
        loaded = (
            (entry,)
            if isinstance(entry, Graph)
            else load_models(entry, dims=dims, allow_unknown=allow_unknown)
        )
        graphs += loaded
    machine = _machine(accelerator)
    if mappings is not None:
        mappings = {_as_costed(einsum, machine).canonical(): nest for einsum, nest in mappings.items()}
    return evaluate_design(
        graphs,
        machine,
        scenario=_assumed(scenario),
        objective=objective,
        mappings=mappings,
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
    """
    from catx.costmodel.evaluate import evaluate  # numba is slow to import

    machine = _machine(accelerator)
    return evaluate(_as_costed(einsum, machine), mapping, machine)


def find_mapping(
    einsum: Einsum,
    accelerator: Accelerator | str | Path,
    objective: ObjectiveName = "edp",
    *,
    scenario: Scenario | str | Path = DEFAULT_SCENARIO,
) -> MappedEinsum:
    """A good mapping of one einsum, its counts, and how far it can be from the best (docs/mapper.md).

    Args:
        einsum: what to map, costed as by `evaluate_mapping`.
        accelerator: what to map it onto: an accelerator, the path of a hw.yaml, or a name.
        objective: what to minimize.
        scenario: weighs energy and time for the `carbon` objective; the others ignore it.

    Raises:
        MappingError: no mapping fits, or the matrix unit does not compute the einsum's element types.
    """
    goal, machine = Objective(objective), _machine(accelerator)
    if objective == "carbon":
        goal = Objective(objective, *op_carbon_rate(machine, _assumed(scenario)))
    return map_einsum(_as_costed(einsum, machine), machine, goal)


def _assumed(scenario: Scenario | str | Path) -> Scenario:
    return scenario if isinstance(scenario, Scenario) else load_scenario(scenario)


def _machine(accelerator: Accelerator | str | Path) -> Accelerator:
    return accelerator if isinstance(accelerator, Accelerator) else load_accelerator(accelerator)


def _as_costed(einsum: Einsum, accelerator: Accelerator) -> Einsum:
    """The einsum at the accelerator's precision, its output of the type that is written."""
    precision = accelerator.precision
    return (einsum if precision is None else einsum_at(einsum, precision)).as_written()
