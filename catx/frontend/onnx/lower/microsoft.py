"""Fused transformer operators of onnxruntime (domain com.microsoft)."""

from dataclasses import dataclass, replace

from catx.errors import ModelError
from catx.frontend.onnx.lower.attention import Heads, attend
from catx.frontend.onnx.lower.build import Step, along, both, contraction, elementwise, rows, vector
from catx.frontend.onnx.lower.movement import concat_op
from catx.frontend.onnx.lower.node import Array, Lowered, Node, ax, operand
from catx.frontend.onnx.lower.registry import MICROSOFT, rule
from catx.ir.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Inputs:
    """Q, K, V as an attention reads them, and what was made to get them."""

    q: Array
    k: Array
    v: Array
    made: Lowered


def _score_steps(node: Node, masks: list[int], causal: bool) -> list[tuple[Step, Array | None]]:
    """Scale, cap, masks, softmax."""
    steps = [Step("", "qk"), Step("mul", "scale")]
    if node.number("softcap", 0.0) > 0:
        steps.append(Step("softcap", "softcap"))
    for index in masks:
        if node.has(index):
            mask = node.value(index)
            whole = mask.dtype.is_float
            view = Tensor(mask.name, _on_scores(mask.shape), mask.dtype, "activation")
            steps.append(
                Step("add", f"bias{index}", (view,)) if whole else Step("where", f"mask{index}", (view,))
            )
    if causal:
        steps.append(Step("where", "causal"))
    return [(step, None) for step in (*steps, Step("softmax", "softmax"))]


