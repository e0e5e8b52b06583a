"""The matrix products of Llama 3 8B, from its published configuration.

Source: Meta, "The Llama 3 Herd of Models", arXiv:2407.21783, table 3: 32 layers, width 4,096, FFN 14,336, 32
heads of queries in 8 groups that share keys and values, vocabulary 128,256 (128,000 there, 128,256 with the
special tokens of the released weights).
"""

import catx
from catx.ir.dtype import DType
from catx.ir.operand import plain_axes

LAYERS, WIDTH, FFN, VOCABULARY = 32, 4_096, 14_336, 128_256
HEADS, GROUPS = 32, 8
HEAD = WIDTH // HEADS

PREFILL_TOKENS = 2_048
CACHED_TOKENS = 8_192
"""Keys and values that one decoding step reads."""

Products = dict[catx.Einsum, int]
"""Einsums, and how often each runs."""


def _linear(rows: int, inner: int, columns: int, dtype: DType) -> catx.Einsum:
    """output[m, n] += input[m, k] * weight[k, n]; without m where there is one row."""
    m = ("m",) if rows > 1 else ()
    return catx.Einsum(
        name=f"{rows}x{inner}x{columns}",
        op="MatMul",
        dims=((("m", rows),) if m else ()) + (("k", inner), ("n", columns)),
        inputs=(
            catx.Operand("input", plain_axes(*m, "k"), dtype),
            catx.Operand("weight", plain_axes("k", "n"), dtype),
        ),
        output=catx.Operand("output", plain_axes(*m, "n"), dtype),
    )


def _attention(queries: int, inner: int, columns: int, dtype: DType) -> catx.Einsum:
    """output[h, g, m, n] += input[h, g, m, k] * weight[h, k, n]: the g heads of a group share the weight."""
    m = ("m",) if queries > 1 else ()
    extents = {"h": GROUPS, "g": HEADS // GROUPS} | ({"m": queries} if m else {}) | {"k": inner, "n": columns}
    return catx.Einsum(
        name=f"{HEADS}x{queries}x{inner}x{columns}",
        op="MatMul",
        dims=tuple(extents.items()),
        inputs=(
            catx.Operand("input", plain_axes("h", "g", *m, "k"), dtype),
            catx.Operand("weight", plain_axes("h", "k", "n"), dtype),
        ),
        output=catx.Operand("output", plain_axes("h", "g", *m, "n"), dtype),
    )


def products(tokens: int, context: int, dtype: DType) -> Products:
    """All products of a pass: `tokens` queries see `context` keys each (no part of a mask is left out).

    The head runs for the last token alone.
    """
    layer = [
        *2 * [_linear(tokens, WIDTH, WIDTH, dtype)],  # queries, and what attention gives
        *2 * [_linear(tokens, WIDTH, GROUPS * HEAD, dtype)],  # keys, values
        _attention(tokens, HEAD, context, dtype),
        _attention(tokens, context, HEAD, dtype),
        *2 * [_linear(tokens, WIDTH, FFN, dtype)],  # gate, up
        _linear(tokens, FFN, WIDTH, dtype),
    ]
    counts: Products = {}
    for einsum in layer:
        counts[einsum] = counts.get(einsum, 0) + LAYERS
    head = _linear(1, WIDTH, VOCABULARY, dtype)
    counts[head] = counts.get(head, 0) + 1
    return counts


def prefill(dtype: DType) -> Products:
    """The first pass over a prompt."""
    return products(PREFILL_TOKENS, PREFILL_TOKENS, dtype)


def decode(dtype: DType) -> Products:
    """One step of decoding with a full cache."""
    return products(1, CACHED_TOKENS, dtype)
