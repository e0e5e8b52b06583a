"""Operand: a tensor and the projection of an iteration domain onto its axes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from catx.arguments import MAX_SIZE, instance, shown
from catx.errors import GraphError, Loc
from catx.ir.dtype import DType

Axis = tuple[tuple[str, int], ...]
"""A tensor axis, index = sum(coeff * dim): (("y", 2), ("r", 1)) in a stride-2 convolution; () for index 0."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A tensor as an op touches it: its element type, and per axis an affine sum of iteration dims.

    A dim that no axis uses does not index the tensor: the tensor is reused (or broadcast) along it.

    A vector op may touch a tensor as a whole instead: `count` elements, each once, in an order that the dims
    do not say (an input of a concat, the k best of a row). 0 is a tensor that must be there and is not
    touched. Such an operand has no axes.

    Raises:
        GraphError: a field is not of its type.
    """

    tensor: str
    axes: tuple[Axis, ...]
    dtype: DType
    count: int | None = None

    def __post_init__(self) -> None:
        if type(self.tensor) is not str:
            raise GraphError(f"an operand's tensor is named by a text, not {shown(self.tensor)}")
        if not isinstance(self.dtype, DType):
            raise GraphError(
                f"operand {self.tensor}: expected a DType, not {shown(self.dtype)}", hint="such as DType.INT8"
            )
        if type(self.axes) is not tuple or not all(_is_axis(axis) for axis in self.axes):
            raise GraphError(
                f"operand {self.tensor}: axes are a tuple of tuples of (dim, whole coefficient) pairs, not "
                f"{self.axes!r}",
                hint='`plain_axes("m", "k")` makes those of a matrix',
            )
        if self.count is not None and type(self.count) is not int:
            raise GraphError(f"operand {self.tensor}: count is a whole number, not {shown(self.count)}")

    @property
    def dims(self) -> frozenset[str]:
        """Iteration dims that index this tensor."""
        return frozenset(dim for axis in self.axes for dim, _ in axis)

    def footprint(self, tile: Mapping[str, int]) -> tuple[int, ...]:
        """Span per axis that a tile of the domain covers, halo included; or the count [element]."""
        if self.count is not None:
            return (self.count,)
        return tuple(1 + sum(coeff * (tile[dim] - 1) for dim, coeff in axis) for axis in self.axes)

    def elements(self, tile: Mapping[str, int]) -> int:
        """Elements that a tile of the domain touches, halo included [element]."""
        return prod(self.footprint(tile))


def _is_axis(axis: object) -> bool:
    """Whether something is a tuple of (dim, coefficient) pairs."""
    return type(axis) is tuple and all(
        type(term) is tuple and len(term) == 2 and type(term[0]) is str and type(term[1]) is int
        for term in axis
    )


def plain_axes(*dims: str) -> tuple[Axis, ...]:
    """Axes that each follow one dim with coefficient 1: `plain_axes("m", "k")` is a matrix.

    Raises:
        OptionError: a dim that is no text.
    """
    for index, dim in enumerate(dims):
        instance(f"dims[{index}]", dim, str, "the name of a dim")
    return tuple(((dim, 1),) for dim in dims)


def checked_box(
    name: str, dims: tuple[tuple[str, int], ...], repeat: int, operands: Sequence[Operand], loc: Loc
) -> dict[str, int]:
    """Extents by dim of an op's box, after checks that it has points and that operands use only its dims."""
    if type(dims) is not tuple:
        raise GraphError(f"{name}: dims are a tuple of (name, extent) pairs, not {shown(dims)}", loc=loc)
    for pair in dims:
        if not _is_axis((pair,)):
            raise GraphError(f"{name}: dims are (name, whole number) pairs, not {pair!r}", loc=loc)
    if wrong := [other for other in list[object](operands) if not isinstance(other, Operand)]:
        raise GraphError(f"{name}: expected an Operand, not {shown(wrong[0])}", loc=loc)
    extents = dict(dims)
    if len(extents) != len(dims):
        raise GraphError(f"{name}: a dim is named twice in {dims}", loc=loc)
    if bad := [dim for dim, extent in dims if extent < 1]:
        raise GraphError(f"{name}: dims {bad} have no iteration", loc=loc)
    if bad := [dim for dim, extent in dims if extent > MAX_SIZE]:
        raise GraphError(f"{name}: dims {bad} are larger than 2^48", loc=loc)
    if type(repeat) is not int:
        raise GraphError(f"{name}: repeat is a whole number, not {shown(repeat)}", loc=loc)
    if repeat < 1:
        raise GraphError(f"{name}: runs {repeat} times", loc=loc)
    for operand in operands:
        if unknown := sorted(operand.dims - extents.keys()):
            raise GraphError(f"{name}: {operand.tensor} uses unknown dims {unknown}", loc=loc)
        if operand.count is not None and (operand.axes or operand.count < 0):
            raise GraphError(
                f"{name}: {operand.tensor} has {operand.count} elements as a whole and axes {operand.axes}",
                loc=loc,
            )
    return extents
