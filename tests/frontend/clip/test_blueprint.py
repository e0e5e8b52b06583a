"""Blueprints have the ops of real exports: of the pruned model itself, nothing near it."""

from dataclasses import replace
from pathlib import Path

import pytest

from catx.errors import GraphError
from catx.frontend.blueprints import randomize
from catx.frontend.clip import PruningConfig, find_clip
from catx.frontend.clip.blueprint import tower_blueprint, tower_sizes
from catx.frontend.clip.config import BlockConfig, ClipConfig
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pruning import TOWERS
from catx.frontend.clip.workflow import export_clip
from catx.frontend.models import load_models
from catx.ir.blueprint import Bill
from catx.ir.graph import Graph

DIGITS = find_clip("digits").config


def exports(config: ClipConfig, folder: Path) -> dict[str, Graph]:
    model = Clip(config)
    randomize(model)
    export_clip(model, folder)
    return dict(zip(("vision", "text"), load_models(folder), strict=True))


@pytest.mark.parametrize(
    "pruning",
    [
        PruningConfig(),
        PruningConfig(
            text_layers=2,
            text_heads=3,
            text_ffn=0.25,
            text_width=0.75,
            vision_layers=1,
            vision_heads=2,
            vision_ffn=24,
            vision_width=0.5,
        ),
        PruningConfig(text_heads=1, text_ffn=1, vision_heads=1, vision_width=16),
    ],
)
def test_blueprints_equal_exports(pruning: PruningConfig, tmp_path: Path) -> None:
    config = pruning.of(DIGITS)
    graphs = exports(config, tmp_path)
    for name in TOWERS:
        tower = getattr(config, name)
        sizes = tower_sizes(tower)
        bill = tower_blueprint(DIGITS, name, units=sizes).bill(tower.layers, sizes)
        assert bill == Bill.of(graphs[name])
        assert sum(op.macs * count for op, count in bill.ops.items()) == tower.macs(config.embed_dim)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ViT-B-16", "ViT-L-14", "ViT-B-32-quickgelu"])
def test_blueprints_of_published_shapes(name: str, tmp_path: Path) -> None:
    whole = find_clip(f"open_clip:{name}").config
    config = PruningConfig(text_layers=1, vision_layers=1, text_width=0.875, vision_heads=7).of(whole)
    graphs = exports(config, tmp_path)
    for tower_name in TOWERS:
        tower = getattr(config, tower_name)
        sizes = tower_sizes(tower)
        blueprint = tower_blueprint(whole, tower_name, units=sizes)
        assert blueprint.bill(tower.layers, sizes) == Bill.of(graphs[tower_name])


def test_blocks_of_different_sizes_have_no_blueprint() -> None:
    blocks = (BlockConfig(heads=1, ffn=3), BlockConfig(heads=2, ffn=3))
    with pytest.raises(GraphError, match="blocks of different sizes"):
        tower_sizes(replace(DIGITS.text, blocks=blocks))
