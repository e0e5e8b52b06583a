"""Lowering rules by operator family; importing this package registers them all."""

from catx.frontend.onnx.lower import (
    activation,
    attention,
    conv,
    conv_transpose,
    einsum,
    elementwise,
    gather,
    matmul,
    microsoft,
    movement,
    norm,
    quantize,
    recurrent,
    reduce,
    views,
)
from catx.frontend.onnx.lower.lowering import lower
from catx.frontend.onnx.lower.registry import RULES

__all__ = [
    "RULES",
    "activation",
    "attention",
    "conv",
    "conv_transpose",
    "einsum",
    "elementwise",
    "gather",
    "lower",
    "matmul",
    "microsoft",
    "movement",
    "norm",
    "quantize",
    "recurrent",
    "reduce",
    "views",
]
