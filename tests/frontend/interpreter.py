"""Runs an einsum on arrays, by nothing but its dims and projections."""

import numpy as np
from numpy.typing import NDArray

from catx.ir.einsum import Einsum
from catx.ir.operand import Operand

Array = NDArray[np.float64]


def run(einsum: Einsum, first: Array, second: Array) -> Array:
    """The result of an einsum, one axis per output axis.

    Every operand is seen as an array over the whole box (dims that do not index it have stride 0); the two
    are multiplied point by point and summed over what the output lacks. Arrays have the operands' axes.
    """
    names = [dim for dim, _ in einsum.dims]
    points = _over_box(einsum, einsum.inputs[0], first) * _over_box(einsum, einsum.inputs[1], second)
    kept = [axis[0][0] for axis in einsum.output.axes if axis]
    summed = points.sum(axis=tuple(i for i, dim in enumerate(names) if dim not in kept))
    left = [dim for dim in names if dim in kept]
    ordered = np.transpose(summed, [left.index(dim) for dim in kept])
    shape = [einsum.extents[axis[0][0]] if axis else 1 for axis in einsum.output.axes]
    return ordered.reshape(shape)


def _over_box(einsum: Einsum, operand: Operand, array: Array) -> Array:
    assert array.ndim == len(operand.axes), (operand, array.shape)
    span = operand.footprint(einsum.extents)
    assert all(need <= have for need, have in zip(span, array.shape, strict=True)), (span, array.shape)
    strides = [
        sum(
            coeff * array.strides[i]
            for i, axis in enumerate(operand.axes)
            for dim, coeff in axis
            if dim == name
        )
        for name, _ in einsum.dims
    ]
    return np.lib.stride_tricks.as_strided(
        array, [extent for _, extent in einsum.dims], strides, writeable=False
    )
