"""Attention: Q K^T, scale, cap, mask, softmax, A V, the same einsums as attention written out.

Dims: b0 (batch), b1 (heads of K and V), m0 (query heads that share one), m1 (queries), n (keys), k
(width of a head). In A V, n is the width of a value and k runs over the keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from catx.errors import ModelError
from catx.frontend.onnx.lower.build import Step, both, contraction, elementwise, rows
from catx.frontend.onnx.lower.movement import concat_op
from catx.frontend.onnx.lower.node import Array, Lowered, Node, ax, operand
from catx.frontend.onnx.lower.registry import rule
from catx.ir.dtype import DType
from catx.ir.operand import Axis
from catx.ir.tensor import Tensor
from catx.ir.vector_op import VectorOp


@dataclass(frozen=True, slots=True)
class Heads:
    """Sizes of an attention: batch, key heads, query heads per key head, queries, keys, widths."""

    batch: int
    shared: int
    repeat: int
    queries: int
    keys: int
    width: int
    value_width: int

    @property
    def scores(self) -> tuple[int, int, int, int]:
        """Shape of the score matrices."""
        return (self.batch, self.shared * self.repeat, self.queries, self.keys)


def head_axes(rank: int, token: str, width: str, extent: int, repeat: int = 0) -> tuple[Axis, ...]:
    """Axes of Q, K, V in either form: (b, heads, tokens, width) or (b, tokens, heads * width).

    `extent` is the width; `repeat` is the number of query heads per key head, 0 for K and V.
    """
    if rank == 4:
        return (*ax("b0"), (("b1", repeat), ("m0", 1)) if repeat else (("b1", 1),), *ax(token, width))
    hidden = (("b1", max(repeat, 1) * extent), *((("m0", extent),) if repeat else ()), (width, 1))
    return (*ax("b0", token), hidden)


def attend(
    node: Node,
    size: Heads,
    qkv: tuple[Array, Array, Array],
    out: Array,
    steps: Sequence[tuple[Step, Array | None]],
) -> Lowered:
    """The ops of one attention: Q K^T is the first step, what follows works on the scores, then A V.

    A step may name the array that holds its result, where somebody else reads it too.
    """
    q, k, v = qkv
    if prod(q.shape) != size.batch * size.shared * size.repeat * size.queries * size.width:
        raise ModelError(
            f"queries of {node.raw.op_type} have shape {list(q.shape)}; expected a batch of {size.batch}, "
            f"{size.shared * size.repeat} heads, {size.queries} tokens and a width of {size.width}",
            loc=node.loc,
        )
    dtype = out.dtype
    temps = {
        step.part: node.temp(f"{step.part}.out", size.scores, dtype) for step, named in steps if not named
    }
    results = [named or temps[step.part] for step, named in steps]
    common = {"b0": size.batch, "b1": size.shared, "m0": size.repeat, "m1": size.queries}
    whole = ax("b0", "b1", "m0", "m1", "n")
    dims = common | {"n": size.keys, "k": size.width}
    factors = (
        operand(q, *head_axes(len(q.shape), "m1", "k", size.width, size.repeat)),
        operand(k, *head_axes(len(k.shape), "n", "k", size.width)),
    )
    first = contraction(node, dims, factors, operand(results[0], *whole), part=steps[0][0].part)
    vectors = [
        _on_scores(node, step, previous, result)
        for (step, _), previous, result in zip(steps[1:], results, results[1:], strict=False)
    ]
    dims = common | {"n": size.value_width, "k": size.keys}
    weights = operand(results[-1], *ax("b0"), (("b1", size.repeat), ("m0", 1)), *ax("m1", "k"))
    values = operand(v, *head_axes(len(v.shape), "k", "n", size.value_width))
    last = contraction(node, dims, (weights, values), operand(out, *whole), part="av")
    return Lowered(ops=(first, *vectors, last), tensors=tuple(temps.values()))


def _on_scores(node: Node, step: Step, scores: Array, result: Array) -> VectorOp:
    """A step on the scores (b, heads, queries, keys)."""
    if step.kind == "softmax":
        return rows(node, "softmax", scores, result, [3], part=step.part)
    return elementwise(node, step.kind, [scores, *step.extra], result, part=step.part)


def mask_step(mask: Array) -> Step:
    """A mask of truth values chooses, one of numbers is added."""
    return Step("where" if mask.dtype is DType.BOOL else "add", "mask", (mask,))


@rule("Attention")
def attention(node: Node) -> Lowered:
    """ONNX Attention: 3-D or 4-D inputs, grouped heads, masks, cache, soft cap."""
    q, k, v = node.value(0), node.value(1), node.value(2)
    heads = _head_counts(node, q.shape, k.shape)
    cache, k_read, v_read = _cache(node, k, v, heads[1])
    size = _sizes(node, q.shape, k_read.shape, v_read.shape, heads)
    stage = node.integer("qk_matmul_output_mode", 0)
    named = node.out(3) if node.wants(3) else None
    steps: list[tuple[Step, int]] = [(Step("", "qk"), -1)]
    if node.number("scale", 0.0) != 1.0:
        steps.append((Step("mul", "scale"), 0))
    if node.has(3):
        steps.append((mask_step(node.value(3)), 1))
    if node.has(6):
        steps.append((Step("where", "padding", (_per_batch(node.value(6)),)), 1))
    if node.integer("is_causal", 0):
        steps.append((Step("where", "causal"), 1))
    if max(node.integer("left_window_size", -1), node.integer("right_window_size", -1)) >= 0:
        steps.append((Step("where", "window"), 1))
    if node.number("softcap", 0.0) != 0.0:
        steps.append((Step("softcap", "softcap"), 2))
    steps.append((Step("softmax", "softmax"), 3))
    shown = max(i for i, (_, at) in enumerate(steps) if at <= stage)
    placed = [(step, named if i == shown else None) for i, (step, _) in enumerate(steps)]
    return both(cache, attend(node, size, (q, k_read, v_read), node.out(), placed))


def _per_batch(lengths: Array) -> Array:
    """One length per batch entry, shaped to broadcast to the scores."""
    return Tensor(lengths.name, (*lengths.shape, 1, 1, 1), lengths.dtype, "activation")


def _head_counts(node: Node, q: tuple[int, ...], k: tuple[int, ...]) -> tuple[int, int]:
    """Heads of Q, and of K and V."""
    counts = (
        q[1] if len(q) == 4 else node.integer("q_num_heads", 0),
        k[1] if len(k) == 4 else node.integer("kv_num_heads", 0),
    )
    if min(counts) < 1 or counts[0] % counts[1]:
        raise ModelError(f"{counts[0]} query heads on {counts[1]} key heads", loc=node.loc)
    return counts


def _sizes(
    node: Node, q: tuple[int, ...], k: tuple[int, ...], v: tuple[int, ...], heads: tuple[int, int]
) -> Heads:
    """Sizes from shapes in either form."""
    rank_ok = all(len(shape) in (3, 4) for shape in (q, k, v))
    if not rank_ok:
        raise ModelError(f"attention of shapes {q}, {k}, {v}", loc=node.loc)
    shared = heads[1]
    return Heads(
        batch=q[0],
        shared=shared,
        repeat=heads[0] // shared,
        queries=q[-2],
        keys=k[-2],
        width=q[-1] if len(q) == 4 else q[-1] // heads[0],
        value_width=v[-1] if len(v) == 4 else v[-1] // shared,
    )


def _cache(node: Node, k: Array, v: Array, shared: int) -> tuple[Lowered, Array, Array]:
    """Keys and values behind those of the cache: what was made for that, and what attention then reads."""
    made: list[Lowered] = []
    read: list[Array] = []
    for new, past, present, part in ((k, 4, 1, "key"), (v, 5, 2, "value")):
        if node.has(past):
            old = node.value(past)
            tokens = new.shape[-2] + old.shape[2]
            shape = (old.shape[0], shared, tokens, old.shape[3])
            whole: Array = node.out(present) if node.wants(present) else node.temp(part, shape, new.dtype)
            temps = () if node.wants(present) else (Tensor(whole.name, shape, new.dtype, "activation"),)
            made.append(Lowered(ops=(concat_op(node, [old, new], whole, f"{part}.cache"),), tensors=temps))
            read.append(whole)
        else:
            if node.wants(present):
                made.append(Lowered(views=((node.out(present).name, new.name),)))
            read.append(new)
    return both(*made), read[0], read[1]
