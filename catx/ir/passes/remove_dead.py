"""Pass remove-dead: drop ops whose results nobody reads, and everything that only they needed.

Keeps every graph output. A node that only dropped ops covered is free from then on, so that every node of
the model is still accounted for.
"""

from catx.ir.graph import Graph, Op, op_inputs, op_outputs
from catx.ir.passes.registry import register
from catx.ir.passes.rewrite import freed, with_ops


@register("remove-dead")
def remove_dead(graph: Graph) -> Graph:
    """Drop ops without effect on the outputs."""
    live = {graph.resolve(name) for name in graph.outputs}
    kept: list[Op] = []
    dead: list[Op] = []
    for op in reversed(graph.ops):
        if live.isdisjoint(op_outputs(op)):
            dead.append(op)
            continue
        kept.append(op)
        live.update(graph.resolve(name) for name in op_inputs(op))
    if not dead:
        return graph
    kept.reverse()
    return with_ops(graph, kept, free=freed(graph, reversed(dead), kept, "dead: nobody reads its result"))
