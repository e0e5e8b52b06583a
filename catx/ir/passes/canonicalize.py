"""Pass canonicalize: functions that a model writes out in many small ops become the one op that they are.

- `gelu` from Erf or Tanh, `silu` and `quick_gelu` from Sigmoid, `hardswish` from HardSigmoid
- `layernorm` and `rmsnorm` from means, squares and roots
- a scale on the factors of a product of two activations (Q and K of attention) becomes one on the product

The new op has the name of the last op that it replaces and the sources of all of them. Known single numbers
are no operands, so patterns see them as missing inputs; a number other than the usual one would be the same
work. Invariant: multiply-accumulates, inputs, outputs.
"""

from catx.ir.graph import Graph, Op
from catx.ir.passes.pattern import Finder
from catx.ir.passes.patterns_activation import match_gated
from catx.ir.passes.patterns_gelu import match_gelu
from catx.ir.passes.patterns_norm import match_norm
from catx.ir.passes.patterns_scale import move_scales
from catx.ir.passes.registry import register
from catx.ir.passes.rewrite import with_ops

PATTERNS = (match_gelu, match_gated, match_norm)


@register("canonicalize")
def canonicalize(graph: Graph) -> Graph:
    """Merge what is written out into single ops."""
    for pattern in PATTERNS:
        find = Finder.of(graph)
        gone: set[str] = set()
        made: dict[str, Op] = {}
        for op in graph.ops:
            match = pattern(find, op)
            names = {part.name for part in match.parts} if match else set()
            if match and not names & gone:
                gone |= names
                made[match.parts[-1].name] = match.op
        if made:
            ops = [made.get(op.name, op) for op in graph.ops if op.name in made or op.name not in gone]
            graph = with_ops(graph, ops)
    return move_scales(graph)
