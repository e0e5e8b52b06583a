"""Conversions that cost nothing: einsums read the integers instead of what DequantizeLinear makes of them.

A `DequantizeLinear` whose result is a factor of an einsum (directly, or through views) is no op: the matrix
unit reads the integers, at their real width, and the scale joins the scale of the result. `absorb` rewires
those factors to the integers before lowering; what still reads the converted tensor afterwards needs a real
conversion. Scales of blocks along the contracted axis cannot join that of the result: the product that takes
such a factor in is told of them, and pays for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

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
    """Scales and zero points (or none, "") of a tensor that is quantized in `count` blocks along `axis`."""

    scale: str
    zero: str
    axis: int
    count: int


def blocks_of(node: ResolvedNode, values: Mapping[str, Value]) -> Blocks | None:
    """The blocks of a conversion; None if it has one scale, or one for each index along an axis."""
    if not node.attributes.get("block_size", 0) or len(node.inputs) < 2:
        return None
    x, scale = (values[name].shape for name in node.inputs[:2])
    if len(scale) != len(x):
        return None
    axis = int(node.attributes.get("axis", 1)) % len(x)
    zero = node.inputs[2] if len(node.inputs) > 2 else ""
    return Blocks(node.inputs[1], zero, axis, scale[axis]) if scale[axis] > 1 else None


def absorb(model: ResolvedModel) -> ResolvedModel:
    """Let einsums read integers instead of what DequantizeLinear makes of them."""
    conversions = [node for node in model.nodes if node.op_type == "DequantizeLinear"]
    if not conversions:
        return model
    sources = {node.outputs[0]: node.inputs[0] for node in conversions}
    found = {node.outputs[0]: blocks_of(node, model.values) for node in conversions}
    blocked = {name: blocks for name, blocks in found.items() if blocks}
    views = _quantized_views(model, sources, blocked)
    blocked |= {name: blocked[source] for name, source in views.items() if source in blocked}
    values = dict(model.values)
    nodes: list[ResolvedNode] = []
    for node in model.nodes:
        if node.op_type in PASS_THROUGH and node.outputs[0] in views:
            dtype = values[sources.get(node.inputs[0], node.inputs[0])].dtype
            values |= {name: replace(values[name], dtype=dtype) for name in node.outputs if name}
            node = _rewired(node, (0,), sources)
        elif places := _places(node, model, blocked):
            for name in (node.inputs[i] for i in places if node.inputs[i] in blocked):
                node = replace(node, attributes={**node.attributes, BLOCKS: blocked[name]})
            node = _rewired(node, places, sources)
        nodes.append(node)
    return replace(model, nodes=tuple(nodes), values=values)


def _places(node: ResolvedNode, model: ResolvedModel, blocked: Mapping[str, Blocks]) -> tuple[int, ...]:
    """Inputs that a node can read before their conversion."""
    places = FACTORS.get((node.domain, node.op_type), ())
    return tuple(
        i
        for i in places
        if i < len(node.inputs)
        and (node.inputs[i] not in blocked or _takes_blocks(node, i, blocked[node.inputs[i]], model))
    )


def _takes_blocks(node: ResolvedNode, index: int, blocks: Blocks, model: ResolvedModel) -> bool:
    """Whether a node can pay for block scales: a product with weights, one scale per column and block of k.

    A lookup can if the blocks lie within the rows that it looks up.
    """
    scale, table = model.values[blocks.scale].shape, model.values[node.inputs[index]].shape
    if len(table) != 2 or len(scale) != 2:
        return False
    if node.op_type == "Gather":
        whole = table[1] % blocks.count == 0
        return whole and node.attributes.get("axis", 0) == 0 and blocks.axis == 1
    columns = model.values[node.outputs[0]].shape[-1:]
    return index == 1 and node.op_type in ("MatMul", "Gemm") and prod(scale) == prod(columns) * blocks.count


def _rewired(node: ResolvedNode, places: tuple[int, ...], sources: Mapping[str, str]) -> ResolvedNode:
    """The node with some of its inputs read before their conversion."""
    inputs = tuple(sources.get(name, name) if i in places else name for i, name in enumerate(node.inputs))
    return node if inputs == node.inputs else replace(node, inputs=inputs)


def _quantized_views(
    model: ResolvedModel, sources: Mapping[str, str], blocked: Mapping[str, Blocks]
) -> dict[str, str]:
    """Views of converted tensors that only factors of einsums read, themselves or through more views.

    All views behind one view of a converted tensor share its data, so they are quantized together or not. The
    converted tensor is the value of each.
    """
    root: dict[str, str] = {}
    origin: dict[str, str] = {}
    in_blocks = dict(blocked)
    mixed: set[str] = set()
    for node in model.nodes:
        through = node.op_type in PASS_THROUGH and (node.inputs[0] in sources or node.inputs[0] in root)
        if through:
            first = root.get(node.inputs[0], node.outputs[0])
            source = origin.get(node.inputs[0], node.inputs[0])
            root |= {name: first for name in node.outputs if name}
            origin |= {name: source for name in node.outputs if name}
            if source in blocked:
                in_blocks |= {name: blocked[source] for name in node.outputs if name}
        allowed = (0,) if through else _places(node, model, in_blocks)
        mixed |= {root[name] for i, name in enumerate(node.inputs) if name in root and i not in allowed}
        mixed |= {root[name] for name in node.captures if name in root}
    mixed |= {root[name] for name in model.outputs if name in root}
    return {name: origin[name] for name, first in root.items() if first not in mixed}
