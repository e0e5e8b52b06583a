from collections import Counter
from importlib.resources import files
from pathlib import Path

import onnx
import pytest

from catx.errors import ModelError, OptionError, UnknownOpError
from catx.frontend.models import builtin_models, load_model, load_models
from catx.frontend.onnx.lower import lower
from catx.frontend.onnx.reader import read_model
from catx.ir.coverage import coverage
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph
from catx.ir.held import NOTHING
from catx.ir.vector_op import VectorOp
from tests.frontend import bert
from tests.frontend.onnx_models import model, node, save, weight
from tests.frontend.resolved_models import accounted

LIGHT = Path(str(files(onnx))) / "backend" / "test" / "data" / "light"
DATA = Path(__file__).parent / "data" / "models"
CLIP = ("clip_vit_b16_vision", "clip_vit_b16_text")


def kinds(graph: Graph) -> Counter[str]:
    return Counter(op.kind if isinstance(op, VectorOp) else "einsum" for op in graph.ops)


def nodes_of(path: Path) -> int:
    return len(onnx.load(path, load_external_data=False).graph.node)


# --- CLIP ------------------------------------------------------------------------------------------------


def transformer_macs(tokens: int, width: int, layers: int) -> int:
    """Projections and MLP of 4x the width, and attention: queries by keys, weights by values."""
    return layers * (tokens * 12 * width**2 + 2 * tokens**2 * width)


VISION_MACS = 196 * 768 * (3 * 16 * 16) + transformer_macs(197, 768, 12) + 768 * 512
TEXT_MACS = transformer_macs(77, 512, 12) + 512 * 512


def layer_parameters(width: int) -> int:
    """Four projections, two of the MLP, two norms."""
    return 12 * width**2 + 4 * width + 5 * width + 4 * width


VISION_PARAMETERS = 768 * 3 * 16 * 16 + 768 + 197 * 768 + 12 * layer_parameters(768) + 2 * 2 * 768 + 768 * 512
TEXT_MATRICES = 49408 * 512 + 77 * 512 + 12 * 12 * 512**2 + 512 * 512


@pytest.mark.parametrize(
    ("file", "macs"),
    [
        ("clip_vit_b16_vision_opset23.onnx", VISION_MACS),
        ("clip_vit_b16_vision_legacy_exporter.onnx", VISION_MACS),
        ("clip_vit_b16_text_legacy_exporter.onnx", TEXT_MACS),
    ],
)
def test_every_exporter_writes_the_same_work(file: str, macs: int) -> None:
    graph = load_model(DATA / file)
    assert graph.macs == macs
    builtin = load_model(CLIP["text" in file])
    assert einsum_shapes(graph) == einsum_shapes(builtin)
    counted = coverage(graph)
    assert counted.costed + counted.free == nodes_of(DATA / file)
    assert counted.unknown == 0


def einsum_shapes(graph: Graph) -> Counter[Einsum]:
    return Counter(op.canonical() for op in graph.ops if isinstance(op, Einsum))


@pytest.mark.parametrize(("name", "macs", "layers"), [(CLIP[0], VISION_MACS, 12), (CLIP[1], TEXT_MACS, 12)])
def test_builtin_clip(name: str, macs: int, layers: int) -> None:
    graph = load_model(name)
    assert graph.macs == macs
    assert coverage(graph).unknown == 0
    found = kinds(graph)
    assert found["einsum"] == 8 * layers + (2 if "vision" in name else 1)
    assert found["softmax"] == layers
    assert found["transpose"] == 0
    assert len(graph.unique_ops()) < 20
    fused = Counter(part.kind for op in graph.ops for part in op.fused)
    assert fused["quick_gelu"] == layers


def test_clip_has_the_parameters_of_the_paper() -> None:
    """The older exporter keeps every vector; the newer one stores equal vectors (of random weights) once."""
    legacy = load_model(DATA / "clip_vit_b16_vision_legacy_exporter.onnx")
    assert legacy.parameters == VISION_PARAMETERS == 86_192_640
    vectors = [t.elements for t in load_model(CLIP[0]).weights if len(t.shape) == 1]
    assert load_model(CLIP[0]).parameters == VISION_PARAMETERS - 12 * layer_vectors(768) - 4 * 768 + sum(
        vectors
    )