def _on_scores(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of a mask as it broadcasts to (b, heads, queries, keys): lengths, keys, or queries and keys."""
    if len(shape) > 3:
        return shape
    return (shape[0], *((1,) * (4 - len(shape))), *shape[1:])


@rule("MultiHeadAttention", domain=MICROSOFT)
def multi_head_attention(node: Node) -> Lowered:
    """Attention of separate Q, K, V with an optional bias on each, masks and cache."""
    heads = node.integer("num_heads", 0)
    q = node.value(0)
    if len(q.shape) == 5 or not node.has(1) or len(node.shape(1)) == 5:
        raise node.unsupported("packed Q, K, V")
    k, v = node.value(1), node.value(2)
    if heads < 1 or len(q.shape) != 3 or q.shape[2] % heads:
        raise ModelError(f"{heads} heads of queries {q.shape}", loc=node.loc)
    parts = Inputs(q, k, v, Lowered())
    if node.has(3):
        parts = _biased(node, parts)
    parts = _cached(node, parts, heads, (6, 7), (1, 2))
    size = _sizes(q.shape, parts, heads, heads)
    steps = _score_steps(node, [4, 5], bool(node.integer("unidirectional", 0)))
    return both(parts.made, attend(node, size, (parts.q, parts.k, parts.v), node.out(), steps))


def _sizes(q: tuple[int, ...], parts: Inputs, heads: int, shared: int) -> Heads:
    """Sizes from the shapes of Q (b, m, hidden) and of K and V in either form."""
    k, v = parts.k.shape, parts.v.shape
    return Heads(
        batch=q[0],
        shared=shared,
        repeat=heads // shared,
        queries=q[1],
        keys=k[-2],
        width=q[2] // heads,
        value_width=v[3] if len(v) == 4 else v[2] // shared,
    )


def _biased(node: Node, parts: Inputs) -> Inputs:
    """Q, K, V plus their stretches of one bias vector."""
    made: list[Lowered] = [parts.made]
    result: list[Array] = []
    bias = node.value(3)
    for array, part in ((parts.q, "q"), (parts.k, "k"), (parts.v, "v")):
        if len(array.shape) != 3:
            result.append(array)
            continue
        out = node.temp(part, array.shape, array.dtype)
        stretch = Tensor(bias.name, array.shape[-1:], bias.dtype, "activation")
        op = elementwise(node, "add", [array, stretch], out, part=f"{part}.bias")
        made.append(Lowered(ops=(op,), tensors=(out,)))
        result.append(out)
    return Inputs(result[0], result[1], result[2], both(*made))


def _cached(
    node: Node, parts: Inputs, shared: int, past: tuple[int, int], present: tuple[int, int]
) -> Inputs:
    """K and V behind those of the cache."""
    made, result = [parts.made], list[Array]()
    for array, old, new, part in zip((parts.k, parts.v), past, present, ("key", "value"), strict=True):
        if node.has(old):
            cache = node.value(old)
            tokens = array.shape[-2] + cache.shape[2]
            shape: tuple[int, ...] = (cache.shape[0], shared, tokens, cache.shape[3])
            if node.wants(new) and node.out(new).shape == cache.shape:
                shape = cache.shape
            whole = node.temp(part, shape, array.dtype)
            views = ((node.out(new).name, whole.name),) if node.wants(new) else ()
            op = concat_op(node, [cache, array], whole, f"{part}.cache")
            made.append(Lowered(ops=(op,), tensors=(whole,), views=views))
            result.append(whole)
        else:
            if node.wants(new):
                made.append(Lowered(views=((node.out(new).name, array.name),)))
            result.append(array)
    return Inputs(parts.q, result[0], result[1], both(*made))


@rule("GroupQueryAttention", domain=MICROSOFT)
def group_query_attention(node: Node) -> Lowered:
    """Attention with fewer key heads than query heads, a cache, and optional rotary embedding."""
    heads, shared = node.integer("num_heads", 0), node.integer("kv_num_heads", 0)
    if heads < 1 or shared < 1 or heads % shared:
        raise ModelError(f"{heads} query heads on {shared} key heads", loc=node.loc)
    q = node.value(0)
    if node.has(1):
        parts = Inputs(q, node.value(1), node.value(2), Lowered())
    else:
        parts = _unpacked(node, q, heads, shared)
    if node.integer("do_rotary", 0):
        turned_q = rotary(node, parts.q, heads, 7, "q")
        turned_k = rotary(node, parts.k, shared, 7, "k")
        made = both(parts.made, turned_q[0], turned_k[0])
        parts = Inputs(turned_q[1], turned_k[1], parts.v, made)
    parts = _cached(node, parts, shared, (3, 4), (1, 2))
    steps = _score_steps(node, [10], True)
    size = _sizes(parts.q.shape, parts, heads, shared)
    return both(parts.made, attend(node, size, (parts.q, parts.k, parts.v), node.out(), steps))


def _unpacked(node: Node, packed: Array, heads: int, shared: int) -> Inputs:
    """Q, K, V as slices of one tensor (b, tokens, (heads + 2 shared) * width)."""
    batch, tokens, hidden = packed.shape
    width = hidden // (heads + 2 * shared)
    parts = [
        node.temp(part, (batch, tokens, count * width), packed.dtype)
        for part, count in (("q", heads), ("k", shared), ("v", shared))
    ]
    views = tuple((part.name, packed.name) for part in parts)
    return Inputs(parts[0], parts[1], parts[2], Lowered(tensors=tuple(parts), views=views))


def rotary(node: Node, x: Array, heads: int, cos_at: int, part: str) -> tuple[Lowered, Tensor]:
    """Sum of x * cos and rotated(x) * sin: the rotation itself is addressing."""
    out = node.temp(f"{part}.turned", x.shape, x.dtype)
    return rotary_ops(node, x, out, heads, (node.value(cos_at), node.value(cos_at + 1)), part), out


def rotary_ops(
    node: Node, x: Array, out: Array, heads: int, tables: tuple[Array, Array], part: str
) -> Lowered:
    """The ops of a rotary embedding on (b, tokens, heads * width) or (b, heads, tokens, width)."""
    four = len(x.shape) == 4
    tokens = x.shape[2] if four else x.shape[1]
    heads = x.shape[1] if four else heads
    width = x.shape[3] if four else x.shape[2] // max(heads, 1)
    if heads < 1 or width % 2:
        raise ModelError(f"rotary embedding of {x.shape} with {heads} heads", loc=node.loc)
    dims = {"b": x.shape[0], "m": tokens, "h": heads, "s": 2, "e": width // 2}
    inner = (("h", width), ("s", width // 2), ("e", 1))
    axes = (*ax("b", "h", "m"), inner[1:]) if four else (*ax("b", "m"), inner)
    products = [node.temp(f"{part}.{name}", x.shape, x.dtype) for name in ("cos", "sin")]
    ops = [
        vector(
            node,
            "mul",
            dims,
            [operand(x, *axes), operand(table, *ax("b", "m", "e")[-len(table.shape) :])],
            [operand(result, *axes)],
            part=f"{part}.{name}",
        )
        for table, result, name in zip(tables, products, ("cos", "sin"), strict=True)
    ]
    reads = [operand(product, *axes) for product in products]
    ops.append(vector(node, "add", dims, reads, [operand(out, *axes)], part=f"{part}.add"))
    return Lowered(ops=tuple(ops), tensors=(out, *products) if isinstance(out, Tensor) else tuple(products))


@rule("RotaryEmbedding")
def rotary_embedding(node: Node) -> Lowered:
    """Rotary embedding of one tensor; its tables hold a row per token."""
    tables = (node.value(1), node.value(2))
    return rotary_ops(node, node.value(0), node.out(), node.integer("num_heads", 0), tables, "x")


@rule("RotaryEmbedding", domain=MICROSOFT)
def microsoft_rotary_embedding(node: Node) -> Lowered:
    """The same with the positions as second input."""
    x, tables = node.value(0), (node.value(2), node.value(3))
    heads = node.integer("num_heads", 0)
    if not heads and len(x.shape) == 3:
        heads = max(1, x.shape[2] // (2 * tables[0].shape[-1]))
    return rotary_ops(node, x, node.out(), heads, tables, "x")


@rule("Attention", domain=MICROSOFT)
def packed_attention(node: Node) -> Lowered:
    """Projection to Q, K, V in one product, then attention."""
    x, weights = node.value(0), node.value(1)
    heads = node.integer("num_heads", 0)
    sizes = node.ints("qkv_hidden_sizes", [weights.shape[1] // 3] * 3)
    if heads < 1 or len(x.shape) != 3 or sum(sizes) != weights.shape[1] or any(s % heads for s in sizes):
        raise ModelError(f"{heads} heads of weights {weights.shape}", loc=node.loc)
    if node.has(4):
        raise node.unsupported("past state in one tensor")
    if node.integer("do_rotary", 0):
        raise node.unsupported("rotary embedding without tables")
    shape = (x.shape[0], x.shape[1], sum(sizes))
    raw = node.temp("qkv.raw" if node.has(2) else "qkv", shape, x.dtype)
    dims = {"b": x.shape[0], "m": x.shape[1], "n": sum(sizes), "k": x.shape[2]}
    factors = (operand(x, *ax("b", "m", "k")), operand(weights, *ax("k", "n")))
    ops = [contraction(node, dims, factors, operand(raw, *ax("b", "m", "n")), part="qkv")]
    whole, vectors = raw, []
    if node.has(2):
        whole = node.temp("qkv", shape, x.dtype)
        vectors.append(elementwise(node, "add", [raw, node.value(2)], whole, part="bias"))
    parts = [node.temp(part, (*shape[:2], size), x.dtype) for part, size in zip("qkv", sizes, strict=True)]
    views = tuple((part.name, whole.name) for part in parts)
    made = Lowered(ops=(*ops, *vectors), tensors=(*dict.fromkeys((raw, whole)), *parts), views=views)
    if node.wants(1):
        kept = concat_op(node, parts[1:], node.out(1), "present")
        made = both(made, Lowered(ops=(replace(kept, kind="copy"),)))
    inputs = Inputs(parts[0], parts[1], parts[2], made)
    steps = _score_steps(node, [3, 5], bool(node.integer("unidirectional", 0)))
    size = _sizes(parts[0].shape, inputs, heads, heads)
    return both(made, attend(node, size, (inputs.q, inputs.k, inputs.v), node.out(), steps))


@rule("EmbedLayerNormalization", domain=MICROSOFT)
def embed_layer_norm(node: Node) -> Lowered:
    """Token, position and segment embeddings, their sum and its norm."""
    out = node.out()
    batch, tokens, width = out.shape
    dims = {"b": batch, "m": tokens, "e": width}
    axes = ax("b", "m", "e")
    ops, temps, current = [], list[Tensor](), None
    for ids, table, part in ((0, 2, "word"), (None, 3, "position"), (1, 4, "segment")):
        if not node.has(table) or (ids is not None and not node.has(ids)):
            continue
        read = [operand(node.value(table), *(ax("m", "e") if ids is None else axes))]
        read += [operand(node.value(ids), *ax("b", "m"))] if ids is not None else []
        looked_up = node.temp(part, out.shape, out.dtype)
        ops.append(vector(node, "gather", dims, read, [operand(looked_up, *axes)], part=part))
        temps.append(looked_up)
        if current is not None:
            total = node.temp(f"{part}.sum", out.shape, out.dtype)
            ops.append(elementwise(node, "add", [current, looked_up], total, part=f"{part}.add"))
            temps.append(total)
            looked_up = total
        current = looked_up
    if current is None:
        raise ModelError("EmbedLayerNormalization without a table", loc=node.loc)
    extra = [along(node.value(index), [2]) for index in (5, 6) if node.has(index)]
    ops.append(rows(node, "layernorm", current, out, [2], extra=extra))
    views = ((node.out(2).name, current.name),) if node.wants(2) else ()
    if node.wants(1):
        raise node.unsupported("its mask index is read")
    return Lowered(ops=tuple(ops), tensors=tuple(temps), views=views)
