"""Operators that move data: concat, pad, tile, resize, and space to depth."""

from collections.abc import Sequence
from math import gcd, prod

from catx.frontend.onnx.lower.build import box, broadcast, coordinates, elementwise, points, vector
from catx.frontend.onnx.lower.node import Array, Lowered, Node, ax, operand, whole
from catx.frontend.onnx.lower.registry import rule
from catx.ir.operand import Axis
from catx.ir.vector_op import VectorOp


def concat_op(node: Node, arrays: Sequence[Array], out: Array, part: str = "") -> VectorOp:
    """A copy of several tensors into one.

    The op's box is the output; each input is read once as a whole. A tensor that stands in several places is
    one operand, with all elements that are read of it.
    """
    counts: dict[str, int] = {}
    for array in arrays:
        counts[array.name] = counts.get(array.name, 0) + prod(array.shape)
    named = {array.name: array for array in arrays}
    reads = [whole(array, counts[array.name]) for array in named.values()]
    return vector(node, "concat", box(out.shape), reads, [operand(out, *points(out.shape))], part=part)


@rule("Concat")
def concat(node: Node) -> Lowered:
    """Movement, unless only one input has elements or all of them are weights."""
    arrays = [array for array in node.given() if prod(array.shape)]
    if len(arrays) == 1:
        return node.view(arrays[0], "concat of one tensor", node.layout(arrays[0].name))
    return Lowered(ops=(concat_op(node, arrays, node.out()),))


@rule("Pad")
def pad(node: Node) -> Lowered:
    """A copy with a border; a negative border cuts."""
    source, out = node.value(0), node.out()
    if source.shape == out.shape:
        return node.view(source, "padding of nothing", node.layout(source.name))
    if all(new <= old for new, old in zip(out.shape, source.shape, strict=True)):
        return node.view(source, "a part of the data, which readers address")
    kept = prod(min(old, new) for old, new in zip(source.shape, out.shape, strict=True))
    write = operand(out, *points(out.shape))
    op = vector(node, "pad", box(out.shape), [whole(source, kept)], [write])
    return Lowered(ops=(op,))


@rule("CenterCropPad")
def center_crop_pad(node: Node) -> Lowered:
    """A cut where the target is smaller, a border where it is larger."""
    return pad(node)


