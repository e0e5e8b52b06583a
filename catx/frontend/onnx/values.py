"""What is known about the tensors of a graph while its nodes are walked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from math import prod
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from onnx import SparseTensorProto, TensorProto, TypeProto, ValueInfoProto

from catx.errors import Loc, ModelError
from catx.frontend.onnx.dims import bound_type, dynamic_dims
from catx.frontend.onnx.names import shown
from catx.frontend.onnx.proto_types import FLOATS, shape_of, tensor_type
from catx.frontend.onnx.tensors import check_tensor, small_values
from catx.ir.held import Held, Part


class Origin(IntEnum):
    """Where a constant comes from; the larger one wins where several meet."""

    LITERAL = 0
    WEIGHT = 1
    SHAPE = 2


@dataclass(slots=True)
class Values:
    """Types of all tensors so far, and values and origins of the constant ones.

    `declared` are the types that the file itself gives, `dims` the sizes of its dynamic dimensions,
    `used_dims` the names of those that such a declaration brought in. `held` says which numbers of the file
    a constant has, where it is not in the file as it is, `filled` names those of a single number repeated.
    """

    file: str
    folder: Path
    dims: Mapping[str, int]
    types: dict[str, TypeProto] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...] | None] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)
    declared: dict[str, ValueInfoProto] = field(default_factory=dict)
    used_dims: set[str] = field(default_factory=set)
    _data: dict[str, NDArray[Any] | None] = field(default_factory=dict)
    _held: int = 0
    _unread: dict[str, TensorProto] = field(default_factory=dict)

    def set_type(self, name: str, type_: TypeProto) -> None:
        """Note the type of a tensor."""
        self.types[name] = type_
        self.shapes[name] = shape_of(type_)

    def declared_type(self, name: str) -> TypeProto | None:
        """The type that the file gives a tensor; it serves where nothing can be inferred."""
        value = self.declared.get(name)
        if value is None:
            return None
        self.used_dims.update(dim for _, dim in dynamic_dims(value))
        return bound_type(value, self.dims)

    def add_initializer(self, tensor: TensorProto) -> None:
        """A weight; its values are read when somebody asks.

        Raises:
            ModelError: a second tensor of the name, or a header that does not fit its data.
        """
        loc = Loc(self.file)
        if tensor.name in self.types:
            raise ModelError(f"{shown(tensor.name)} is written twice", loc=loc)
        self.set_type(tensor.name, tensor_type(tensor.data_type, check_tensor(tensor, loc)))
        self.origins[tensor.name] = Origin.WEIGHT
        self._unread[tensor.name] = tensor

    def add_sparse(self, sparse: SparseTensorProto) -> None:
        """A weight in coordinate form, of which only shape and type are kept."""
        self.add_initializer(
            TensorProto(name=sparse.values.name, data_type=sparse.values.data_type, dims=sparse.dims)
        )

    def add_constant(
        self,
        name: str,
        type_: TypeProto,
        origin: Origin,
        data: NDArray[Any] | None,
        held: Held | None = None,
    ) -> None:
        """A result that does not depend on the model's inputs; its values are kept while there is room."""
        if held is not None:
            self.held[name] = held
        if data is not None and data.size > _HANDFUL:
            self._held += data.size
            data = data if self.has_room() else None
        self.set_type(name, type_)
        self.origins[name] = origin
        self._data[name] = data

    def has_room(self) -> bool:
        """Whether computed values are still few enough to keep more of them."""
        return self._held <= _ROOM

    def data(self, name: str) -> NDArray[Any] | None:
        """The values of a small constant; None where they are not known."""
        tensor = self._unread.pop(name, None)
        if tensor is not None and _worth_reading(tensor):
            self._data[name] = small_values(tensor, self.folder, Loc(self.file))
        return self._data.get(name)

    def may_shape(self, name: str) -> bool:
        """Whether a constant's values may decide a shape: integers, and floats only in handfuls."""
        return name in self.origins and (
            prod(self.shapes[name] or ()) <= _HANDFUL or self.types[name].tensor_type.elem_type not in FLOATS
        )

    def part(self, name: str) -> Part:
        """What of a constant the file holds, as a part of another one."""
        held = self.held.get(name) or Held(name, prod(self.shapes[name] or ()))
        return Part(held, self.types[name].tensor_type.elem_type == TensorProto.BOOL)

    def is_constant(self, name: str) -> bool:
        """Whether a tensor is the same for all inputs of the model."""
        return name in self.origins


_ROOM = 2**24
"""Elements of all computed constants together; a hostile graph could make any number of them."""
_HANDFUL = 64
"""Floats up to which a constant may be a scale or an exponent rather than a weight."""


def _worth_reading(tensor: TensorProto) -> bool:
    """Files beside the model are opened for integers and handfuls of floats, not for weights."""
    external = tensor.data_location == TensorProto.EXTERNAL
    return not external or tensor.data_type not in FLOATS or prod(tensor.dims) <= _HANDFUL
