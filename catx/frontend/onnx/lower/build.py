"""Builders of ops that many rules share: contractions, elementwise ops, ops over rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from catx.frontend.onnx.lower.layout import one_dim_per_axis, refine
from catx.frontend.onnx.lower.node import Array, Lowered, Node, operand
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import Op
from catx.ir.operand import Axis, Operand
from catx.ir.vector_op import VectorOp

COMMUTATIVE = frozenset({"add", "mul", "max", "min"})

WITH_ITSELF = {"mul": "square", "add": "mul"}
"""What an op of two operands is where both are the same: x * x, and x + x = 2 x."""


@dataclass(frozen=True, slots=True)
class Step:
    """An elementwise op behind another op of the same node: `(previous, *extra) -> next`.

    `dtype` is the type of its result where that is not the node's own.
    """

    kind: str
    part: str
    extra: tuple[Array, ...] = ()
    dtype: DType | None = None


def contraction(
    node: Node,
    dims: Mapping[str, int],
    factors: tuple[Operand, Operand],
    output: Operand,
    *,
    part: str = "",
    repeat: int = 1,
) -> Einsum:
    """An einsum of this node; broadcast dims of a factor are left out of its operand."""
    refined, (first, second, out) = refine(dims, (*factors, output), node.layouts)
    return Einsum(
        name=_name(node, part),
        op=node.raw.op_type,
        dims=tuple(refined.items()),
        inputs=(first, second),
        output=one_dim_per_axis(out),
        sources=(node.name,),
        repeat=repeat,
        loc=node.loc,
    )


def vector(
    node: Node,
    kind: str,
    dims: Mapping[str, int],
    inputs: Sequence[Operand],
    outputs: Sequence[Operand],
    *,
    part: str = "",
    reduced: Sequence[str] = (),
    repeat: int = 1,
) -> VectorOp:
    """A vector op of this node; broadcast dims of an input are left out of its operand."""
    if node.layouts and not reduced:
        refined, operands = refine(dims, (*inputs, *outputs), node.layouts)
        dims, inputs, outputs = refined, operands[: len(inputs)], operands[len(inputs) :]
    return VectorOp(
        name=_name(node, part),
        op=node.raw.op_type,
        kind=kind,
        dims=tuple(dims.items()),
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        reduced=tuple(reduced),
        sources=(node.name,),
        repeat=repeat,
        loc=node.loc,
    )


def elementwise(node: Node, kind: str, inputs: Sequence[Array], out: Array, *, part: str = "") -> VectorOp:
    """An op on every element of `out`, its inputs broadcast to it the numpy way.

    Known single numbers are no operands: the instruction carries them. A tensor that stands twice is read
    once. Where the order of operands is free, the largest comes first, so that equal work compares equal.
    """
    given = [broadcast(array, out.shape) for array in inputs if not node.immediate(array)]
    read = list(dict.fromkeys(given))
    if len(given) == 2 and len(read) == 1:
        kind = WITH_ITSELF.get(kind, kind)
    if kind in COMMUTATIVE:
        read.sort(key=lambda operand: -sum(map(len, operand.axes)))
    return vector(node, kind, box(out.shape), read, [operand(out, *points(out.shape))], part=part)


def chain(
    node: Node,
    base: Callable[[Array], Op],
    steps: Sequence[Step],
    out: Array,
    *,
    dtype: DType | None = None,
) -> Lowered:
    """An op and the elementwise ops behind it; the last one writes `out`.

    `base` makes the first op from the array that it is to write; `dtype` is the type of its result.
    """
    names = ["raw", *(f"{step.part}.out" for step in steps[:-1])]
    types = [dtype, *(step.dtype for step in steps[:-1])]
    temps = [
        node.temp(name, out.shape, between or out.dtype) for name, between in zip(names, types, strict=True)
    ]
    if not steps:
        return Lowered(ops=(base(out),))
    ops: list[Op] = [base(temps[0])]
    for step, previous, result in zip(steps, temps, (*temps[1:], out), strict=True):
        ops.append(elementwise(node, step.kind, [previous, *step.extra], result, part=step.part))
    return Lowered(ops=tuple(ops), tensors=tuple(temps))


def both(*parts: Lowered) -> Lowered:
    """Everything that several steps of a rule made."""
    return Lowered(
        ops=tuple(op for part in parts for op in part.ops),
        tensors=tuple(tensor for part in parts for tensor in part.tensors),
        views=tuple(view for part in parts for view in part.views),
        layouts=tuple(layout for part in parts for layout in part.layouts),
        weights=tuple(name for part in parts for name in part.weights),
    )


def rows(
    node: Node,
    kind: str,
    array: Array,
    out: Array,
    axes: Sequence[int],
    *,
    extra: Sequence[Operand] = (),
    part: str = "",
) -> VectorOp:
    """An op whose every result depends on the whole row along `axes` (softmax, norms)."""
    shape = array.shape
    reduced = [f"d{axis}" for axis in axes if shape[axis] > 1]
    return vector(
        node,
        kind,
        box(shape),
        [operand(array, *points(shape)), *extra],
        [operand(out, *points(shape))],
        reduced=reduced,
        part=part,
    )


def box(shape: Sequence[int], prefix: str = "d") -> dict[str, int]:
    """Dims d0, d1, ... of a shape; axes of extent 1 have none."""
    return {f"{prefix}{i}": extent for i, extent in enumerate(shape) if extent != 1}


def points(shape: Sequence[int], prefix: str = "d") -> tuple[Axis, ...]:
    """The axes of a tensor that is touched at every point of its own box."""
    return tuple(((f"{prefix}{i}", 1),) if extent != 1 else () for i, extent in enumerate(shape))


def broadcast(array: Array, shape: Sequence[int]) -> Operand:
    """An array read at every point of a box that it is broadcast to."""
    shift = len(shape) - len(array.shape)
    axes = [
        ((f"d{i + shift}", 1),) if extent != 1 and i + shift >= 0 else ()
        for i, extent in enumerate(array.shape)
    ]
    return operand(array, *axes)


def coordinates(array: Array, axes: Sequence[Axis]) -> list[Operand]:
    """A tensor whose last axis holds coordinates, all of them read at every point: an operand for each."""
    return [operand(array, *axes, ())] * array.shape[-1]


def along(array: Array, axes: Sequence[int]) -> Operand:
    """An array whose own axes stand for some axes of the op's box (scale and bias of a norm)."""
    own = [((f"d{axis}", 1),) if extent != 1 else () for axis, extent in zip(axes, array.shape, strict=True)]
    return operand(array, *own)


def _name(node: Node, part: str) -> str:
    return f"{node.name}/{part}" if part else node.name
