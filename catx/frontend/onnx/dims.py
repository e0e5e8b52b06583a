"""Sizes for dynamic dimensions: which ones a model has, and what the user gives for them."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from onnx import TypeProto, ValueInfoProto

from catx.errors import Loc, ModelError, OptionError
from catx.frontend.onnx.names import printable, shown
from catx.frontend.onnx.proto_types import MAX_ELEMENTS, checked_shape, shape_of, tensor_type


def dynamic_dims(value: ValueInfoProto) -> Iterator[tuple[int, str]]:
    """Axis and name of each dimension of a tensor that has no size; "x.0" where the file gives no name.

    A size of 0 or -1 counts as none: exporters write both for "any".
    """
    for axis, dim in enumerate(value.type.tensor_type.shape.dim):
        if dim.dim_param:
            yield axis, dim.dim_param
        elif dim.dim_value in (0, -1):
            yield axis, f"{value.name}.{axis}"


def check_dims(dims: Mapping[str, int], values: Iterable[ValueInfoProto], loc: Loc) -> None:
    """Refuse sizes below 1 and names that no value of the model has.

    Raises:
        OptionError: with the nearest names that exist.
    """
    for name, size in dims.items():
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_ELEMENTS:
            raise OptionError(f"--dim {printable(name)}={size}: a size is an integer from 1 to 2^48", loc=loc)
    known = list(dict.fromkeys(name for value in values for _, name in dynamic_dims(value)))
    for name in dims:
        if name not in known:
            near = get_close_matches(name, known, 3, 0.5) or known[:8]
            hint = f"its dynamic dimensions: {', '.join(near)}" if near else "all its dimensions have a size"
            raise OptionError(f"--dim {shown(name)}: the model has no such dimension", loc=loc, hint=hint)


def bind_inputs(inputs: Iterable[ValueInfoProto], dims: Mapping[str, int], loc: Loc) -> dict[str, TypeProto]:
    """Types of the graph's inputs with every dimension known.

    Raises:
        ModelError: dimensions without a size, all of them listed; an input without a shape.
    """
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
    if missing:
        raise ModelError(
            "dimensions without a size: "
            + "; ".join(f"{name} ({', '.join(places)})" for name, places in missing.items()),
            loc=loc,
            hint="give each a size: " + " ".join(f"--dim {_quoted(name)}=1" for name in missing),
        )
    for name, type_ in bound.items():
        checked_shape(name, shape_of(type_) or (), loc)
    return bound


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


def _quoted(name: str) -> str:
    return name if name.replace("_", "").replace(".", "").isalnum() else f'"{name}"'
