import pytest

from catx.costmodel.vector_table import SPECIAL_CYCLES, VECTOR_TABLE, Work, vector_kind
from catx.errors import GraphError

KINDS = (
    *(
        "add",
        "sub",
        "mul",
        "div",
        "relu",
        "leaky_relu",
        "max",
        "min",
        "neg",
        "abs",
        "clip",
        "where",
        "compare",
    ),
    *("logic", "cast", "quantize", "dequantize", "exp", "log", "sqrt", "rsqrt", "reciprocal", "pow", "erf"),
    *("tanh", "sigmoid", "silu", "gelu", "quick_gelu", "sin", "cos", "round", "softmax", "log_softmax"),
    *(
        "layernorm",
        "rmsnorm",
        "batchnorm",
        "groupnorm",
        "instancenorm",
        "lpnorm",
        "reduce_sum",
        "reduce_mean",
    ),
    *(
        "reduce_max",
        "reduce_prod",
        "reduce_sumsq",
        "argmax",
        "topk",
        "cumsum",
        "maxpool",
        "avgpool",
        "lppool",
    ),
    *("gather", "scatter", "resize_nearest", "resize_linear", "pad", "concat", "transpose", "copy"),
    *("unknown", "hardsigmoid"),
    *("hardswish", "elu", "softplus", "lrn", "mod", "bitwise", "softcap"),
)


def test_every_kind_of_the_frontend_has_a_row() -> None:
    assert set(KINDS) <= set(VECTOR_TABLE)


def test_compound_functions_are_made_of_their_parts() -> None:
    element = {name: row.element for name, row in VECTOR_TABLE.items()}
    # x * sigmoid(x); c * tanh(x / c); x/2 + x/2 erf(x / sqrt(2)); x^y = 2^(y log2(x))
    assert element["silu"].cycles == element["sigmoid"].cycles + 1
    assert element["softcap"].cycles == element["tanh"].cycles + 2
    assert element["gelu"].cycles == element["erf"].cycles + 3
    assert element["hardswish"].cycles == element["hardsigmoid"].cycles + 1
    assert element["exp"].cycles == element["log"].cycles == 1 + SPECIAL_CYCLES
    assert element["pow"].cycles == 1 + 2 * SPECIAL_CYCLES


def test_rows_of_several_passes() -> None:
    assert vector_kind("softmax").passes == 3
    assert vector_kind("layernorm").passes == 2
    # max; subtract-scale, 2^x, add; subtract-scale, 2^x, scale
    assert vector_kind("softmax").element == Work(1 + 2 + 2, 2)
    assert all(row.element.cycles >= 0 and row.passes >= 1 for row in VECTOR_TABLE.values())


def test_unknown_kind() -> None:
    with pytest.raises(GraphError, match="did you mean 'softmax'"):
        vector_kind("sofmax")
