"""Kinds of vector ops: the vocabulary between frontends, passes and the vector cost table."""

ELEMENTWISE = frozenset(
    {
        "add",
        "sub",
        "mul",
        "square",
        "cube",
        "div",
        "mod",
        "neg",
        "abs",
        "max",
        "min",
        "clip",
        "round",
        "where",
        "compare",
        "logic",
        "bitwise",
        "cast",
        "quantize",
        "dequantize",
        "exp",
        "log",
        "sqrt",
        "rsqrt",
        "reciprocal",
        "pow",
        "erf",
        "sin",
        "cos",
        "tanh",
        "sigmoid",
        "hardsigmoid",
        "softplus",
        "relu",
        "leaky_relu",
        "elu",
        "silu",
        "hardswish",
        "gelu",
        "quick_gelu",
        "softcap",
        "batchnorm",
    }
)
"""Each result depends on one element of every input: such an op can run on results as they are made."""

ROWWISE = frozenset(
    {
        "softmax",
        "log_softmax",
        "layernorm",
        "rmsnorm",
        "groupnorm",
        "instancenorm",
        "lpnorm",
        "lrn",
        "reduce_sum",
        "reduce_mean",
        "reduce_max",
        "reduce_prod",
        "reduce_sumsq",
        "argmax",
        "topk",
        "cumsum",
        "maxpool",
        "avgpool",
        "lppool",
    }
)
"""Each result depends on a row or a window, along the op's reduced dims."""

MOVEMENT = frozenset(
    {
        "gather",
        "scatter",
        "resize_nearest",
        "resize_linear",
        "resize_cubic",
        "pad",
        "concat",
        "transpose",
        "copy",
        "join",
        "unknown",
    }
)
"""Nothing is computed, but for interpolation; unknown ops are costed as if so. A join moves nothing either:
it marks a tensor complete that several ops wrote in parts."""

KINDS = ELEMENTWISE | ROWWISE | MOVEMENT
"""Every kind that a frontend writes."""
