"""Sizes for dynamic dimensions: which ones a model has, and what the user gives for them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, helper

from catx.arguments import MAX_SIZE, SIZE
from catx.arguments import shown as as_given
from catx.errors import Loc, ModelError, OptionError
from catx.frontend.onnx.names import printable, shown
from catx.frontend.onnx.proto_types import checked_shape, shape_of, tensor_type
from catx.names import listed, nearest


def dynamic_dims(value: ValueInfoProto) -> Iterator[tuple[int, str]]:
    """Axis and name of each dimension of a tensor that has no size; "x.0" where the file gives no name.

    A name without letters or digits, such as the `?` of some exporters, is none: it stands for any size, and
    not for the same one wherever it stands.

    A size of -1 counts as none, as exporters write it for "any". So does 0, which is a size in ONNX but was
    none to some exporters: `bind_inputs` asks which of the two it is.
    """
    for axis, dim in enumerate(value.type.tensor_type.shape.dim):
        if any(map(str.isalnum, dim.dim_param)) and dim.dim_param not in _NO_NAMES:
            yield axis, dim.dim_param
        elif dim.dim_param or dim.dim_value in (0, -1):
            yield axis, f"{value.name}.{axis}"


_NO_NAMES = frozenset({"-1", "None"})
"""What exporters wrote for "any size", beside marks such as `?`."""


def known_names(inputs: Iterable[ValueInfoProto], declared: Iterable[ValueInfoProto]) -> list[str]:
    """Names that can be given a number: dynamic dimensions, and inputs that are one integer.

    Those that only a declared intermediate tensor has come last; they serve where nothing can be inferred.
    """
    inputs = list(inputs)
    names = [name for value in inputs for _, name in dynamic_dims(value)]
    names += [value.name for value in inputs if is_scalar(value)]
    return list(dict.fromkeys(names + [name for value in declared for _, name in dynamic_dims(value)]))


def check_dims(
    dims: Mapping[str, int],
    inputs: Iterable[ValueInfoProto],
    declared: Iterable[ValueInfoProto],
    loc: Loc,
) -> None:
    """Refuse numbers below 1 and names that the model does not have.

    Raises:
        OptionError: with the nearest name and all those of inputs: names that only other tensors have decide
            nothing, but where their nodes do not.
    """
    inputs = list(inputs)
    known, settable = known_names(inputs, declared), known_names(inputs, ())
    for name, size in dims.items():
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_SIZE:
            raise OptionError(f"--dim {printable(name)}: expected {SIZE}, not {as_given(size)}", loc=loc)
        if name not in known:
            names = listed(map(printable, settable))
            hint = f"its dimensions are {names}" if settable else "all dimensions of its inputs have a size"
            raise OptionError(
                f"--dim {shown(name)}: the model has no such dimension{nearest(name, settable)}",
                loc=loc,
                hint=hint,
            )


def is_scalar(value: ValueInfoProto) -> bool:
    """Whether a tensor is one integer, such as a sampling rate, whose value may choose a branch."""
    tensor = value.type.tensor_type
    integer = tensor.elem_type in (TensorProto.INT32, TensorProto.INT64)
    return integer and tensor.HasField("shape") and all(dim.dim_value == 1 for dim in tensor.shape.dim)


def deciding_scalars(graph: GraphProto, inputs: Iterable[ValueInfoProto]) -> list[str]:
    """Inputs of one integer that decide what an `If` runs, by themselves or with constants."""
    inputs = list(inputs)
    scalars = {value.name: {value.name} for value in inputs if is_scalar(value)}
    fed = {value.name for value in inputs} - scalars.keys()
    found: set[str] = set()
    for node in graph.node:
        if fed.intersection(node.input):
            fed.update(node.output)
            continue
        reasons = set().union(*(scalars.get(name, set()) for name in node.input))
        scalars |= dict.fromkeys(node.output, reasons)
        found |= reasons if node.op_type == "If" else set()
    return [value.name for value in inputs if value.name in found]


def bind_inputs(
    inputs: Iterable[ValueInfoProto], dims: Mapping[str, int], loc: Loc, *, deciding: Sequence[str] = ()
) -> dict[str, TypeProto]:
    """Types of the graph's inputs with every dimension known.

    Args:
        inputs: of the graph.
        dims: sizes by name.
        loc: the file.
        deciding: inputs of one integer that choose a branch, to be told with the missing dimensions.

    Raises:
        ModelError: dimensions without a size, all of them listed; an axis of size 0 to which the user gives
            none; an input without a shape.
    """
    inputs = list(inputs)
    bound = {value.name: bound_type(value, dims) for value in inputs if value.type.HasField("tensor_type")}
    missing: dict[str, list[str]] = {}
    for value in inputs:
        if not value.type.HasField("tensor_type"):
            continue
        if not value.type.tensor_type.HasField("shape"):
            raise ModelError(
                f"input {shown(value.name)} has no shape, not even a number of axes",
                loc=loc,
                hint="declare it: onnx.tools.update_model_dims.update_inputs_outputs_dims",
            )
        for axis, name in dynamic_dims(value):
            if name not in dims:
                missing.setdefault(name, []).append(f"axis {axis} of {shown(value.name)}")
    _check_empty(inputs, missing, loc)
    if missing:
        raise ModelError(
            "dimensions without a size: "
            + "; ".join(f"{name} ({', '.join(places)})" for name, places in missing.items()),
            loc=loc,
            hint=f"give each a size: {_options(missing)}{_choices(deciding, dims)}",
        )
    for name, type_ in bound.items():
        checked_shape(name, shape_of(type_) or (), loc)
    return bound


def _check_empty(inputs: Iterable[ValueInfoProto], missing: Collection[str], loc: Loc) -> None:
    """Refuse inputs with an axis that the file says is empty, unless the user gives that axis a size."""
    places = [
        f"axis {axis} of {shown(value.name)}"
        for value in inputs
        for axis, name in dynamic_dims(value)
        if name in missing and _is_zero(value.type.tensor_type.shape.dim[axis])
    ]
    if places:
        raise ModelError(
            f"an input has an axis of size 0, so it has no elements: {', '.join(places)}",
            loc=loc,
            hint=f'if the exporter wrote 0 for "any size", give it one: {_options(missing)}; else drop the '
            "input from the model",
        )


def _is_zero(dim: TensorShapeProto.Dimension) -> bool:
    """Whether a dimension has the size 0, rather than none."""
    return dim.HasField("dim_value") and dim.dim_value == 0


def _options(names: Iterable[str]) -> str:
    """The command-line options that give each dimension a size."""
    return " ".join(f"--dim {quoted(name)}=1" for name in names)


def _choices(deciding: Iterable[str], given: Collection[str]) -> str:
    """What to add to a hint where inputs choose a branch: their options, whose values only the user knows."""
    options = [f"--dim {quoted(name)}=VALUE" for name in deciding if name not in given]
    if not options:
        return ""
    return (
        f"; and fix the value that decides which branch runs (such as a sampling rate): {' '.join(options)}"
    )


def scalar_value(value: TypeProto, name: str, number: int, loc: Loc) -> NDArray[Any]:
    """The value that the user fixes for an input of one integer.

    Raises:
        OptionError: it does not fit the input's type.
    """
    dtype = helper.tensor_dtype_to_np_dtype(value.tensor_type.elem_type)
    if number > np.iinfo(dtype).max:
        raise OptionError(f"--dim {printable(name)}={number}: the input holds {dtype}", loc=loc)
    return np.full(shape_of(value) or (), number, dtype)


def bound_type(value: ValueInfoProto, dims: Mapping[str, int]) -> TypeProto:
    """The declared type of a tensor, with sizes put in for names; unknown dimensions stay unknown."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return value.type
    sizes = [dim.dim_value for dim in tensor.shape.dim]
    unknown = dict(dynamic_dims(value))
    made = tensor_type(tensor.elem_type, sizes)
    for axis, name in unknown.items():
        dim = made.tensor_type.shape.dim[axis]
        if name in dims:
            dim.dim_value = dims[name]
        else:
            dim.Clear()
    return made


def quoted(name: str) -> str:
    """A name as a shell needs it."""
    return name if name.replace("_", "").replace(".", "").isalnum() else f'"{name}"'
