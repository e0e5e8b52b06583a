"""Blueprints of models that are exported once, small, with primes for sizes, and kept on disk."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from catx.content_cache import Shelf
from catx.frontend.models import load_model
from catx.ir.blueprint import Blueprint, Drawing
from catx.ir.graph import Graph
from catx.ir.graph_json import from_json, to_json
from catx.ir.primes import primes_beside

if TYPE_CHECKING:
    from torch import nn

_SHELF = Shelf("blueprints", ("frontend/**/*.py", "ir/**/*.py"), ("torch", "onnx", "onnxscript"))
"""Other code of frontend or passes lowers to other ops."""

Draw = Callable[[int, Mapping[str, int], Path], Mapping[str, Path]]
"""Exports a model of so many layers and such sizes into a folder: ONNX files by graph."""


def blueprints(
    key: str,
    draw: Draw,
    sizes: Sequence[str],
    constants: Collection[int],
    *,
    units: Collection[str] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Blueprint]:
    """Blueprints of the graphs of a model, by graph.

    Args:
        key: says which model it is: all that decides what `draw` makes of layers and sizes.
        draw: exports it.
        sizes: names of what may vary.
        constants: other numbers of the model, of which no prime is a part.
        units: sizes that are 1, which graphs have no dims of: such models have blueprints of their own.
        progress: is told what is going on, where something must be exported.

    Raises:
        GraphError: the model's layers are not alike.
    """
    free = [name for name in sizes if name not in units]
    primes = primes_beside(constants, 2 * len(free))
    some, others = primes[::2], primes[1::2]
    plans = [(1, some), (2, some), (3, others)]
    found: dict[str, list[Drawing]] = {}
    for layers, chosen in plans:
        varied = dict(zip(free, chosen, strict=True))
        graphs = _drawn(f"{key} {layers} {sorted(varied.items())}", draw, layers, varied, units, progress)
        for name, graph in graphs.items():
            found.setdefault(name, []).append(Drawing(graph, layers, varied))
    return {name: Blueprint(name, drawings, units) for name, drawings in found.items()}


def randomize(model: "nn.Module") -> None:
    """Give all weights different numbers: an exporter stores equal tensors, such as norms of ones, once."""
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(std=0.02, generator=generator)


def _drawn(
    key: str,
    draw: Draw,
    layers: int,
    sizes: Mapping[str, int],
    units: Collection[str],
    progress: Callable[[str], None],
) -> dict[str, Graph]:
    """Graphs of one export, from disk where they are kept."""
    key = f"{key} units: {sorted(units)}"
    kept = _SHELF.load(key)
    if kept is not None:
        return {name: from_json(text) for name, text in kept.items()}
    progress(f"reading the model's layers, {layers} of 3")
    with TemporaryDirectory(prefix="catx-") as folder:
        paths = draw(layers, dict.fromkeys(units, 1) | dict(sizes), Path(folder))
        graphs = {name: load_model(path) for name, path in paths.items()}
    _SHELF.save(key, {name: to_json(graph) for name, graph in graphs.items()})
    return graphs
