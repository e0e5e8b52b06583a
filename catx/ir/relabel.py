"""Where axes of a tensor go when its data is seen in another shape."""

from collections.abc import Collection, Sequence
from math import prod


def reshaped_axes(axes: Collection[int], old: Sequence[int], new: Sequence[int]) -> frozenset[int]:
    """Axes of the new shape along which the index of some axes of the old one changes.

    Both shapes have the same elements in the same order. An axis that is split varies along all of its parts,
    one that is merged makes the merged one vary.
    """
    spans = [(prod(old[axis + 1 :]), prod(old[axis:])) for axis in axes]
    return frozenset(
        axis
        for axis, extent in enumerate(new)
        if extent > 1
        and any(prod(new[axis + 1 :]) < end and prod(new[axis:]) > start for start, end in spans)
    )
