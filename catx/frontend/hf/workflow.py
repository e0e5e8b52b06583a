"""From a named model of a Hugging Face family to a folder with a pruned one: rank, cut, save, export."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import nn

from catx.errors import OptionError
from catx.extras import need
from catx.frontend.hf.build import shape_of, with_random, with_state, with_zeros
from catx.frontend.hf.config import ModelConfig
from catx.frontend.hf.export import FILES as GRAPHS
from catx.frontend.hf.export import LARGEST_BYTES, Graph, export_graph, graphs_of
from catx.frontend.hf.importance import METHODS, Method, rank
from catx.frontend.hf.names import CONFIG
from catx.frontend.hf.ranking import Ranking, select
from catx.frontend.hf.sizes import Pruning, Sizes
from catx.frontend.hf.source import Source, find_source
from catx.frontend.hf.store import ORIGIN, WEIGHTS, save_model, write_new
from catx.frontend.hf.surgery import cut
from catx.frontend.new_files import kept_free
from catx.frontend.torch_export import Exported
from catx.version import VERSION

RANKING = "ranking.json"
FILES = (WEIGHTS, CONFIG, ORIGIN, RANKING, *GRAPHS)

Tell = Callable[[str], None]
"""Told what is going on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneJob:
    """What is to be done.

    `tokens` and `context` are those of `export.graphs_of`. `weights` False leaves weights out; None does so
    for named shapes, whose weights would be random, where an ONNX file could not hold them.
    """

    model: str
    pruning: Pruning
    folder: Path
    method: Method = "magnitude"
    ranking: Path | None = None
    tokens: int | None = None
    context: int | None = None
    weights: bool | None = None
    export: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Size of a model: parameters, weights as fp32 [byte], and its graphs with their multiply-accumulates."""

    sizes: Sizes
    parameters: int
    weight_bytes: int
    graphs: tuple[Graph, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What came of a job."""

    family: str
    before: Figures
    after: Figures
    ranked: str
    exported: tuple[Exported, ...]
    notes: tuple[str, ...]


def run(job: PruneJob, tell: Tell = lambda _: None) -> Pruned:
    """Do a job; everything that can be checked is checked before the first long step.

    Raises:
        CatxError: of any kind.
    """
    exporters = ("onnxscript", "onnxruntime") if job.export else ()
    need("hf", "torch", "transformers", "safetensors", *exporters)
    if job.method not in METHODS:
        raise OptionError(
            f"no method {job.method!r} for models of Hugging Face families",
            hint=f"there are {', '.join(METHODS)}; those that measure need a CLIP model",
        )
    with kept_free(job.folder, FILES):
        return _run(job, tell)


def _run(job: PruneJob, tell: Tell) -> Pruned:
    tell("reading the model")
    source = find_source(job.model)
    stays = source.config.after(job.pruning)
    small_config = source.config.with_sizes(stays)
    before = figures(source.config, job.tokens, job.context)
    after = figures(small_config, job.tokens, job.context)
    ranking = Ranking.load(job.ranking) if job.ranking else None
    if ranking:
        ranking.check(source.config.sizes)
    weighted, notes = _weighted(job, source, before)
    if weighted:
        whole = _whole(source, job.seed)
        tell(f"ranking by {job.method}")
        ranking = ranking or rank(whole, source.config, job.method, seed=job.seed)
        small = cut(whole, source.config, stays, select(source.config.sizes, stays, ranking))
        ranked = f"{ranking.method}, {source.told}"
    else:
        small = with_zeros(shape_of(small_config))
        ranked = f"shape alone, {source.told}"
    origin = {
        "catx": VERSION,
        "model": job.model,
        "source": source.told,
        "pruning": asdict(job.pruning),
        "ranking": {"method": ranking.method, "weights_sha256": ranking.weights_sha256}
        if ranking and weighted
        else None,
        "figures": {"before": asdict(before), "after": asdict(after)},
        "notes": notes,
    }
    if weighted and ranking:
        save_model(small, small_config, job.folder)
        ranking.save(job.folder / RANKING)
    else:
        write_new(job.folder / CONFIG, small_config.as_plain())
    write_new(job.folder / ORIGIN, origin)
    exported = []
    for graph in after.graphs if job.export else ():
        tell(f"exporting the {graph.name}")
        exported.append(export_graph(graph, small, small_config, job.folder, weights=weighted))
    return Pruned(
        family=source.config.family.name,
        before=before,
        after=after,
        ranked=ranked,
        exported=tuple(exported),
        notes=tuple(notes),
    )


def prune(model: str, pruning: Pruning, *, method: Method = "magnitude", seed: int = 0) -> nn.Module:
    """A smaller model as a module of transformers; see `find_source` for names and `rank` for methods.

    Raises:
        OptionError: sizes that the model does not have.
        ModelError: there is no such model.
    """
    source = find_source(model)
    stays = source.config.after(pruning)
    whole = _whole(source, seed)
    ranking = rank(whole, source.config, method, seed=seed)
    return cut(whole, source.config, stays, select(source.config.sizes, stays, ranking))


def figures(config: ModelConfig, tokens: int | None = None, context: int | None = None) -> Figures:
    """Sizes of a model, from its shape."""
    parameters = sum(weight.numel() for weight in shape_of(config).parameters())
    return Figures(
        sizes=config.sizes,
        parameters=parameters,
        weight_bytes=4 * parameters,
        graphs=graphs_of(config, tokens, context),
    )


def _whole(source: Source, seed: int) -> nn.Module:
    model = shape_of(source.config)
    if source.state is None:
        return with_random(model, source.config, seed)
    return with_state(model, source.state, source.name)


def _weighted(job: PruneJob, source: Source, before: Figures) -> tuple[bool, list[str]]:
    """Whether weights are cut and written, and what to know of them."""
    if job.weights is False or (
        job.weights is None and source.state is None and before.weight_bytes > LARGEST_BYTES
    ):
        if job.ranking:
            raise OptionError("a ranking chooses among weights, and this model is exported without them")
        return False, ["shape alone, no weights: its ONNX files can be mapped, but not run"]
    if source.state is None:
        return True, ["random weights: the source has none"]
    return True, [source.note] if source.note else []
