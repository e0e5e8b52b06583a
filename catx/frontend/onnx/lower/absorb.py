"""Conversions that cost nothing: einsums read the integers instead of what DequantizeLinear makes of them.

A `DequantizeLinear` whose result is a factor of an einsum (directly, or through views) is no op: the matrix
unit reads the integers, at their real width, and the scale joins the scale of the result. `absorb` rewires
those factors to the integers before lowering; what still reads the converted tensor afterwards needs a real
conversion. Scales that differ along a contracted axis cannot join that of the result. A product of weights
in blocks is told of them, and pays for them; everywhere else the conversion stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from catx.frontend.onnx.lower.contracted import axes_behind, contracted
from catx.frontend.onnx.lower.registry import MICROSOFT
from catx.frontend.onnx.lower.views import PASS_THROUGH
from catx.frontend.onnx.resolved import ResolvedModel, ResolvedNode, Value

FACTORS: dict[tuple[str, str], tuple[int, ...]] = {
    **{("", op): (0, 1) for op in ("MatMul", "Gemm", "Conv", "ConvTranspose", "Einsum")},
    **{(MICROSOFT, op): (0, 1) for op in ("FusedMatMul", "FusedGemm", "FusedConv", "Attention")},
    **{("", op): (1, 2) for op in ("LSTM", "GRU", "RNN")},
    ("", "Attention"): (0, 1, 2),
    ("", "Gather"): (0,),
}
"""Inputs that are factors of einsums, or tables whose rows are converted after they are looked up."""

BLOCKS = "catx.blocks"
"""Attribute that holds the `Blocks` of a factor that was absorbed. No operator of ONNX has this name."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Scales and zero points (or none, "") of a tensor that is quantized in `count` blocks along `axis`.

    `single` says that a block is one index, so that scales are a vector; otherwise every row has its own.
    `along` holds the axes along which blocks lie in the tensor itself, or in a view of it.
    """

    scale: str
    zero: str
    axis: int
    count: int
    single: bool = False
    along: frozenset[int] = frozenset()


def blocks_of(node: ResolvedNode, values: Mapping[str, Value]) -> Blocks | None:
    """The blocks of a conversion; None if it has one scale, or one for each index along an axis."""
    found = scales_of(node, values)
    return None if found is None or found.single else found


def scales_of(node: ResolvedNode, values: Mapping[str, Value]) -> Blocks | None:
    """The same, where one scale for each index along an axis makes blocks of one index."""
    if len(node.inputs) < 2:
        return None
    x, scale = (values[name].shape for name in node.inputs[:2])
    zero = node.inputs[2] if len(node.inputs) > 2 else ""
    if not x:
        return None
    axis = int(node.attributes.get("axis", 1)) % len(x)
    along = frozenset((axis,))
    if node.attributes.get("block_size", 0) and len(scale) == len(x) and scale[axis] > 1:
        return Blocks(node.inputs[1], zero, axis, scale[axis], along=along)
    if len(scale) == 1 and scale[0] > 1:
        return Blocks(node.inputs[1], zero, axis, scale[0], single=True, along=along)
    return None


def absorb(model: ResolvedModel) -> ResolvedModel:
    """Let einsums read integers instead of what DequantizeLinear makes of them."""
    conversions = [node for node in model.nodes if node.op_type == "DequantizeLinear"]
    if not conversions:
        return model
    sources = {node.outputs[0]: node.inputs[0] for node in conversions}
    scaled = _scaled(model, conversions)
    views = _quantized_views(model, sources, scaled)
    values = dict(model.values)
    nodes: list[ResolvedNode] = []
    for node in model.nodes:
        if node.op_type in PASS_THROUGH and node.outputs[0] in views:
            dtype = values[sources.get(node.inputs[0], node.inputs[0])].dtype
            values |= {name: replace(values[name], dtype=dtype) for name in node.outputs if name}
            node = _rewired(node, (0,), sources)
        elif places := _places(node, model, scaled):
            for name in (
                node.inputs[i] for i in places if node.inputs[i] in sources or node.inputs[i] in views
            ):
                if (blocks := scaled.get(name)) and (not blocks.single or node.op_type == "Gather"):
                    node = replace(node, attributes={**node.attributes, BLOCKS: blocks})
            node = _rewired(node, places, sources)
        nodes.append(node)
    return replace(model, nodes=tuple(nodes), values=values)


def _scaled(model: ResolvedModel, conversions: Sequence[ResolvedNode]) -> dict[str, Blocks]:
    """Converted tensors with more than one scale, and all views of them."""
    found = {node.outputs[0]: scales_of(node, model.values) for node in conversions}
    scaled = {name: blocks for name, blocks in found.items() if blocks}
    for node in model.nodes:
        if node.op_type in PASS_THROUGH and (blocks := scaled.get(node.inputs[0])):
            old = model.values[node.inputs[0]].shape
            for name in filter(None, node.outputs):
                along = axes_behind(node, blocks.along, old, model.values[name].shape)
                scaled[name] = replace(blocks, along=along)
    return scaled


def _places(node: ResolvedNode, model: ResolvedModel, scaled: Mapping[str, Blocks]) -> tuple[int, ...]:
    """Inputs that a node can read before their conversion."""
    places = FACTORS.get((node.domain, node.op_type), ())
    return tuple(
        i
        for i in places
        if i < len(node.inputs)
        and (node.inputs[i] not in scaled or _takes_scales(node, i, scaled[node.inputs[i]], model))
    )


def _takes_scales(node: ResolvedNode, index: int, blocks: Blocks, model: ResolvedModel) -> bool:
    """Whether the scales of a factor join that of the result, or a node can pay for them.

    A product pays if it has one scale per column and block of k, a lookup if blocks lie within its rows.
    """
    shapes = tuple(model.values[name].shape if name else () for name in node.inputs)
    scale, table = model.values[blocks.scale].shape, shapes[index]
    if blocks.single:
        looked_up = node.op_type == "Gather" and (
            len(blocks.along) != 1 or table[min(blocks.along)] != blocks.count
        )
        return not looked_up and blocks.along.isdisjoint(contracted(node, index, shapes))
    if len(table) != 2 or len(scale) != 2:
        return False
    if node.op_type == "Gather":
        whole = table[1] % blocks.count == 0
        return whole and node.attributes.get("axis", 0) == 0 and blocks.along == {1}
    columns = model.values[node.outputs[0]].shape[-1:]
    fits = blocks.along == contracted(node, index, shapes) and prod(scale) == prod(columns) * blocks.count
    return index == 1 and node.op_type in ("MatMul", "Gemm") and fits


def _rewired(node: ResolvedNode, places: tuple[int, ...], sources: Mapping[str, str]) -> ResolvedNode:
    """The node with some of its inputs read before their conversion."""
    inputs = tuple(sources.get(name, name) if i in places else name for i, name in enumerate(node.inputs))
    return node if inputs == node.inputs else replace(node, inputs=inputs)


def _quantized_views(
    model: ResolvedModel, sources: Mapping[str, str], scaled: Mapping[str, Blocks]
) -> set[str]:
    """Views of converted tensors that only factors of einsums read, themselves or through more views.

    All views behind one view of a converted tensor share its data, so they are quantized together or not.
    """
    root: dict[str, str] = {}
    mixed: set[str] = set()
    for node in model.nodes:
        through = node.op_type in PASS_THROUGH and (node.inputs[0] in sources or node.inputs[0] in root)
        if through:
            first = root.get(node.inputs[0], node.outputs[0])
            root |= {name: first for name in node.outputs if name}
        allowed = (0,) if through else _places(node, model, scaled)
        mixed |= {root[name] for i, name in enumerate(node.inputs) if name in root and i not in allowed}
        mixed |= {root[name] for name in node.captures if name in root}
    mixed |= {root[name] for name in model.outputs if name in root}
    return {name for name, first in root.items() if first not in mixed}
