"""Coverage: what became of every node of a model, and what a report says of the model."""

from catx.ir.graph import Graph
from catx.ir.report import Coverage, ModelInfo
from catx.ir.vector_op import VectorOp


def coverage(graph: Graph) -> Coverage:
    """Count the model's nodes: costed by some op, free, or unknown.

    A node that several ops cover counts once, and as unknown if one of them is of unknown kind.
    `unknown_ops` lists the operators of unknown nodes, each once.
    """
    covered: set[str] = set()
    unknown: dict[str, str] = {}
    for op in graph.walk():
        covered.update(op.sources)
        if isinstance(op, VectorOp) and op.kind == "unknown":
            unknown |= dict.fromkeys(op.sources, op.op)
    return Coverage(
        costed=len(covered - unknown.keys()),
        free=len(graph.free),
        unknown=len(unknown),
        unknown_ops=tuple(dict.fromkeys(unknown.values())),
        free_nodes=graph.free,
    )


def model_info(graph: Graph) -> ModelInfo:
    """What a report says of a model."""
    return ModelInfo(
        name=graph.name,
        file=graph.loc.file,
        sha256=graph.sha256,
        macs=graph.macs,
        parameters=graph.parameters,
        parameter_bytes=graph.parameter_bytes,
        coverage=coverage(graph),
        notes=graph.notes,
    )
