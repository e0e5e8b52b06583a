"""Layouts: which part of a tensor's axes is broadcast, traced through views.

An `Expand` costs nothing because its readers read the small tensor again and again. For that to show in a
reader's operand, the lowering remembers per axis of a view how its index splits into factors, outermost
first, and which of them the data really has. (8, real), (4, not) is an axis of 32 heads that share 8 in
fours, which is how grouped-query attention looks when it is written out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

from catx.ir.operand import Axis, Operand

Factor = tuple[int, bool]
"""Extent, and whether the data has it (True) or repeats along it (False)."""

Layout = tuple[tuple[Factor, ...], ...]
"""Factors of each axis, outermost first; their extents multiply to the axis' extent."""


def plain(shape: Sequence[int]) -> Layout:
    """The layout of a tensor that is nowhere broadcast."""
    return tuple(((extent, True),) for extent in shape)


def is_plain(layout: Layout) -> bool:
    """Whether nothing is broadcast."""
    return all(real for axis in layout for _, real in axis)


def permuted(layout: Layout, perm: Sequence[int]) -> Layout:
    """Layout after a transpose."""
    return tuple(layout[axis] for axis in perm)


def expanded(layout: Layout, shape: Sequence[int]) -> Layout:
    """Layout after a broadcast to `shape`: new and stretched axes repeat."""
    missing = len(shape) - len(layout)
    out: list[tuple[Factor, ...]] = [((extent, False),) for extent in shape[:missing]]
    for axis, extent in zip(layout, shape[missing:], strict=True):
        stretched = prod(size for size, _ in axis) != extent
        out.append(((extent, False),) if stretched else axis)
    return tuple(out)


def sliced(layout: Layout, shape: Sequence[int]) -> Layout:
    """Layout after a slice to `shape`; an axis that mixes real and repeated factors counts as real."""
    out: list[tuple[Factor, ...]] = []
    for axis, extent in zip(layout, shape, strict=True):
        if prod(size for size, _ in axis) == extent:
            out.append(axis)
        else:
            out.append(((extent, any(real for _, real in axis)),))
    return tuple(out)


def reshaped(layout: Layout, shape: Sequence[int]) -> Layout | None:
    """Layout after a reshape, or None where the new axes cut through a factor."""
    todo = [factor for axis in layout for factor in axis if factor[0] != 1]
    todo.reverse()
    out: list[tuple[Factor, ...]] = []
    for extent in shape:
        axis: list[Factor] = []
        while extent > 1:
            if not todo:
                return None
            size, real = todo.pop()
            if extent % size == 0:
                axis.append((size, real))
                extent //= size
            elif size % extent == 0:
                axis.append((extent, real))
                todo.append((size // extent, real))
                extent = 1
            else:
                return None
        out.append(tuple(axis) if axis else ((1, True),))
    return None if todo else tuple(out)


def refine(
    dims: Mapping[str, int], operands: Sequence[Operand], layouts: Mapping[str, Layout]
) -> tuple[dict[str, int], tuple[Operand, ...]]:
    """Leave broadcast dims out of the operands that repeat along them, splitting dims where needed.

    Only axes that follow one dim are refined; an axis with a halo is read as if its data were real.
    """
    extents, result = dict(dims), list(operands)
    for place, operand in enumerate(operands):
        layout = layouts.get(operand.tensor)
        if layout is None or len(layout) != len(operand.axes):
            continue
        for position, factors in enumerate(layout):
            axis = result[place].axes[position]
            if len(axis) != 1 or all(real for _, real in factors):
                continue
            if len(factors) > 1:
                extents, result = _split_dim(extents, result, axis[0][0], factors)
            parts = result[place].axes[position]
            kept = tuple(term for term, (_, real) in zip(parts, factors, strict=True) if real)
            axes = list(result[place].axes)
            axes[position] = kept
            trial = [*result[:place], replace(result[place], axes=tuple(axes)), *result[place + 1 :]]
            if extents.keys() <= set().union(*(other.dims for other in trial)):
                result = trial
    return extents, tuple(result)


def _split_dim(
    dims: dict[str, int], operands: Sequence[Operand], dim: str, factors: tuple[Factor, ...]
) -> tuple[dict[str, int], list[Operand]]:
    """Replace one dim by one dim per factor, in every operand; the index stays the same sum."""
    names = [f"{dim}{'abcdefgh'[i]}" for i in range(len(factors))]
    weights = [prod(size for size, _ in factors[i + 1 :]) for i in range(len(factors))]

    def split(axis: Axis) -> Axis:
        terms: list[tuple[str, int]] = []
        for name, coeff in axis:
            parts = zip(names, weights, strict=True)
            terms += [(n, w * coeff) for n, w in parts] if name == dim else [(name, coeff)]
        return tuple(terms)

    extents: dict[str, int] = {}
    for name, extent in dims.items():
        extents |= (
            dict(zip(names, (size for size, _ in factors), strict=True)) if name == dim else {name: extent}
        )
    return extents, [replace(o, axes=tuple(split(axis) for axis in o.axes)) for o in operands]


def one_dim_per_axis(operand: Operand) -> Operand:
    """Split every axis that is a sum of dims into one axis per dim: the shape that an einsum writes."""
    axes = tuple(((dim, 1),) for axis in operand.axes for dim, _ in axis)
    return operand if all(len(a) == 1 for a in operand.axes) else replace(operand, axes=axes)
