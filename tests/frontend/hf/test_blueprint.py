"""Blueprints of families have the ops of real exports."""

from pathlib import Path

import pytest

from catx.frontend.blueprints import randomize
from catx.frontend.hf.blueprint import blueprint_sizes, model_blueprints
from catx.frontend.hf.build import shape_of, with_random
from catx.frontend.hf.config import ModelConfig
from catx.frontend.hf.export import export_graph, graphs_of
from catx.frontend.hf.sizes import Pruning
from catx.frontend.models import load_model
from catx.ir.blueprint import Bill
from tests.frontend.hf.small import CONFIGS

CASES = [
    ("bert", Pruning()),
    ("bert", Pruning(layers=2, heads=5, ffn=0.25, width=20)),
    ("vit", Pruning(heads=1, ffn=1)),
    ("llama", Pruning(layers=1, width=0.5)),
    ("llama", Pruning(kv_heads=1, ffn=0.25)),
    ("llama_tied", Pruning(heads=4, width=0.25)),
]


@pytest.mark.parametrize(("name", "pruning"), CASES)
def test_blueprints_equal_exports(name: str, pruning: Pruning, tmp_path: Path) -> None:
    config = ModelConfig.of_plain(CONFIGS[name], name)
    small = config.with_sizes(pruning.of(config.sizes))
    graphs = graphs_of(small, None if name == "vit" else 9, None)
    made = model_blueprints(small, graphs)
    model = with_random(shape_of(small), small, 0)
    randomize(model)
    for graph in graphs:
        real = Bill.of(load_model(export_graph(graph, model, small, tmp_path, weights=True).path))
        bill = made[graph.name].bill(small.sizes.layers, blueprint_sizes(small.sizes))
        assert bill == real
        assert sum(op.macs * count for op, count in bill.ops.items()) == graph.macs
