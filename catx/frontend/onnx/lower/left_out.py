"""What is left out where a node with bodies (If, Loop, Scan) is costed by its data movement alone."""

from collections import Counter

from onnx import GraphProto

from catx.frontend.onnx.functions import walk_nodes
from catx.frontend.onnx.lower.registry import MICROSOFT, find
from catx.frontend.onnx.resolved import ResolvedNode
from catx.ir.graph import LeftOut

CONTRACTIONS = frozenset(
    {
        *(("", op) for op in ("MatMul", "Gemm", "Einsum", "Conv", "ConvTranspose", "Attention")),
        *(("", op) for op in ("MatMulInteger", "ConvInteger", "QLinearMatMul", "QLinearConv")),
        *(("", op) for op in ("LSTM", "GRU", "RNN", "DeformConv")),
        *((MICROSOFT, op) for op in ("FusedMatMul", "TransposeMatMul", "FusedGemm", "FusedConv", "Conv")),
        *((MICROSOFT, op) for op in ("Attention", "MultiHeadAttention", "GroupQueryAttention")),
        *((MICROSOFT, op) for op in ("DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulInteger16")),
        *((MICROSOFT, op) for op in ("QGemm", "MatMulNBits", "MatMulBnb4", "DynamicQuantizeLSTM")),
    }
)
"""Operators that multiply matrices, with a rule or without."""


def left_out(node: ResolvedNode) -> tuple[LeftOut, ...]:
    """What stands in a node's bodies, nested ones included; nothing for a node without bodies."""
    values = [value if isinstance(value, list) else [value] for value in node.attributes.values()]
    graphs = [graph for value in values for graph in value if isinstance(graph, GraphProto)]
    if not graphs:
        return ()
    contractions, unknown = Counter[str](), Counter[str]()
    others = 0
    for inner in (inner for graph in graphs for inner in walk_nodes(graph.node)):
        name = f"{inner.domain}.{inner.op_type}" if inner.domain else inner.op_type
        if (inner.domain, inner.op_type) in CONTRACTIONS:
            contractions[name] += 1
        elif inner.domain and find(inner.domain, inner.op_type) is None:
            unknown[name] += 1
        elif inner.op_type != "Constant":
            others += 1
    matrix, other = tuple(sorted(contractions.items())), tuple(sorted(unknown.items()))
    return (LeftOut(node.name, node.op_type, matrix, other, others),)
