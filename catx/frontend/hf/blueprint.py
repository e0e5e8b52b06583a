"""Blueprints of a model of a Hugging Face family: ops of its graphs in any sizes, without an export each."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from catx.frontend.blueprints import blueprints, randomize
from catx.frontend.hf.build import shape_of, with_random
from catx.frontend.hf.config import ModelConfig
from catx.frontend.hf.export import Graph, export_graph
from catx.frontend.hf.sizes import Sizes
from catx.ir.blueprint import Blueprint


def blueprint_sizes(sizes: Sizes) -> dict[str, int]:
    """What varies of a model besides its layers, as blueprints name it; `group` is 1 in most."""
    return {"width": sizes.width, "kv_heads": sizes.kv_heads, "group": sizes.group, "ffn": sizes.ffn}


def model_blueprints(
    config: ModelConfig,
    graphs: tuple[Graph, ...],
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Blueprint]:
    """Blueprints of a model's graphs, by the names of graphs.

    Args:
        config: of the model; of its sizes only the head dim matters, and which ones are 1.
        graphs: of `export.graphs_of`.
        progress: is told what is going on, where something must be exported.

    Raises:
        ExtraError: a package is missing.
    """
    there = blueprint_sizes(config.sizes)
    units = [name for name, number in there.items() if number == 1]

    def draw(layers: int, sizes: Mapping[str, int], folder: Path) -> dict[str, Path]:
        small = config.with_sizes(
            Sizes(
                layers=layers,
                width=sizes["width"],
                heads=sizes["kv_heads"] * sizes["group"],
                kv_heads=sizes["kv_heads"],
                head_dim=config.sizes.head_dim,
                ffn=sizes["ffn"],
            )
        )
        model = with_random(shape_of(small), small, 0)
        randomize(model)
        return {graph.name: export_graph(graph, model, small, folder, weights=True).path for graph in graphs}

    plain = replace(config, sizes=Sizes(layers=1, width=1, heads=1, kv_heads=1, head_dim=1, ffn=1)).as_plain()
    told = [(graph.name, graph.tokens, graph.cached) for graph in graphs]
    return blueprints(
        f"hf {sorted(plain.items(), key=str)} {config.sizes.head_dim} {told}",
        draw,
        tuple(there),
        _constants(config, graphs),
        units=units,
        progress=progress,
    )


def _constants(config: ModelConfig, graphs: tuple[Graph, ...]) -> set[int]:
    """Numbers of the graphs that do not vary."""
    found = {config.sizes.head_dim, config.labels}
    found |= {value for value in config.plain.values() if type(value) is int}
    if config.family.name == "vit":
        found |= set(config.image_size)
    for graph in graphs:
        found |= {graph.tokens, graph.tokens - 1, graph.cached, graph.cached + 1}
    return found - {0, *blueprint_sizes(config.sizes).values(), config.sizes.heads, config.sizes.layers}
