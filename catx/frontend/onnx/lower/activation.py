"""Activations: one elementwise op each, or a short chain where the function is made of others."""

from catx.frontend.onnx.lower.build import Step, both, chain, elementwise
from catx.frontend.onnx.lower.node import Array, Lowered, Node
from catx.frontend.onnx.lower.registry import MICROSOFT, rule

KINDS = {
    "Relu": "relu",
    "LeakyRelu": "leaky_relu",
    "PRelu": "leaky_relu",
    "ThresholdedRelu": "relu",
    "Shrink": "clip",
    "Clip": "clip",
    "Elu": "elu",
    "Selu": "elu",
    "Celu": "elu",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "hardsigmoid",
    "HardSwish": "hardswish",
    "Tanh": "tanh",
    "ScaledTanh": "tanh",
    "Softplus": "softplus",
    "Swish": "silu",
    "Gelu": "gelu",
    "FastGelu": "gelu",
    "QuickGelu": "quick_gelu",
    "Erf": "erf",
    "Affine": "mul",
}
"""Operator -> row of the vector cost table. ThresholdedRelu is a compare and a select, like Relu."""


def activation_kind(node: Node, name: str) -> str:
    """The kind of an activation that is an attribute of another operator (FusedConv, LSTM)."""
    kinds = {op.lower(): kind for op, kind in KINDS.items()}
    if name.lower() not in kinds:
        raise node.unsupported(f"activation {name!r}")
    return kinds[name.lower()]


@rule(*(name for name in KINDS if name not in ("FastGelu", "QuickGelu", "PRelu", "ScaledTanh", "Affine")))
def activation(node: Node) -> Lowered:
    """One function of each element; bounds and slopes are constants of the instruction."""
    kind = KINDS[node.raw.op_type]
    return Lowered(ops=(elementwise(node, kind, [node.value(0)], node.out()),))


@rule("PRelu")
def prelu(node: Node) -> Lowered:
    """A leaky relu whose slopes are a tensor."""
    return Lowered(ops=(elementwise(node, "leaky_relu", [node.value(0), node.value(1)], node.out()),))


@rule("ScaledTanh", "Affine")
@rule("Gelu", "QuickGelu", domain=MICROSOFT)
def other_activation(node: Node) -> Lowered:
    """Activations of other domains and older opsets."""
    kind = KINDS[node.raw.op_type]
    return Lowered(ops=(elementwise(node, kind, [node.value(0)], node.out()),))


@rule("FastGelu", "BiasGelu", domain=MICROSOFT)
def biased_gelu(node: Node) -> Lowered:
    """gelu(x + bias); FastGelu's bias is optional."""
    out = node.out()
    if not node.has(1):
        return Lowered(ops=(elementwise(node, "gelu", [node.value(0)], out),))
    reads: list[Array] = [node.value(0), node.value(1)]
    return chain(
        node, lambda raw: elementwise(node, "add", reads, raw, part="bias"), [Step("gelu", "gelu")], out
    )


@rule("Mish")
def mish(node: Node) -> Lowered:
    """Product of x and tanh(softplus(x))."""
    x, out = node.value(0), node.out()
    gate = node.temp("gate", out.shape, out.dtype)
    made = chain(
        node,
        lambda raw: elementwise(node, "softplus", [x], raw, part="softplus"),
        [Step("tanh", "tanh")],
        gate,
    )
    last = Lowered(ops=(elementwise(node, "mul", [x, gate], out),), tensors=(gate,))
    return both(made, last)


@rule("Softsign")
def softsign(node: Node) -> Lowered:
    """Quotient of x and 1 + |x|."""
    x, out = node.value(0), node.out()
    bottom = node.temp("bottom", out.shape, out.dtype)
    made = chain(
        node, lambda raw: elementwise(node, "abs", [x], raw, part="abs"), [Step("add", "add")], bottom
    )
    last = Lowered(ops=(elementwise(node, "div", [x, bottom], out),), tensors=(bottom,))
    return both(made, last)


@rule("SwiGLU")
def swiglu(node: Node) -> Lowered:
    """silu(gate) * up."""
    gate = node.value(0)
    return chain(
        node,
        lambda raw: elementwise(node, "silu", [gate], raw, part="silu"),
        [Step("mul", "up", (node.value(1),))],
        node.out(),
    )
