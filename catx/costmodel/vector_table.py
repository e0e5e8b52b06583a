"""What each kind of vector op does: lane operations per element and per row, and passes over a row.

A lane does one simple operation (add, multiply, multiply-add, compare, select, min, max, logic, shift, round,
conversion) per cycle. Special functions (2^x, log2, 1/x, 1/sqrt, sin, cos) take `SPECIAL_CYCLES`. Everything
else is written out in these two classes, so that every number below can be counted by hand;
docs/vector-ops.md does so, and puts beside it what CATransformers' code charges.
"""

from dataclasses import dataclass

from catx.errors import GraphError
from catx.names import unknown_name

SPECIAL_CYCLES = 4.0
"""Lane cycles of a special function. CUDA C++ Programming Guide, "Throughput of native arithmetic
instructions", compute capability 5.0 to 7.x: a quarter of the rate of multiply-adds (32 to 128, 16 to 64)."""

SPECIAL_ENERGY = 4.0
"""Energy of a special function in simple operations: a table look-up, a squarer and two multiply-adds of a
quadratic interpolation (Oberman & Siu, ARITH 2005). CATransformers' code has 2 pJ for a look-up against
0.469 pJ for a multiply-add, 4.3 times."""


@dataclass(frozen=True, slots=True)
class Work:
    """Lane operations: simple ones and special functions."""

    simple: float = 0.0
    special: float = 0.0

    @property
    def cycles(self) -> float:
        """Cycles of one lane."""
        return self.simple + SPECIAL_CYCLES * self.special

    @property
    def energy_ops(self) -> float:
        """Energy, in simple operations."""
        return self.simple + SPECIAL_ENERGY * self.special


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorKind:
    """One row of the table.

    `element` is done at every point of the op's domain, summed over all passes; `row` once per row of the
    reduced dims. `passes` counts how often the first input is read. `reductions` counts the values that a row
    is folded into, each with a tree across the lanes that share the row. With `sorts`, `element` is done once
    per level of a heap of the results that a row keeps.
    """

    element: Work
    row: Work = Work()
    passes: int = 1
    reductions: int = 0
    sorts: bool = False


def _simple(operations: float) -> VectorKind:
    return VectorKind(element=Work(operations))


def _function(simple: float, special: float) -> VectorKind:
    return VectorKind(element=Work(simple, special))


def _fold(operations: float, row: Work = Work()) -> VectorKind:
    return VectorKind(element=Work(operations), row=row, reductions=1)


_ONE = (
    *(
        "add",
        "sub",
        "mul",
        "square",
        "max",
        "min",
        "neg",
        "abs",
        "relu",
        "where",
        "compare",
        "logic",
        "bitwise",
    ),
    *("cast", "round", "transpose", "concat", "pad", "copy", "gather", "scatter", "batchnorm"),
)
"""Kinds of one simple operation. Movement takes an element through a lane; a batchnorm of inference is one
multiply-add with constants folded ahead."""

_NORM = VectorKind(  # sum and sum of squares; then x * rstd - mean * rstd, times scale plus bias
    element=Work(4), row=Work(4, 1), passes=2, reductions=2
)

_ROOT = Work(1, 1)
"""sqrt(x) = x * rsqrt(x)."""

VECTOR_TABLE: dict[str, VectorKind] = {
    **dict.fromkeys(_ONE, _simple(1)),
    "cube": _simple(2),  # x * x * x
    "clip": _simple(2),  # max, min
    "leaky_relu": _simple(2),  # multiply, max
    "dequantize": _simple(2),  # convert, multiply-add
    "quantize": _simple(4),  # multiply-add, round, max, min
    "hardsigmoid": _simple(3),  # multiply-add, max, min
    "hardswish": _simple(4),  # the same, multiply
    "resize_nearest": _simple(1),  # movement
    "resize_linear": _simple(6),  # three linear interpolations of a subtract and a multiply-add (bilinear)
    "resize_cubic": _simple(20),  # five cubic ones of four multiply-adds, weights known ahead (bicubic)
    "unknown": _simple(0),  # only its data is known
    "join": _simple(0),  # the parts of a tensor stand where they belong
    "reciprocal": _function(0, 1),
    "rsqrt": _function(0, 1),
    "div": _function(1, 1),  # 1/y, multiply
    "sqrt": VectorKind(element=_ROOT),
    "exp": _function(1, 1),  # times log2(e), 2^x
    "log": _function(1, 1),  # log2, times ln(2)
    "sin": _function(1, 1),  # range reduction, sine
    "cos": _function(1, 1),
    "pow": _function(1, 2),  # 2^(y * log2(x))
    "mod": _function(3, 1),  # 1/y, multiply, floor, multiply-add
    "sigmoid": _function(2, 2),  # 1 / (1 + 2^(-x log2(e)))
    "silu": _function(3, 2),  # x * sigmoid(x)
    "quick_gelu": _function(3, 2),  # x * sigmoid(1.702 x), the factor folded into the exponent
    "tanh": _function(3, 2),  # 1 - 2 / (1 + 2^(2 x log2(e)))
    "softcap": _function(5, 2),  # c * tanh(x / c)
    "softplus": _function(3, 2),  # log(1 + exp(x))
    "elu": _function(3, 1),  # exp, multiply-add, select
    "erf": _function(11, 2),  # Abramowitz & Stegun 7.1.26: 1 - poly(1 / (1 + p |x|)) exp(-x^2), with sign
    "gelu": _function(14, 2),  # x/2 + x/2 erf(x / sqrt(2))
    "lrn": _function(6, 2),  # running sum of squares (3), multiply-add, power, multiply
    "reduce_sum": _fold(1),
    "reduce_max": _fold(1),
    "reduce_prod": _fold(1),
    "reduce_sumsq": _fold(1),
    "reduce_mean": _fold(1, Work(1)),
    "maxpool": _fold(1),
    "avgpool": _fold(1, Work(1)),
    "lppool": _fold(1, _ROOT),  # p = 2
    "cumsum": _fold(1),
    "argmax": _fold(2),  # compare, select the place
    "topk": VectorKind(element=Work(2), reductions=1, sorts=True),
    # Three passes, the "safe" softmax of Milakov & Gimelshein, arXiv 1805.02867: max; subtract and scale,
    # 2^x, add; subtract and scale, 2^x, times 1/sum. log_softmax: the same two; subtract max + log(sum).
    "softmax": VectorKind(element=Work(5, 2), row=Work(0, 1), passes=3, reductions=2),
    "log_softmax": VectorKind(element=Work(4, 1), row=Work(2, 1), passes=3, reductions=2),
    "layernorm": _NORM,
    "groupnorm": _NORM,
    "instancenorm": _NORM,
    "rmsnorm": VectorKind(element=Work(3), row=Work(2, 1), passes=2, reductions=1),
    "lpnorm": VectorKind(element=Work(2), row=Work(0, 1), passes=2, reductions=1),  # p = 2
}


def vector_kind(name: str) -> VectorKind:
    """The row of a kind."""
    if name not in VECTOR_TABLE:
        raise unknown_name("kind of vector op", name, VECTOR_TABLE, error=GraphError)
    return VECTOR_TABLE[name]