def layer_vectors(width: int) -> int:
    return layer_parameters(width) - 12 * width**2


def test_masks_that_the_reader_computes_are_no_parameters() -> None:
    """Each layer computes its own causal mask: of shapes, so that the file holds none."""
    legacy = load_model(DATA / "clip_vit_b16_text_legacy_exporter.onnx")
    masks = [tensor for tensor in legacy.weights if tensor.shape == (77, 77)]
    assert len(masks) == 12
    assert all(mask.holds == NOTHING for mask in masks)
    assert legacy.parameters == TEXT_MATRICES + 12 * layer_vectors(512) + 2 * 512 == 63_428_096
    assert legacy.parameter_bytes == 4 * 63_428_096


def test_text_tower_holds_its_token_embedding() -> None:
    graph = load_model(CLIP[1])
    masks = 12 * 77 * 77
    matrices = sum(t.elements for t in graph.weights if len(t.shape) in (2, 3) and t.elements > 2)
    assert matrices == TEXT_MATRICES
    assert graph.parameters - TEXT_MATRICES - masks < 12 * layer_vectors(512)
    gather = next(op for op in graph.ops if isinstance(op, VectorOp) and op.kind == "gather")
    assert gather.inputs[0].elements(dict(gather.dims)) == 77 * 512


def test_layer_seven_can_be_found() -> None:
    graph = load_model(DATA / "clip_vit_b16_vision_opset23.onnx")
    names = [op.name for op in graph.ops]
    assert "node_scaled_dot_product_attention_7/qk" in names


def test_attention_is_the_batched_product_of_the_heads() -> None:
    graph = load_model(CLIP[0])
    shapes = Counter(op.dims for op in graph.ops if isinstance(op, Einsum))
    assert shapes[("b", 12), ("m", 197), ("n", 197), ("k", 64)] == 12
    assert shapes[("b", 12), ("m", 197), ("n", 64), ("k", 197)] == 12
    assert shapes[("m", 197), ("n", 768), ("k", 768)] == 48


# --- other architectures ---------------------------------------------------------------------------------


def test_resnet50() -> None:
    graph = load_model(LIGHT / "light_resnet50.onnx")
    assert graph.macs == resnet50_macs() == 4_089_184_256
    assert graph.parameters == 25_557_032  # as everywhere: running statistics are folded into scale and bias
    assert kinds(graph) == {"einsum": 54, "maxpool": 1, "avgpool": 1, "softmax": 1}


def resnet50_macs() -> int:
    """Stem, then bottlenecks: 1x1 down, 3x3 (with the stride), 1x1 up, and a projection at first."""
    macs, channels = 112**2 * 64 * 3 * 49, 64
    for stage, blocks in enumerate((3, 4, 6, 3)):
        inner, size = 64 << stage, 56 >> stage
        for block in range(blocks):
            before = size * 2 if stage and not block else size
            macs += before**2 * channels * inner + size**2 * (9 * inner**2 + 4 * inner**2)
            macs += size**2 * channels * 4 * inner if not block else 0
            channels = 4 * inner
    return macs + 2048 * 1000


def test_alexnet() -> None:
    graph = load_model(LIGHT / "light_bvlc_alexnet.onnx")
    sizes = [(96, 3, 11, 54), (256, 48, 5, 26), (384, 256, 3, 12), (384, 192, 3, 12), (256, 192, 3, 12)]
    convs = sum(f * c * k * k * y * y for f, c, k, y in sizes)
    dense = 256 * 6 * 6 * 4096 + 4096 * 4096 + 4096 * 1000
    assert graph.macs == convs + dense
    assert graph.parameters == sum(f * c * k * k + f for f, c, k, _ in sizes) + dense + 4096 * 2 + 1000


