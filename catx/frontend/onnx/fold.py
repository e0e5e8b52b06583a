"""Constant folding: values of nodes whose inputs are known and small.

The operators that shape arithmetic is made of are computed here with numpy, which onnx's reference evaluator
would do too, at ten times the import and set-up time; rarer ones go to the reference evaluator.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.proto_types import DTYPES, FLOATS, SMALL

Array = NDArray[Any]
Outputs = list[tuple[int, tuple[int, ...] | None]]
"""Element type and shape of each output; None for a shape that depends on values."""
Function = Callable[[Call, Outputs], list[Array] | None]

NOT_CONSTANT = frozenset(
    {
        "Bernoulli",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
        "DequantizeLinear",
        "DynamicQuantizeLinear",
        "QuantizeLinear",
    }
)
"""Operators that do not fold: random ones, and quantization, whose narrow types are what memory holds."""

_REFERENCE = frozenset(
    {
        *("ArgMax", "ArgMin", "BitShift", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "CastLike"),
        *(
            "Clip",
            "Compress",
            "Cos",
            "CumSum",
            "Erf",
            "Exp",
            "EyeLike",
            "GatherND",
            "IsInf",
        ),
        *(
            "IsNaN",
            "Log",
            "OneHot",
            "Pad",
            "ReduceL1",
            "ReduceL2",
            "ReduceMean",
            "ReduceSumSquare",
            "Reciprocal",
        ),
        *("Round", "ScatterElements", "ScatterND", "Sigmoid", "Sign", "Sin", "Tanh", "TopK", "Unique", "Xor"),
    }
)
"""Cheap operators that the reference evaluator computes in time and memory linear in their operands."""
_REFERENCE_FLOATS = 64
"""Float results above this size are tables (positions, masks) whose values no shape depends on."""

_BOUNDED = {"Compress", "NonZero", "Range", "Unique"}
"""Operators whose results are small or checked as they are made, though their shapes depend on values."""

_FAILURES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
    AssertionError,
)
"""What numpy and the reference evaluator raise on values that an operator is not defined for."""


def evaluate(call: Call, outputs: Outputs) -> list[Array] | None:
    """Values of a node's outputs; None where they are not known, or not worth computing.

    Args:
        call: the node; every input that it has must have data for a result.
        outputs: what is known of its outputs.

    Raises:
        ModelError: the operator is not defined for these values (an index out of range, say).
    """
    missing = any(name and data is None for name, data in zip(call.node.input, call.data, strict=True))
    if missing or call.node.domain:
        return None
    if any(elem not in DTYPES or not _fits(call.op, shape) for elem, shape in outputs):
        return None
    try:
        with np.errstate(all="ignore"):
            if function := _NUMPY.get(call.op):
                found = function(call, outputs)
                return None if found is None else _typed(found, outputs)
            if call.op in _REFERENCE and _worth_it(outputs):
                return _by_reference(call)
    except NotImplementedError:
        return None
    except _FAILURES as error:
        raise call.error(
            f"cannot be computed: {str(error).splitlines()[0] if str(error) else 'no value'}"
        ) from error
    return None


def _fits(op: str, shape: tuple[int, ...] | None) -> bool:
    return op in _BOUNDED if shape is None else prod(shape) <= SMALL


def _worth_it(outputs: Outputs) -> bool:
    return all(
        elem not in FLOATS or (shape is not None and prod(shape) <= _REFERENCE_FLOATS)
        for elem, shape in outputs
    )


def _typed(found: list[Array], outputs: Outputs) -> list[Array] | None:
    """The results in the types that the operator declares, without padding results that nobody wants."""
    arrays = []
    for array, (elem, _) in zip(found, outputs, strict=True):
        arrays.append(np.asarray(array, _dtype(elem)))
    return arrays if all(array.size <= SMALL for array in arrays) else None


def _dtype(elem_type: int) -> np.dtype[Any]:
    return onnx.helper.tensor_dtype_to_np_dtype(elem_type)


def _by_reference(call: Call) -> list[Array]:
    from onnx.reference import ReferenceEvaluator

    names = [name for name in dict.fromkeys(call.node.input) if name]
    known = {name: data for name, data in zip(call.node.input, call.data, strict=True) if name}
    types = dict(zip(call.node.input, call.types, strict=True))
    infos = [onnx.ValueInfoProto(name=name, type=types[name]) for name in names]
    wanted = [onnx.ValueInfoProto(name=name) for name in call.node.output if name]
    graph = onnx.GraphProto(name="g", node=[call.node], input=infos, output=wanted)
    opset = onnx.OperatorSetIdProto(domain="", version=call.version)
    model = onnx.ModelProto(ir_version=8, graph=graph, opset_import=[opset])
    results = iter(ReferenceEvaluator(model).run(None, known))
    return [np.asarray(next(results)) if name else np.empty(0) for name in call.node.output]


def _in(call: Call, index: int) -> Array:
    data = call.data_at(index)
    if data is None:
        raise ValueError(f"input {index} is missing")
    return data


def _axes(call: Call, attribute: str, index: int) -> tuple[int, ...] | None:
    """Axes from an attribute (old opsets) or an input (new ones)."""
    if attribute in call.attributes:
        return tuple(call.attributes[attribute])
    data = call.data_at(index)
    return None if data is None else tuple(int(axis) for axis in data.reshape(-1))


def _relabel(call: Call, outputs: Outputs) -> list[Array] | None:
    shape = outputs[0][1]
    return None if shape is None else [_in(call, 0).reshape(shape)]


def _elementwise(function: Callable[..., Any]) -> Function:
    """A numpy function of the operator's inputs."""

    def apply(call: Call, outputs: Outputs) -> list[Array]:
        return [np.asarray(function(*(data for data in call.data if data is not None)))]

    return apply


