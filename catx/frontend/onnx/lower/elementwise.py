"""Elementwise arithmetic, comparison, logic and type conversion, with numpy broadcasting."""

import numpy as np

from catx.frontend.onnx.lower.build import Step, chain, elementwise
from catx.frontend.onnx.lower.node import Array, Lowered, Node
from catx.frontend.onnx.lower.registry import MICROSOFT, rule
from catx.ir.dtype import DType

UNARY = {
    "Abs": "abs",
    "Neg": "neg",
    "Sign": "compare",
    "Not": "logic",
    "BitwiseNot": "bitwise",
    "IsNaN": "compare",
    "IsInf": "compare",
    "Floor": "round",
    "Ceil": "round",
    "Round": "round",
    "Exp": "exp",
    "Log": "log",
    "Sqrt": "sqrt",
    "Reciprocal": "reciprocal",
    "Sin": "sin",
    "Cos": "cos",
    "Tan": "sin",
    "Asin": "sin",
    "Acos": "cos",
    "Atan": "sin",
    "Sinh": "exp",
    "Cosh": "exp",
    "Asinh": "log",
    "Acosh": "log",
    "Atanh": "log",
}
"""Operator -> row of the vector cost table; rare functions stand with the one whose evaluation they need:
inverse trigonometry is a polynomial like sin, hyperbolic functions need exp, their inverses log."""

BINARY = {
    "Add": "add",
    "Sub": "sub",
    "Mul": "mul",
    "Mod": "mod",
    "Equal": "compare",
    "Greater": "compare",
    "GreaterOrEqual": "compare",
    "Less": "compare",
    "LessOrEqual": "compare",
    "And": "logic",
    "Or": "logic",
    "Xor": "logic",
    "BitShift": "bitwise",
    "BitwiseAnd": "bitwise",
    "BitwiseOr": "bitwise",
    "BitwiseXor": "bitwise",
}

POWERS = {0.5: "sqrt", -0.5: "rsqrt", -1.0: "reciprocal", 2.0: "square", 3.0: "cube"}
"""Known exponents that are cheaper than a general power."""


@rule(*UNARY)
def unary(node: Node) -> Lowered:
    """A function of one tensor."""
    return Lowered(ops=(elementwise(node, UNARY[node.raw.op_type], [node.value(0)], node.out()),))


@rule(*BINARY)
def binary(node: Node) -> Lowered:
    """A function of two tensors that broadcast to each other."""
    inputs = [node.value(0), node.value(1)]
    return Lowered(ops=(elementwise(node, BINARY[node.raw.op_type], inputs, node.out()),))


@rule("Div")
def div(node: Node) -> Lowered:
    """A quotient; by a known number it is a product with its reciprocal."""
    inputs = [node.value(0), node.value(1)]
    known = node.immediate(inputs[1]) and node.out().dtype.is_float
    return Lowered(ops=(elementwise(node, "mul" if known else "div", inputs, node.out()),))


@rule("Pow")
def power(node: Node) -> Lowered:
    """A power; known small exponents are products and roots."""
    exponent = node.const(1)
    kind = "pow"
    if exponent is not None and exponent.size == 1:
        kind = POWERS.get(float(np.asarray(exponent, dtype=np.float64).ravel()[0]), "pow")
    return Lowered(ops=(elementwise(node, kind, [node.value(0), node.value(1)], node.out()),))


@rule("Where")
def where(node: Node) -> Lowered:
    """A choice of two by a third."""
    inputs = [node.value(0), node.value(1), node.value(2)]
    return Lowered(ops=(elementwise(node, "where", inputs, node.out()),))


@rule("Sum", "Max", "Min", "Mean")
def variadic(node: Node) -> Lowered:
    """A fold over any number of tensors: one op per pair; a mean divides at the end."""
    kind = {"Sum": "add", "Mean": "add", "Max": "max", "Min": "min"}[node.raw.op_type]
    inputs = node.given()
    if len(inputs) == 1:
        reason = "the fold of one tensor is that tensor"
        return node.view(inputs[0], reason, node.layout(inputs[0].name))
    first: list[Array] = [inputs[0], inputs[1]]
    steps = [Step(kind, f"{i}", (array,)) for i, array in enumerate(inputs[2:], 2)]
    steps += [Step("mul", "mean")] if node.raw.op_type == "Mean" else []
    return chain(node, lambda out: elementwise(node, kind, first, out), steps, node.out())


@rule("Cast", "CastLike", "BitCast")
def cast(node: Node) -> Lowered:
    """A conversion; free where the bits stay as they are. To a bool it is a comparison with zero."""
    source, out = node.value(0), node.out()
    same_bits = source.dtype.bits == out.dtype.bits
    if node.raw.op_type != "BitCast":
        same_bits = same_bits and _keeps_bits(source.dtype, out.dtype)
    if same_bits:
        return node.view(source, "conversion that leaves the bits as they are", node.layout(source.name))
    kind = "compare" if out.dtype is DType.BOOL else "cast"
    return Lowered(ops=(elementwise(node, kind, [source], out),))


def _keeps_bits(source: DType, out: DType) -> bool:
    """Whether a conversion between types of one width changes no bit.

    Integers of other signs wrap around; a bool is stored as 0 or 1, which it stays as an integer. Types of 4
    and 8 bits that are one here are several in ONNX (e4m3 and e5m2), and converting between those is work.
    """
    if source.is_float:
        return source is out and source not in (DType.FP8, DType.FP4)
    return not out.is_float and (out is not DType.BOOL or source is DType.BOOL)


@rule("BiasAdd", domain=MICROSOFT)
def bias_add(node: Node) -> Lowered:
    """Sum of x, bias and skip."""
    x, bias, skip = node.value(0), node.value(1), node.value(2)
    return chain(
        node, lambda out: elementwise(node, "add", [x, bias], out), [Step("add", "skip", (skip,))], node.out()
    )