def test_vgg19() -> None:
    graph = load_model(LIGHT / "light_vgg19.onnx")
    plan = [(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)]
    macs, parameters, channels = 0, 0, 3
    for stage, (width, layers) in enumerate(plan):
        for _ in range(layers):
            macs += (224 >> stage) ** 2 * channels * width * 9
            parameters += channels * width * 9 + width
            channels = width
    dense = 512 * 49 * 4096 + 4096 * 4096 + 4096 * 1000
    assert graph.macs == macs + dense
    assert graph.parameters == parameters + dense + 4096 * 2 + 1000


@pytest.mark.parametrize("path", sorted(LIGHT.glob("*.onnx")), ids=lambda path: path.stem)
def test_every_node_of_real_models_is_costed_or_free(path: Path) -> None:
    resolved = read_model(path)
    graph = lower(resolved)
    accounted(graph, resolved)
    counted = coverage(load_model(path))
    assert counted.costed + counted.free == nodes_of(path)


def test_bert_base(tmp_path: Path) -> None:
    path = save(bert.bert_base(128), tmp_path)
    graph = load_model(path)
    assert graph.macs == transformer_macs(128, 768, 12)
    embeddings = (30522 + 512) * 768 + 2 * 768
    assert graph.parameters == 12 * layer_parameters(768) + embeddings == 85_054_464 + embeddings
    assert kinds(graph) == {"einsum": 96, "softmax": 12, "layernorm": 25, "gather": 2}
    assert Counter(part.kind for op in graph.ops for part in op.fused)["gelu"] == 12
    assert len([key for key in graph.unique_ops() if isinstance(key, Einsum)]) == 6
    counted = coverage(graph)
    assert counted.costed + counted.free == nodes_of(path)


# --- finding models --------------------------------------------------------------------------------------


def test_builtin_models_are_listed_and_load() -> None:
    models = builtin_models()
    assert list(models) == ["clip_vit_b16", *CLIP]
    for name, entry in models.items():
        assert entry.name == name
        assert entry.description
        assert entry.source
        assert len(load_models(name)) == len(entry.files)
    assert [graph.name for graph in load_models("clip_vit_b16")] == list(CLIP)


def test_pair_is_two_graphs() -> None:
    assert [graph.macs for graph in load_models("clip_vit_b16")] == [VISION_MACS, TEXT_MACS]
    with pytest.raises(ModelError, match="2 graphs") as caught:
        load_model("clip_vit_b16")
    assert "clip_vit_b16_text" in str(caught.value)


def test_names_and_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="did you mean 'clip_vit_b16_text'"):
        load_model("clip_vit_b16_txt")
    with pytest.raises(ModelError, match="built in are"):
        load_model("resnet")
    with pytest.raises(ModelError, match=r"nothing\.onnx"):
        load_model(tmp_path / "nothing.onnx")
    other = tmp_path / "model.pt"
    other.write_bytes(b"x")
    with pytest.raises(ModelError, match="export the model to ONNX"):
        load_model(other)


def test_builtin_models_have_no_dims_to_set() -> None:
    with pytest.raises(OptionError, match="no dynamic dims"):
        load_model(CLIP[0], dims={"batch": 2})


def test_dims_and_unknown_operators_reach_the_frontend(tmp_path: Path) -> None:
    path = save(
        model([node("MatMul", ["x", "w"], ["y"])], {"x": ("n", 8)}, ["y"], [weight("w", 8, 4)]), tmp_path
    )
    assert load_model(path, dims={"n": 5}).macs == 5 * 8 * 4
    nodes = [node("Frob", ["x"], ["y"], domain="my.ops"), node("Relu", ["y"], ["z"])]
    path = save(
        model(nodes, {"x": (4, 8)}, ["z"], value_info={"y": (4, 8)}, opsets={"my.ops": 1}),
        tmp_path,
        "unknown.onnx",
    )
    with pytest.raises(UnknownOpError, match="Frob"):
        load_model(path)
    counted = coverage(load_model(path, allow_unknown=True))
    assert (counted.costed, counted.free, counted.unknown, counted.unknown_ops) == (1, 0, 1, ("Frob",))
