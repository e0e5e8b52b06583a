"""A small study: one linear layer on points of the CATransformers space."""

from pathlib import Path

from catx.search.study import Study
from catx.search.study_file import parse_study
from tests.frontend.onnx_models import model, node, save, weight

TEXT = """\
study: small
model: {name: tiny.onnx}
hardware:
  base: edge
  vary:
    clusters: [1, 2]
    pe_width: [8, 16, 32]
    l2_kib: [64, 128, 256]
    glb_mib: [2, 4]
objectives: [latency_s, total_gco2e]
constraints: {area_mm2: "<= 4 mm2"}
search: {evaluations: 24, population: 8, batch: 4, seed: 5}
"""


def tiny(folder: Path) -> Path:
    """A linear layer and a softmax."""
    nodes = [node("MatMul", ["x", "w"], ["y"], name="fc"), node("Softmax", ["y"], ["p"], name="softmax")]
    proto = model(nodes, {"x": (64, 48)}, {"p": None}, [weight("w", 48, 32)])
    return save(proto, folder, "tiny.onnx")


def small(folder: Path, text: str = TEXT) -> Study:
    """The small study, its model in the folder."""
    tiny(folder)
    return parse_study(text, str(folder / "study.yaml"))
