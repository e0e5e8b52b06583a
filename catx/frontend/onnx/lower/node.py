"""Node and Lowered: what a lowering rule sees of one model node, and what it answers."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto

from catx.errors import Loc, ModelError, UnknownOpError
from catx.frontend.onnx.lower.layout import Layout, is_plain, plain
from catx.frontend.onnx.resolved import ResolvedNode, Value
from catx.ir.dtype import DType
from catx.ir.graph import LeftOut, Op
from catx.ir.operand import Axis, Operand
from catx.ir.tensor import Tensor

Array = Value | Tensor
"""A tensor of the model, or one that a rule makes up between two ops of a node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """What becomes of a node: ops (costed), or views and a reason (free).

    `tensors` are those that the model does not name; `views` maps a tensor to the one that holds its data,
    `layouts` says where a view is broadcast, `weights` names outputs that are constants of the model,
    `left_out` nodes whose bodies the ops do not cover.
    """

    ops: tuple[Op, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    views: tuple[tuple[str, str], ...] = ()
    layouts: tuple[tuple[str, Layout], ...] = ()
    weights: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    free: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One model node with everything that is known about its inputs and outputs.

    `layouts` holds the tensors that are partly broadcast, `used` every tensor that somebody reads, `shown`
    those that the user gets.
    """

    raw: ResolvedNode
    values: Mapping[str, Value]
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    used: Collection[str] = ()
    shown: Collection[str] = ()

    @property
    def name(self) -> str:
        """Name of the node, unique in the model."""
        return self.raw.name

    @property
    def loc(self) -> Loc:
        """Where the node stands."""
        return self.raw.loc

    @property
    def n_inputs(self) -> int:
        """Number of inputs, missing optional ones included."""
        return len(self.raw.inputs)

    def has(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.raw.inputs) and bool(self.raw.inputs[index])

    def value(self, index: int) -> Value:
        """An input that the operator requires."""
        if not self.has(index):
            raise ModelError(f"{self.raw.op_type} lacks its input {index}", loc=self.loc)
        return self.values[self.raw.inputs[index]]

    def shape(self, index: int) -> tuple[int, ...]:
        """Shape of an input."""
        return self.value(index).shape

    def given(self) -> tuple[Value, ...]:
        """All inputs that are there."""
        return tuple(self.values[name] for name in self.raw.inputs if name)

    def out(self, index: int = 0) -> Value:
        """An output that the operator always has."""
        if index >= len(self.raw.outputs) or self.raw.outputs[index] not in self.values:
            raise ModelError(f"{self.raw.op_type} lacks its output {index}", loc=self.loc)
        return self.values[self.raw.outputs[index]]

    def results(self) -> tuple[Value, ...]:
        """Outputs that are named and known; those that nobody reads need not be."""
        return tuple(self.values[name] for name in self.raw.outputs if name in self.values)

    def wants(self, index: int) -> bool:
        """Whether somebody reads an optional output."""
        return index < len(self.raw.outputs) and self.raw.outputs[index] in self.used

    def _attr(self, name: str, default: Any, types: type | tuple[type, ...], what: str) -> Any:
        value = self.raw.attributes.get(name, default)
        if not isinstance(value, types):
            raise ModelError(f"attribute {name!r} of {self.raw.op_type} must be {what}", loc=self.loc)
        return value

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        return int(self._attr(name, default, int, "an integer"))

    def number(self, name: str, default: float) -> float:
        """A number attribute."""
        return float(self._attr(name, default, (int, float), "a number"))

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        return str(self._attr(name, default, str, "a string"))

    def ints(self, name: str, default: Sequence[int]) -> list[int]:
        """A list-of-integers attribute; a missing or empty one is the default."""
        values = self._attr(name, [], (list, tuple), "a list of integers")
        if not all(isinstance(value, int) for value in values):
            raise ModelError(
                f"attribute {name!r} of {self.raw.op_type} must be a list of integers", loc=self.loc
            )
        return list(values or default)

    def texts(self, name: str, default: Sequence[str]) -> list[str]:
        """A list-of-strings attribute; a missing or empty one is the default."""
        return [str(value) for value in self._attr(name, [], (list, tuple), "a list of strings") or default]

    def const(self, index: int) -> NDArray[Any] | None:
        """The data of an input where it is known, else None."""
        return self.value(index).data if self.has(index) else None

    def known(self, index: int, what: str) -> list[int]:
        """The integers of an input that must be known before anything runs."""
        data = self.const(index)
        if data is None:
            raise ModelError(f"the {what} of {self.raw.op_type} are not known before it runs", loc=self.loc)
        return [int(value) for value in np.asarray(data).ravel()]

    def axes(self, index: int = 1) -> list[int] | None:
        """Axes from the attribute (older opsets) or the input (newer ones); None where not given."""
        axes = self.ints("axes", []) or (self.known(index, "axes") if self.has(index) else [])
        return self.places(axes) or None

    def places(self, axes: Sequence[int]) -> list[int]:
        """Axes of the first input, counted from the front."""
        rank = len(self.shape(0))
        if bad := [axis for axis in axes if not -rank <= axis < rank]:
            raise ModelError(f"axes {bad} of a tensor with {rank} axes", loc=self.loc)
        return sorted({axis % rank for axis in axes})

    def axis(self, name: str = "axis", default: int = -1, rank: int | None = None) -> int:
        """An axis attribute, counted from the front."""
        rank = len(self.shape(0)) if rank is None else rank
        axis = self.integer(name, default)
        if not -rank <= axis < max(rank, 1):
            raise ModelError(f"axis {axis} of a tensor with {rank} axes", loc=self.loc)
        return axis % rank if rank else 0

    def immediate(self, array: Array) -> bool:
        """Whether an array is one known number, which an instruction carries with it."""
        return isinstance(array, Value) and array.data is not None and prod(array.shape) == 1

    def temp(self, part: str, shape: tuple[int, ...], dtype: DType) -> Tensor:
        """A tensor between two ops of this node."""
        name = f"{self.name}/{part}"
        while name in self.values:
            name += "'"
        return Tensor(name, shape, dtype, "activation")

    def layout(self, name: str) -> Layout:
        """The layout of a tensor of the model."""
        return self.layouts.get(name) or plain(self.values[name].shape)

    def view(self, holder: Value, reason: str, layout: Layout | None = None, index: int = 0) -> Lowered:
        """The node's output is its input seen differently."""
        out = self.out(index)
        layouts = () if layout is None or is_plain(layout) else ((out.name, layout),)
        return Lowered(views=((out.name, holder.name),), layouts=layouts, free=reason)

    def unsupported(self, what: str) -> UnknownOpError:
        """The error for a form of the operator that no rule costs."""
        return unknown(self.raw, what)


def unknown(raw: ResolvedNode, what: str = "") -> UnknownOpError:
    """The error for an operator (or a form of one) that no rule costs."""
    operator = f"{raw.domain}.{raw.op_type}" if raw.domain else raw.op_type
    form = f" ({what})" if what else ""
    bodies = any(isinstance(value, GraphProto) for value in raw.attributes.values())
    rest = " and that of its bodies instead, without what they compute" if bodies else " instead"
    return UnknownOpError(
        f"no cost rule for operator {operator}{form} of node {raw.name!r}",
        loc=raw.loc,
        hint=f"--allow-unknown (allow_unknown=True) costs its data movement{rest}",
    )


def operand(array: Array, *axes: Axis) -> Operand:
    """An operand of an array."""
    return Operand(array.name, tuple(axes), array.dtype)


def whole(array: Array, count: int | None = None) -> Operand:
    """An operand that is touched as a whole: all its elements once, or so many of them."""
    return Operand(array.name, (), array.dtype, prod(array.shape) if count is None else count)


def ax(*dims: str) -> tuple[Axis, ...]:
    """One axis per dim; an empty name is an axis at index 0."""
    return tuple(((dim, 1),) if dim else () for dim in dims)
