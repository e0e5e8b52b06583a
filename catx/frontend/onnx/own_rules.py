"""Shape rules of our own, for standard operators where onnx's inference is inexact or incomplete."""

from collections.abc import Callable
from math import prod

from onnx import TypeProto

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.proto_types import checked_shape, shape_of, tensor_type


def exact_type(call: Call) -> TypeProto | None:
    """Type of the only output, by a rule that needs no inference; None where it does not apply.

    Raises:
        ModelError: the inputs do not fit together.
    """
    rule = _EXACT.get(call.op)
    vectors = call.data[1:]
    named = call.node.input[1:]
    known = all(
        (data is not None and data.dtype.kind in "iu") or not name
        for name, data in zip(named, vectors, strict=True)
    )
    return rule(call) if rule and known and not call.node.domain and len(call.node.output) == 1 else None


def corrected_type(call: Call, inferred: TypeProto | None) -> TypeProto | None:
    """The inferred type of the first output, put right where onnx is known to be wrong."""
    return _half_spectrum(call, inferred) if call.op == "STFT" and not call.node.domain else inferred


def _reshaped(call: Call) -> TypeProto | None:
    """Reshape in exact integers: onnx multiplies in 64 bits and does not compare element counts."""
    data, target = call.type_at(0), call.data_at(1)
    source = call.shape_at(0)
    if source is None or data is None or target is None:
        return None
    wanted = [int(extent) for extent in target.reshape(-1).tolist()]
    if not call.attributes.get("allowzero", 0):
        if any(extent == 0 and axis >= len(source) for axis, extent in enumerate(wanted)):
            raise call.error(f"{wanted} keeps an axis that its input of shape {list(source)} does not have")
        wanted = [source[axis] if extent == 0 else extent for axis, extent in enumerate(wanted)]
    known = prod(extent for extent in wanted if extent != -1)
    if wanted.count(-1) == 1 and known > 0 and prod(source) % known == 0:
        wanted[wanted.index(-1)] = prod(source) // known
    if min(wanted, default=0) < 0 or prod(wanted) != prod(source):
        raise call.error(f"cannot turn shape {list(source)} into {target.reshape(-1).tolist()}")
    return tensor_type(data.tensor_type.elem_type, checked_shape(call.node.output[0], wanted, call.loc))


def _half_spectrum(call: Call, inferred: TypeProto | None) -> TypeProto | None:
    """The result of STFT, which keeps half of a real signal's spectrum unless told otherwise.

    onnx 1.23 infers the whole spectrum where the attribute `onesided` is missing, though 1 is its default.
    """
    shape = shape_of(inferred) if inferred else None
    if inferred is None or shape is None or "onesided" in call.attributes:
        return inferred
    frame, window = call.data_at(3), call.shape_at(2)
    length = int(frame.reshape(())) if frame is not None else window[0] if window else shape[2]
    return tensor_type(inferred.tensor_type.elem_type, (*shape[:2], length // 2 + 1, shape[3]))


def _sliced(call: Call) -> TypeProto | None:
    """Slice with bounds clamped on both sides: onnx does so only for bounds that are inputs."""
    data, source = call.type_at(0), call.shape_at(0)
    starts, ends = _vector(call, "starts", 1), _vector(call, "ends", 2)
    if data is None or source is None or starts is None or ends is None:
        return None
    axes = _vector(call, "axes", 3) or list(range(len(starts)))
    steps = _vector(call, "steps", 4) or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise call.error(f"its vectors do not fit together: {starts}, {ends}, {axes}, {steps}")
    shape = list(source)
    for axis, bounds in zip(axes, zip(starts, ends, steps, strict=True), strict=True):
        if not -len(shape) <= axis < len(shape):
            raise call.error(f"axis {axis} of a tensor with {len(shape)} axes")
        shape[axis] = len(range(source[axis])[slice(*bounds)])
    return tensor_type(data.tensor_type.elem_type, shape)


def _vector(call: Call, name: str, index: int) -> list[int] | None:
    """A list of integers from an attribute (opset 9 and below) or an input."""
    if name in call.attributes:
        return list(call.attributes[name])
    values = call.data_at(index)
    return None if values is None else [int(value) for value in values.reshape(-1).tolist()]


_EXACT: dict[str, Callable[[Call], TypeProto | None]] = {"Reshape": _reshaped, "Slice": _sliced}