def _chain(function: Callable[[Any, Any], Any]) -> Function:
    """An associative numpy function over any number of inputs."""

    def apply(call: Call, outputs: Outputs) -> list[Array]:
        total = _in(call, 0)
        for index in range(1, len(call.data)):
            total = function(total, _in(call, index))
        return [np.asarray(total)]

    return apply


def _divide(left: Array, right: Array) -> Any:
    """Integers are divided as in C: towards zero."""
    if left.dtype.kind not in "iu":
        return np.divide(left, right)
    if not np.all(right):
        raise ZeroDivisionError("division by zero")
    quotient, rest = left // right, left % right
    return quotient + ((rest != 0) & ((left < 0) != (right < 0)))


def _modulo(call: Call, outputs: Outputs) -> list[Array]:
    left, right = _in(call, 0), _in(call, 1)
    if right.dtype.kind in "iu" and not np.all(right):
        raise ZeroDivisionError("division by zero")
    return [np.fmod(left, right) if call.attributes.get("fmod", 0) else np.mod(left, right)]


def _power(call: Call, outputs: Outputs) -> list[Array] | None:
    base, exponent = _in(call, 0), _in(call, 1)
    if base.dtype.kind in "iu" and exponent.dtype.kind in "iu" and np.any(exponent < 0):
        return None
    return [np.power(base, exponent)]


def _gather(call: Call, outputs: Outputs) -> list[Array]:
    return [np.take(_in(call, 0), _in(call, 1), axis=call.attributes.get("axis", 0))]


def _gather_elements(call: Call, outputs: Outputs) -> list[Array]:
    """As onnxruntime does it; onnx 1.23's evaluator takes at most 64 rows and wraps indices out of range."""
    data, indices = _in(call, 0), _in(call, 1)
    axis = call.attributes.get("axis", 0) % data.ndim
    part = tuple(slice(None if at == axis else extent) for at, extent in enumerate(indices.shape))
    return [np.take_along_axis(data[part], indices, axis)]


def _concat(call: Call, outputs: Outputs) -> list[Array]:
    return [
        np.concatenate([_in(call, index) for index in range(len(call.data))], call.attributes.get("axis", 1))
    ]


def _slice(call: Call, outputs: Outputs) -> list[Array]:
    data = _in(call, 0)
    starts, ends = _axes(call, "starts", 1) or (), _axes(call, "ends", 2) or ()
    axes = _axes(call, "axes", 3)
    steps = _axes(call, "", 4) or (1,) * len(starts)
    index = [slice(None)] * data.ndim
    for axis, start, end, step in zip(axes or range(len(starts)), starts, ends, steps, strict=True):
        index[axis] = slice(start, end, step)
    return [data[tuple(index)]]


def _transpose(call: Call, outputs: Outputs) -> list[Array]:
    return [np.transpose(_in(call, 0), call.attributes.get("perm"))]


