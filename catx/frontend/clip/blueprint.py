"""Blueprints of both towers of a CLIP model: their ops in any sizes, without an export each."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from catx.errors import GraphError
from catx.frontend.blueprints import blueprints, randomize
from catx.frontend.clip.config import BlockConfig, ClipConfig, TowerConfig
from catx.frontend.clip.export import example_image, example_text, export_tower
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pruning import Tower
from catx.ir.blueprint import Blueprint

SIZES = ("width", "heads", "ffn")
"""What varies of a tower, besides its number of layers."""


def tower_sizes(tower: TowerConfig) -> dict[str, int]:
    """Sizes of a tower by the names of `SIZES`.

    Raises:
        GraphError: its blocks differ.
    """
    if len(set(tower.blocks)) > 1:
        raise GraphError("a tower with blocks of different sizes has no blueprint")
    return {"width": tower.width, "heads": tower.blocks[0].heads, "ffn": tower.blocks[0].ffn}


def tower_blueprint(
    config: ClipConfig,
    name: Tower,
    *,
    units: Mapping[str, int],
    progress: Callable[[str], None] = lambda _: None,
) -> Blueprint:
    """The blueprint of a tower.

    Args:
        config: of the model; width, heads, hidden units and layers of the tower do not matter.
        name: of the tower.
        units: sizes of the tower (see `tower_sizes`), of which only matters which ones are 1.
        progress: is told what is going on, where something must be exported.

    Raises:
        ExtraError: a package is missing.
    """

    def draw(layers: int, sizes: Mapping[str, int], folder: Path) -> dict[str, Path]:
        block = BlockConfig(heads=sizes["heads"], ffn=sizes["ffn"])
        tower = replace(getattr(config, name), width=sizes["width"], blocks=(block,) * layers)
        other = "text" if name == "vision" else "vision"
        small = replace(getattr(config, other), width=1, blocks=(BlockConfig(heads=1, ffn=1),))
        model = Clip(replace(config, **{name: tower, other: small}))
        randomize(model)
        example = example_image(model.config) if name == "vision" else example_text(model.config)
        path = folder / f"{name}.onnx"
        export_tower(name, getattr(model, name), example, path)
        return {name: path}

    drawn = replace(getattr(config, name), width=1, blocks=(BlockConfig(heads=1, ffn=1),))
    told = {
        "tower": asdict(drawn),
        "embed_dim": config.embed_dim,
        "activation": config.activation,
        "norm_eps": config.norm_eps,
    }
    made = blueprints(
        f"clip {name} {sorted(told.items())}",
        draw,
        SIZES,
        _constants(config, name),
        units=[size for size, number in units.items() if number == 1],
        progress=progress,
    )
    return made[name]


def _constants(config: ClipConfig, name: Tower) -> set[int]:
    """Numbers of a tower that do not vary."""
    tower = config.vision if name == "vision" else config.text
    found = {config.embed_dim, tower.head_dim, 3, tower.tokens}
    if name == "vision":
        return found | {*config.vision.image_size, *config.vision.patch_size, config.vision.patches}
    return found | {config.text.vocab_size}
