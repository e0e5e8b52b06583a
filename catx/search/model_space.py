"""Models of a study: one as it is, or the pruned variants of a CLIP model or a Hugging Face family."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from catx.errors import OptionError
from catx.ir.accelerator import Accelerator
from catx.ir.blueprint import Blueprint
from catx.ir.dtype import DType
from catx.ir.graph import Graph
from catx.mapper.workload import Workload, workload_of, workload_of_bill
from catx.search.space import MODEL_PREFIX, Gene, Value

if TYPE_CHECKING:
    from catx.frontend.clip.config import ClipConfig
    from catx.frontend.clip.pruning import PruningConfig, Tower
    from catx.frontend.hf.config import ModelConfig
    from catx.frontend.hf.sizes import Pruning

_KEPT = 512
"""Workloads that are kept."""

Tell = Callable[[str], None]


class ModelSpace(Protocol):
    """Models that a study may choose from."""

    genes: tuple[Gene, ...]

    def workloads(self, values: Mapping[str, Value], accelerator: Accelerator) -> tuple[Workload, ...]:
        """What a design costs of the model of a design point, at the accelerator's precision."""
        ...


class FixedModel:
    """Models as they are, one after the other."""

    def __init__(self, graphs: Sequence[Graph]) -> None:
        self.genes: tuple[Gene, ...] = ()
        self._graphs = tuple(graphs)
        self._made = lru_cache(maxsize=_KEPT)(self._make)

    def workloads(self, values: Mapping[str, Value], accelerator: Accelerator) -> tuple[Workload, ...]:
        """See `ModelSpace`."""
        return self._made(accelerator.precision, accelerator.name if accelerator.precision is None else "")

    def _make(self, precision: DType | None, name: str) -> tuple[Workload, ...]:
        return tuple(workload_of(graph, precision, name or "the accelerator") for graph in self._graphs)


class _Pruned:
    """What spaces of pruned models share: workloads by sizes and precision, from blueprints."""

    def __init__(self, vary: Mapping[str, Sequence[Value]], known: Sequence[str], what: str) -> None:
        if unknown := [key for key in vary if key not in known]:
            raise OptionError(f"{what}: cannot vary {unknown[0]!r}", hint=f"it can vary {', '.join(known)}")
        self.genes = tuple(Gene(MODEL_PREFIX + key, tuple(values)) for key, values in vary.items())
        self._made = lru_cache(maxsize=_KEPT)(self._make)
        self._precise = lru_cache(maxsize=64)(self._at)

    def workloads(self, values: Mapping[str, Value], accelerator: Accelerator) -> tuple[Workload, ...]:
        """See `ModelSpace`."""
        return self._made(tuple(values[gene.name] for gene in self.genes), accelerator.precision)

    def asked(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """Sizes of a design point by the names of a pruning config."""
        return {gene.name.removeprefix(MODEL_PREFIX): values[gene.name] for gene in self.genes}

    def named(self, point: Sequence[Value]) -> dict[str, Value]:
        """Values of the genes by name."""
        return {gene.name: value for gene, value in zip(self.genes, point, strict=True)}

    def choices(self) -> list[tuple[str, Any]]:
        """Each key with each of its values."""
        return [(gene.name.removeprefix(MODEL_PREFIX), value) for gene in self.genes for value in gene.values]

    def _make(self, point: tuple[Value, ...], precision: DType | None) -> tuple[Workload, ...]:
        raise NotImplementedError

    def _at(self, blueprint: Blueprint, precision: DType | None) -> Blueprint:
        return blueprint if precision is None else blueprint.at(precision)


class ClipSpace(_Pruned):
    """Pruned variants of a CLIP model: keys and values of its `PruningConfig`.

    Raises:
        OptionError: a key that is none, or more than the model has.
    """

    def __init__(
        self, config: "ClipConfig", vary: Mapping[str, Sequence[Value]], tell: Tell = lambda _: None
    ) -> None:
        from catx.frontend.clip.pruning import PruningConfig

        super().__init__(vary, [field.name for field in fields(PruningConfig)], "a CLIP model")
        self.config, self._tell = config, tell
        self._towers: dict[tuple[str, tuple[str, ...]], Blueprint] = {}
        self._workload = lru_cache(maxsize=_KEPT)(self._tower)
        for key, value in self.choices():
            PruningConfig(**{key: value}).of(config)

    def pruning(self, values: Mapping[str, Value]) -> "PruningConfig":
        """The pruning of a design point."""
        from catx.frontend.clip.pruning import PruningConfig

        return PruningConfig(**self.asked(values))

    def _make(self, point: tuple[Value, ...], precision: DType | None) -> tuple[Workload, ...]:
        from catx.frontend.clip.blueprint import tower_sizes

        pruned = self.pruning(self.named(point)).of(self.config)
        return tuple(
            self._workload(name, tower.layers, tuple(tower_sizes(tower).items()), precision)
            for name, tower in (("vision", pruned.vision), ("text", pruned.text))
        )

    def _tower(
        self, name: "Tower", layers: int, sizes: tuple[tuple[str, int], ...], precision: DType | None
    ) -> Workload:
        """What a tower of some sizes does: points share towers more often than both."""
        from catx.frontend.clip.blueprint import tower_blueprint

        known, key = dict(sizes), (name, units_of(dict(sizes)))
        if key not in self._towers:
            self._towers[key] = tower_blueprint(self.config, name, units=known, progress=self._tell)
        blueprint = self._precise(self._towers[key], precision)
        return workload_of_bill(name, blueprint.bill(layers, known))


class FamilySpace(_Pruned):
    """Pruned variants of a model of a Hugging Face family: keys and values of its `Pruning`.

    `tokens` and `context` are as of `catx prune`.

    Raises:
        OptionError: a key that is none, or more than the model has.
    """

    def __init__(
        self,
        config: "ModelConfig",
        vary: Mapping[str, Sequence[Value]],
        *,
        tokens: int | None = None,
        context: int | None = None,
        tell: Tell = lambda _: None,
    ) -> None:
        from catx.frontend.hf.export import graphs_of
        from catx.frontend.hf.sizes import Pruning

        super().__init__(vary, [field.name for field in fields(Pruning)], f"a model of {config.family.name}")
        self.config, self._tell = config, tell
        self._graphs = graphs_of(config, tokens, context)
        self._models: dict[tuple[str, ...], dict[str, Blueprint]] = {}
        for key, value in self.choices():
            if key != "heads" or config.sizes.group == 1:
                config.after(Pruning(**{key: value}))

    def pruning(self, values: Mapping[str, Value]) -> "Pruning":
        """The pruning of a design point."""
        from catx.frontend.hf.sizes import Pruning

        return Pruning(**self.asked(values))

    def _make(self, point: tuple[Value, ...], precision: DType | None) -> tuple[Workload, ...]:
        from catx.frontend.hf.blueprint import blueprint_sizes, model_blueprints

        pruned = self.config.with_sizes(self.config.after(self.pruning(self.named(point))))
        sizes = blueprint_sizes(pruned.sizes)
        units = units_of(sizes)
        if units not in self._models:
            self._models[units] = model_blueprints(pruned, self._graphs, progress=self._tell)
        return tuple(
            workload_of_bill(name, self._precise(blueprint, precision).bill(pruned.sizes.layers, sizes))
            for name, blueprint in self._models[units].items()
        )


def units_of(sizes: Mapping[str, int]) -> tuple[str, ...]:
    """Names of the sizes that are 1: models with other ones have other blueprints."""
    return tuple(name for name, number in sizes.items() if number == 1)
