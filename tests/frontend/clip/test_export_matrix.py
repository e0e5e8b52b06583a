"""Every kind of model, pruned and whole, both towers: onnxruntime equals torch, and all of it is mapped."""

from pathlib import Path

import onnx
import pytest

import catx
from catx.frontend.clip import PruningConfig, find_clip, prune
from catx.frontend.clip.pruned import as_clip
from catx.frontend.clip.workflow import TEXT, VISION, export_as_it_is, export_clip
from tests.frontend.clip.small import SHAPES, small

REAL = ["digits", "open_clip:ViT-B-32", pytest.param("open_clip:ViT-B-16", marks=pytest.mark.slow)]
PRUNED = PruningConfig(
    text_layers=2, text_heads=2, text_ffn=0.5, text_width=0.75, vision_layers=3, vision_heads=3
)


def check(folder: Path, macs: int) -> None:
    """Both files are valid, every node is costed or free, and the MACs are those of the config's formula."""
    for name in (VISION, TEXT):
        onnx.checker.check_model(folder / name)
    graphs = catx.load_models(folder)
    assert sum(graph.macs for graph in graphs) == macs
    report = catx.compile_model(list(graphs), "edge", mapper_budget=0)
    assert [model.coverage.unknown for model in report.models] == [0, 0]
    assert report.macs == macs


@pytest.mark.parametrize("pruned", [False, True], ids=["whole", "pruned"])
@pytest.mark.parametrize("name", REAL)
def test_real_architectures(name: str, pruned: bool, tmp_path: Path) -> None:
    clip = find_clip(name)
    if pruned:
        clip = prune(clip, PRUNED)
    exported = export_clip(clip, tmp_path)
    assert all(one.difference < 1e-4 for one in exported)
    check(tmp_path, clip.config.macs)


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(shape: str, tmp_path: Path) -> None:
    clip = as_clip(small(shape))
    export_clip(clip, tmp_path)
    check(tmp_path, clip.config.macs)


def test_a_resnet_is_exported_as_it_is(tmp_path: Path) -> None:
    exported = export_as_it_is("open_clip:RN50", tmp_path)
    assert [one.name for one in exported] == ["vision", "text"]
    report = catx.compile_model(tmp_path, "edge", mapper_budget=0)
    assert [model.coverage.unknown for model in report.models] == [0, 0]
