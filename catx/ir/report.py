"""Report: what a design costs, layer by layer, with everything needed to redo the numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from catx.ir.counts import Counts, Steady
from catx.ir.einsum import Einsum
from catx.ir.graph import FreeNode, Op
from catx.ir.mapping import Mapping
from catx.ir.scenario import Scenario
from catx.ir.sheet import Sheet, Uncertainty


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """How good a mapping is known to be.

    `status` is "proved" or "gap"; `gap` is the relative distance to `bound`, a lower bound of the objective
    (0 when proved). `evaluated` counts the mappings that were costed, `visited` the parts of mappings that
    were followed until a bound told that they lead to nothing better. `mapspace` is how many mappings there
    are at least, whether they fit or not (docs/mapper.md, "Size of the mapspace"); 0 where none was sought.
    """

    status: str
    gap: float
    bound: float
    evaluated: int
    visited: int
    mapspace: int

    @property
    def proved(self) -> bool:
        """Whether no mapping has a lower value of the objective."""
        return self.status == "proved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Bytes that one op (or a whole model) moves at one memory level."""

    memory: str
    read_bytes: float
    write_bytes: float


class Mapped(Protocol):
    """How an einsum is mapped, and what that does; some make this where it is wanted."""

    @property
    def mapping(self) -> Mapping:
        """The mapping."""
        ...

    @property
    def counts(self) -> Counts:
        """All that it does."""
        ...

    @property
    def steady(self) -> Steady:
        """What its steady state asks of the busiest instances."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCost:
    """Cost of one op, once. `mapping`, `counts` and `certificate` are None for vector ops."""

    latency_s: float
    energy_j: float
    static_energy_j: float
    bound_by: str
    utilization: float
    roofline_s: float
    traffic: tuple[Traffic, ...]
    energy_by_part_j: tuple[tuple[str, float], ...]
    mapped: Mapped | None = None
    certificate: Certificate | None = None

    @property
    def mapping(self) -> Mapping | None:
        """The mapping of an einsum."""
        return None if self.mapped is None else self.mapped.mapping

    @property
    def counts(self) -> Counts | None:
        """All that the mapping does, without fused ops."""
        return None if self.mapped is None else self.mapped.counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A unique op: `op` is its first occurrence, `names` every place where the model has it.

    `count` is how often the model runs it (a recurrent layer runs one op many times). `model` is the index of
    the input file; costs are per occurrence. `nodes` are the model's nodes that all occurrences cover, those
    of fused ops included.
    """

    model: int
    op: Op
    names: tuple[str, ...]
    count: int
    cost: LayerCost
    nodes: tuple[str, ...]


def energy_by_part_j(layers: Iterable[Layer]) -> dict[str, float]:
    """Energy by part over all runs, without static power [J]; parts of einsums come first."""
    layers = tuple(layers)
    ranked = sorted(layers, key=lambda layer: not isinstance(layer.op, Einsum))
    parts = {part: 0.0 for layer in ranked for part, _ in layer.cost.energy_by_part_j}
    for layer in layers:
        for part, energy in layer.cost.energy_by_part_j:
            parts[part] += energy * layer.count
    return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What became of the model's nodes."""

    costed: int
    free: int
    unknown: int
    unknown_ops: tuple[str, ...] = ()
    free_nodes: tuple[FreeNode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonReport:
    """Embodied carbon by part, and the whole calculation, of which all other figures are rows.

    Two figures are of one inference. `total_per_inference_gco2e` is the total shared by the scenario's
    inferences: those that are done carry all that is embodied. `per_inference_gco2e` is the carbon of its
    energy plus the embodied carbon times its share of the lifetime, less idle time that it replaces.
    `uncertainty` is there where it was asked for.
    """

    embodied_by_part_gco2e: tuple[tuple[str, float], ...]
    sheet: Sheet
    uncertainty: Uncertainty | None = None

    @property
    def embodied_gco2e(self) -> float:
        """Of making one unit [gCO2e]."""
        return self.sheet["embodied_gco2e"]

    @property
    def operational_gco2e(self) -> float:
        """Of using one unit all its life, idle time included [gCO2e]."""
        return self.sheet["operational_gco2e"]

    @property
    def idle_gco2e(self) -> float:
        """The part of it that is of idle time [gCO2e]."""
        return self.sheet["idle_gco2e"]

    @property
    def operational_per_inference_gco2e(self) -> float:
        """Of the energy of one inference [gCO2e]."""
        return self.sheet["operational_per_inference_gco2e"]

    @property
    def embodied_per_inference_gco2e(self) -> float:
        """Embodied carbon times the inference's share of the lifetime [gCO2e]."""
        return self.sheet["embodied_per_inference_gco2e"]

    @property
    def per_inference_gco2e(self) -> float:
        """What the objective `carbon` minimizes: energy and time of one inference as carbon [gCO2e].

        Carbon of its energy, and embodied carbon by its share of the lifetime, less that of the idle time
        that it replaces where the unit leaks.
        """
        return self.sheet["while_it_runs_gco2e"]

    @property
    def total_per_inference_gco2e(self) -> float:
        """The total shared by all inferences [gCO2e]."""
        return self.sheet["total_per_inference_gco2e"]

    @property
    def total_gco2e(self) -> float:
        """Made, used, and the unit's share of training [gCO2e]."""
        return self.sheet["total_gco2e"]

    @property
    def assumptions(self) -> tuple[tuple[str, str, str], ...]:
        """Name, value with unit, and source of every number that is given."""
        return tuple(
            (row.name, f"{row.value:.6g} {row.unit}".rstrip(), row.source)
            for row in self.sheet.rows
            if not row.formula
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """One model of the report: where it came from, how big it is, what is odd in its file."""

    name: str
    file: str
    sha256: str
    macs: int
    parameters: int
    parameter_bytes: float
    coverage: Coverage
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The cost of running every model once, in sequence, on one accelerator.

    `schedule` is "sequential": totals are sums over ops. `area_by_part_mm2` sums to the die's area.
    `peak_by_part_w` is what parts draw at their full rates: its sum bounds the power of any work.
    `notes` are things that a reader must know: bodies that are left out, a precision that was replaced.
    """

    accelerator: str
    accelerator_sha256: str
    objective: str
    schedule: str
    version: str
    models: tuple[ModelInfo, ...]
    layers: tuple[Layer, ...]
    latency_s: float
    energy_j: float
    area_mm2: float
    area_by_part_mm2: tuple[tuple[str, float], ...]
    static_by_part_w: tuple[tuple[str, float], ...]
    peak_by_part_w: tuple[tuple[str, float], ...]
    traffic: tuple[Traffic, ...]
    scenario: Scenario
    carbon: CarbonReport
    notes: tuple[str, ...] = ()

    @property
    def all_notes(self) -> tuple[str, ...]:
        """Those of the models, then those of the report."""
        of_models = (f"{model.name}: {note}" for model in self.models for note in model.notes)
        return tuple(dict.fromkeys((*of_models, *self.notes)))

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(layer.op.macs * layer.count for layer in self.layers)