def _expand(call: Call, outputs: Outputs) -> list[Array] | None:
    shape = outputs[0][1]
    return None if shape is None else [np.broadcast_to(_in(call, 0), shape)]


def _constant_of_shape(call: Call, outputs: Outputs) -> list[Array] | None:
    value, shape = call.attributes.get("value"), outputs[0][1]
    filler = np.zeros((), np.float32) if value is None else value.reshape(-1)[0]
    return None if shape is None else [np.broadcast_to(filler, shape)]


def _tile(call: Call, outputs: Outputs) -> list[Array]:
    return [np.tile(_in(call, 0), [int(count) for count in _in(call, 1)])]


def _range(call: Call, outputs: Outputs) -> list[Array] | None:
    start, limit, delta = (_in(call, index).reshape(()) for index in range(3))
    if not delta:
        raise ZeroDivisionError("the step of a range is zero")
    count = np.maximum(np.ceil((limit.astype(float) - start.astype(float)) / delta), 0)
    if not count <= SMALL:
        return None
    return [start + np.arange(int(count)).astype(start.dtype) * delta]


def _trilu(call: Call, outputs: Outputs) -> list[Array]:
    offset = call.data_at(1)
    cut = np.triu if call.attributes.get("upper", 1) else np.tril
    return [cut(_in(call, 0), 0 if offset is None else int(offset.reshape(())))]


def _reduce(function: Callable[..., Any]) -> Function:
    """A reduction with axes from an attribute or an input, `keepdims` and `noop_with_empty_axes`."""

    def apply(call: Call, outputs: Outputs) -> list[Array] | None:
        data, axes = _in(call, 0), _axes(call, "axes", 1)
        if not data.size:
            return None
        if not axes:
            if call.attributes.get("noop_with_empty_axes", 0):
                return [data]
            axes = tuple(range(data.ndim))
        return [np.asarray(function(data, axis=axes, keepdims=bool(call.attributes.get("keepdims", 1))))]

    return apply


def _split(call: Call, outputs: Outputs) -> list[Array] | None:
    axis = call.attributes.get("axis", 0)
    extents = [shape[axis] for _, shape in outputs if shape is not None]
    if len(extents) != len(outputs):
        return None
    return list(np.split(_in(call, 0), np.cumsum(extents)[:-1], axis))


def _nonzero(call: Call, outputs: Outputs) -> list[Array]:
    data = _in(call, 0)
    return [np.stack(np.nonzero(data)) if data.ndim else np.zeros((0, int(data != 0)))]


def _cast(call: Call, outputs: Outputs) -> list[Array]:
    return [_in(call, 0).astype(_dtype(outputs[0][0]))]


_NUMPY: dict[str, Function] = {
    "Abs": _elementwise(np.abs),
    "Add": _elementwise(np.add),
    "And": _elementwise(np.logical_and),
    "Cast": _cast,
    "Ceil": _elementwise(np.ceil),
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Div": _elementwise(_divide),
    "Equal": _elementwise(np.equal),
    "Expand": _expand,
    "Flatten": _relabel,
    "Floor": _elementwise(np.floor),
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "Greater": _elementwise(np.greater),
    "GreaterOrEqual": _elementwise(np.greater_equal),
    "Identity": _relabel,
    "Less": _elementwise(np.less),
    "LessOrEqual": _elementwise(np.less_equal),
    "Max": _chain(np.maximum),
    "Min": _chain(np.minimum),
    "Mod": _modulo,
    "Mul": _elementwise(np.multiply),
    "Neg": _elementwise(np.negative),
    "NonZero": _nonzero,
    "Not": _elementwise(np.logical_not),
    "Or": _elementwise(np.logical_or),
    "Pow": _power,
    "Range": _range,
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
    "ReduceProd": _reduce(np.prod),
    "ReduceSum": _reduce(np.sum),
    "Reshape": _relabel,
    "Slice": _slice,
    "Split": _split,
    "Sqrt": _elementwise(np.sqrt),
    "Squeeze": _relabel,
    "Sub": _elementwise(np.subtract),
    "Sum": _chain(np.add),
    "Tile": _tile,
    "Transpose": _transpose,
    "Trilu": _trilu,
    "Unsqueeze": _relabel,
    "Where": _elementwise(np.where),
}