@rule("Tile")
def tile(node: Node) -> Lowered:
    """Copies side by side: each is read from the one original."""
    source, out = node.value(0), node.out()
    if source.shape == out.shape:
        return node.view(source, "tiled once", node.layout(source.name))
    dims: dict[str, int] = {}
    reads: list[Axis] = []
    writes: list[Axis] = []
    for i, (old, new) in enumerate(zip(source.shape, out.shape, strict=True)):
        dims |= {f"t{i}": new // old, f"d{i}": old}
        reads.append(((f"d{i}", 1),))
        writes.append(((f"t{i}", old), (f"d{i}", 1)))
    return Lowered(ops=(vector(node, "copy", dims, [operand(source, *reads)], [operand(out, *writes)]),))


INTERPOLATIONS = {
    "nearest": "resize_nearest",
    **dict.fromkeys(("linear", "bilinear"), "resize_linear"),
    **dict.fromkeys(("cubic", "bicubic"), "resize_cubic"),
}
"""Mode of Resize or GridSample -> row of the vector cost table."""

TAPS = {"resize_nearest": 1, "resize_linear": 2, "resize_cubic": 4}
"""Input elements per axis that one result reads, unless it is antialiased."""

ADAPTIVE_SAMPLES = 2
"""Samples per axis and bin of a RoiAlign whose number depends on the size of each region: what detection
models that state it use (detectron2, torchvision: sampling_ratio 2). A MaxRoiPool has bins of as many
elements, as its regions are known only when it runs."""


def interpolation(node: Node, default: str) -> str:
    """The kind of a node's interpolation."""
    mode = node.text("mode", default)
    if mode not in INTERPOLATIONS:
        raise node.unsupported(f"mode {mode!r}")
    return INTERPOLATIONS[mode]


@rule("Resize", "Upsample")
def resize(node: Node) -> Lowered:
    """Interpolation at every output element; whole factors read each input element where it is used.

    Where an image gets smaller, every result reads as many other elements as it has taps, or its share of
    all elements if that is less: an operand for each.
    """
    source, out = node.value(0), node.out()
    if source.shape == out.shape:
        return node.view(source, "resized to the same size", node.layout(source.name))
    kind = interpolation(node, "nearest")
    dims: dict[str, int] = {}
    reads: list[Axis] = []
    writes: list[Axis] = []
    per_result = 1.0
    for i, (old, new) in enumerate(zip(source.shape, out.shape, strict=True)):
        if new < old:
            dims[f"d{i}"] = new
            reads.append(((f"d{i}", 1),))
            writes.append(((f"d{i}", 1),))
            per_result *= old / new if node.integer("antialias", 0) else min(TAPS[kind], old / new)
        else:
            alike = gcd(old, new)
            dims |= {f"d{i}": alike, f"u{i}": new // alike}
            within = () if new % old == 0 else ((f"u{i}", 1),)
            reads.append(((f"d{i}", old // alike), *within))
            writes.append(((f"d{i}", new // alike), (f"u{i}", 1)))
    inputs = [operand(source, *reads)] * round(per_result)
    return Lowered(ops=(vector(node, kind, dims, inputs, [operand(out, *writes)]),))


@rule("GridSample", "RoiAlign", "MaxRoiPool")
def sample(node: Node) -> Lowered:
    """Samples at computed positions: an element read for each, and the positions.

    A grid has coordinates for every position of the output, a list of regions for every region. A RoiAlign
    interpolates sampling_ratio^2 points per output; a MaxRoiPool compares all elements of a bin.
    """
    out, kind, dims = node.out(), "resize_nearest", box(node.out().shape)
    if node.raw.op_type == "GridSample":
        kind = interpolation(node, "linear")
    else:
        kind = "resize_linear" if node.raw.op_type == "RoiAlign" else "maxpool"
        dims |= {"s": (node.integer("sampling_ratio", 0) or ADAPTIVE_SAMPLES) ** 2}
    within = ax("s") if dims.get("s", 1) > 1 else ()
    reads = [operand(node.value(0), *points(out.shape), *within)]
    places = points(out.shape)
    if node.raw.op_type == "GridSample":
        reads += coordinates(node.value(1), [places[0], *places[2:]])
    else:
        reads += coordinates(node.value(1), places[:1])
        reads += [operand(array, places[0]) for array in node.given()[2:]]
    reduced = ["s"] if "s" in dims else []
    write = operand(out, *points(out.shape))
    return Lowered(ops=(vector(node, kind, dims, reads, [write], reduced=reduced),))


@rule("DepthToSpace", "SpaceToDepth", "ReverseSequence")
def rearrange(node: Node) -> Lowered:
    """Every element goes to another place."""
    source, out = node.value(0), node.out()
    dims = box(source.shape)
    read = operand(source, *points(source.shape))
    write = operand(out, *points(source.shape))
    return Lowered(ops=(vector(node, "copy", dims, [read], [write]),))


@rule("Trilu")
def trilu(node: Node) -> Lowered:
    """A choice by index: elements on one side of the diagonal become zero."""
    return Lowered(ops=(elementwise(node, "where", [node.value(0)], node.out()),))


@rule("OneHot")
def one_hot(node: Node) -> Lowered:
    """Every output element compares an index with its own position."""
    indices, out = node.value(0), node.out()
    axis = node.axis(rank=len(out.shape))
    shape = [*out.shape[:axis], 1, *out.shape[axis + 1 :]]
    terms = [((f"d{i}", 1),) if extent != 1 else () for i, extent in enumerate(shape)]
    op = vector(
        node,
        "where",
        box(out.shape),
        [operand(indices, *terms)],
        [operand(out, *points(out.shape))],
    )
    return Lowered(ops=(op,))


@rule("Range", "EyeLike", "ConstantOfShape")
def filled(node: Node) -> Lowered:
    """Numbers that depend on nothing but shapes: a constant of the model."""
    return Lowered(weights=(node.out().name,), free="a constant: known before the model runs")


@rule("TensorScatter")
def tensor_scatter(node: Node) -> Lowered:
    """New rows written into a cache in place."""
    cache, update, out = node.value(0), node.value(1), node.out()
    reads = [broadcast(update, update.shape), whole(cache, 0)]
    writes = [operand(out, *points(update.shape))]
    return Lowered(ops=(vector(node, "scatter", box(update.shape), reads, writes),))
