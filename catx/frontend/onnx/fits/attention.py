"""Attention: do queries, keys, values, caches and masks fit each other?"""

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.fits.expect import Shape, broadcasts, has_shape, integer, known_shapes, misfit


def attention(call: Call) -> None:
    """ONNX Attention: Q, K, V as (batch, heads, tokens, width) or (batch, tokens, heads * width)."""
    found = known_shapes(call, 0, 1, 2)
    if found is None:
        return
    for place, (role, shape) in enumerate(zip(("Q", "K", "V"), found, strict=True)):
        if len(shape) not in (3, 4) or len(shape) != len(found[0]):
            raise misfit(
                call,
                place,
                role,
                "(batch, heads, tokens, width) or (batch, tokens, hidden), as Q, K and V alike",
            )
    counts = [integer(call, "q_num_heads", 0), *[integer(call, "kv_num_heads", 0)] * 2]
    if len(found[0]) == 4:
        counts = [shape[1] for shape in found]
    if min(counts) < 1:
        raise call.error("q_num_heads and kv_num_heads must be given where Q, K and V have 3 axes")
    for place, (role, shape, heads) in enumerate(zip(("Q", "K", "V"), found, counts, strict=True)):
        if len(shape) == 3 and shape[2] % heads:
            raise misfit(call, place, role, f"a multiple of its {heads} heads on the last axis")
    if counts[0] % counts[1]:
        raise misfit(call, 0, "Q", f"a multiple of the {counts[1]} heads of K, not {counts[0]}")
    q, k, v = (_split(shape, heads) for shape, heads in zip(found, counts, strict=True))
    _agree(call, q, k, v)
    total = k[2] + _past(call, 4, "past_key", k) if call.shape_at(4) else k[2]
    _past(call, 5, "past_value", v)
    scores = (q[0], q[1], q[2], total)
    mask = call.shape_at(3)
    if mask and call.version >= 24 and mask[-1] <= total:
        scores = (*scores[:3], mask[-1])
    broadcasts(call, 3, "attn_mask", scores, "batch, query heads, queries, keys")
    has_shape(call, 6, "nonpad_kv_seqlen", [(q[0],)], "one length per entry of the batch")


def _split(shape: Shape, heads: int) -> Shape:
    """(batch, heads, tokens, width) of either form."""
    return shape if len(shape) == 4 else (shape[0], heads, shape[1], shape[2] // heads)


def _agree(call: Call, q: Shape, k: Shape, v: Shape) -> None:
    """Refuse K that does not fit Q, and V that does not fit K; each is (batch, heads, tokens, width)."""
    if k[0] != q[0]:
        raise misfit(call, 1, "K", f"batch {q[0]}, as Q")
    if k[3] != q[3]:
        raise misfit(call, 1, "K", f"heads of width {q[3]}, as Q; its {k[1]} heads have width {k[3]}")
    if v[:3] != k[:3]:
        raise misfit(call, 2, "V", f"batch {k[0]}, {k[1]} heads and {k[2]} tokens, as K")


def _past(call: Call, place: int, role: str, new: Shape) -> int:
    """Tokens of a cache (batch, heads, tokens, width) that goes before new ones."""
    old = call.shape_at(place)
    if old is None:
        return 0
    if len(old) != 4 or (*old[:2], old[3]) != (*new[:2], new[3]):
        raise misfit(call, place, role, f"[{new[0]}, {new[1]}, any, {new[3]}]: batch, heads, tokens, width")
    return old[2]


def multi_head_attention(call: Call) -> None:
    """MultiHeadAttention: Q, K, V apart, with as many heads each."""
    found, heads = known_shapes(call, 0, 1, 2), integer(call, "num_heads", 0)
    if found is None or heads < 1 or len(found[0]) != 3:
        return
    for place, (role, shape) in enumerate(zip(("query", "key", "value"), found, strict=True)):
        if len(shape) not in (3, 4) or (place == 2 and len(shape) != len(found[1])):
            return
        if len(shape) == 3 and shape[2] % heads:
            raise misfit(call, place, role, f"a multiple of num_heads = {heads} on the last axis")
    q, k, v = (_split(shape, heads) for shape in found)
    if k[1] != heads:
        raise misfit(call, 1, "key", f"num_heads = {heads} heads (axis 1)")
    _agree(call, q, k, v)
    bias = heads * (q[3] + k[3] + v[3])
    has_shape(call, 3, "bias", [(bias,)], "one number per place of the last axes of query, key and value")
    for place, role, new in ((6, "past_key", k), (7, "past_value", v)):
        _past(call, place, role, new)


def group_query_attention(call: Call) -> None:
    """GroupQueryAttention: Q with more heads than K and V, or all three packed in one tensor."""
    found = known_shapes(call, 0)
    heads, shared = integer(call, "num_heads", 0), integer(call, "kv_num_heads", 0)
    if found is None or min(heads, shared) < 1 or heads % shared or len(found[0]) != 3:
        return
    (query,) = found
    rest = known_shapes(call, 1, 2)
    count = heads if rest else heads + 2 * shared
    if query[2] % count:
        parts = (
            f"num_heads = {heads}" if rest else f"{heads} query heads and twice {shared} of keys and values"
        )
        raise misfit(call, 0, "query", f"a multiple of {parts} on the last axis")
    width = query[2] // count
    if rest is None:
        k: Shape = (query[0], shared, query[1], width)
        v = k
    else:
        for place, (role, shape) in enumerate(zip(("key", "value"), rest, strict=True), 1):
            if len(shape) != 3 or shape[2] != shared * width:
                size = f"{shared * width} on the last axis"
                raise misfit(
                    call, place, role, f"{size}: kv_num_heads = {shared} heads of width {width}, as query"
                )
        k, v = (_split(shape, shared) for shape in rest)
        _agree(call, _split(query, heads), k, v)
    for place, role, new in ((3, "past_key", k), (4, "past_value", v)):
        _past(call, place, role, new)


def packed_attention(call: Call) -> None:
    """Attention of com.microsoft: input, weights of the projection, its bias."""
    found = known_shapes(call, 0, 1)
    if found is None or len(found[0]) != 3 or len(found[1]) != 2:
        return
    x, w = found
    if w[0] != x[2]:
        raise misfit(call, 1, "weights", f"{x[2]} rows (axis 0), as its input {list(x)} has columns")
    has_shape(call, 2, "bias", [(w[1],)], "one number per column of the weights")


def rotary(call: Call) -> None:
    """RotaryEmbedding: the tables hold half a head, or half of the part that turns."""
    positions = bool(call.node.domain)
    cos, sin = (2, 3) if positions else (1, 2)
    found = known_shapes(call, 0, cos, sin)
    if found is None or len(found[0]) not in (3, 4):
        return
    x, table, other = found
    heads = integer(call, "num_heads", 0)
    if other != table:
        raise misfit(call, sin, "sin_cache", f"{list(table)}, as cos_cache")
    if len(x) == 3 and heads < 1:
        return
    width = integer(call, "rotary_embedding_dim", 0) or (x[3] if len(x) == 4 else x[2] // heads)
    if not table or 2 * table[-1] != width:
        raise misfit(
            call, cos, "cos_cache", f"{width // 2} on the last axis: half of the {width} numbers that turn"
        )
