"""Pass merge-dims: one dim in place of several that index the same operands, and one order of everything.

Two dims that stand alone in an axis in every operand that has them, and are missed by the same operands,
can be walked as one (heads x batch, rows x columns of a 1x1 convolution). Every tile of the two is a tile
of the merged one with the same footprints, in no more steps: nothing is lost, and tiles that do not divide
either of the two are won.

Afterwards dims and axes are in one fixed order and dims have the plain names of their family (b, m, n, k),
so that equal work compares equal however the model wrote it.
"""

from functools import lru_cache
from math import prod

from catx.ir.graph import Graph
from catx.ir.operand import Axis
from catx.ir.passes.registry import register
from catx.ir.passes.structure import Structure, restructure

ORDER = "bgmnfkczyxtrs"
"""Dim families in the order in which an einsum lists them."""

NAMED_AFTER = "mkyzxnfcbgtrs"
"""Which of several merged dims gives its name."""


@register("merge-dims")
def merge_dims(graph: Graph) -> Graph:
    """Merge dims that always stand together, and order dims and axes."""
    return restructure(graph, _merged)


@lru_cache(maxsize=4096)
def _merged(old: Structure) -> Structure:
    extents = dict(old.dims)
    groups: dict[object, list[str]] = {}
    for dim in extents:
        groups.setdefault(_company(old, dim), []).append(dim)
    leader = {dim: group[0] for group in groups.values() for dim in group}
    merged = [(group[0], prod(extents[dim] for dim in group)) for group in groups.values()]
    named = _names(list(groups.values()), old.einsum)
    if old.einsum:
        merged.sort(key=lambda dim: _rank(named[dim[0]]))
    place = {dim: i for i, (dim, _) in enumerate(merged)}

    def axes(operand: tuple[Axis, ...]) -> tuple[Axis, ...]:
        kept = [axis for axis in operand if len(axis) != 1 or leader[axis[0][0]] == axis[0][0]]
        terms = [tuple(sorted(axis, key=lambda term: place[leader[term[0]]])) for axis in kept]
        terms.sort(key=lambda axis: [place[leader[dim]] for dim, _ in axis])
        return tuple(tuple((named[dim], coeff) for dim, coeff in axis) for axis in terms)

    return Structure(
        tuple((named[dim], extent) for dim, extent in merged),
        tuple(axes(operand) for operand in old.operands),
        tuple(dict.fromkeys(named[leader[dim]] for dim in old.reduced)),
        old.einsum,
    )


def _company(structure: Structure, dim: str) -> object:
    """What dims must share to be merged: their operands; a dim that shares an axis keeps to itself."""
    present: list[int] = []
    for i, operand in enumerate(structure.operands):
        for axis in operand:
            if any(name == dim for name, _ in axis):
                if axis != ((dim, 1),):
                    return dim
                present.append(i)
    return (tuple(present), dim in structure.reduced)


def _names(groups: list[list[str]], einsum: bool) -> dict[str, str]:
    """New name of each group's first dim; dims d0, d1, ... of vector ops are numbered again."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for group in groups:
        chosen = min(group, key=_preference) if einsum else group[0]
        numbered = not einsum and chosen[0] == "d" and chosen[1:].isdigit()
        new, count = "d0" if numbered else chosen[0] if einsum else chosen, 1
        while new in taken:
            new, count = f"{chosen[0]}{count}", count + 1
        taken.add(new)
        names[group[0]] = new
    return names


def _preference(dim: str) -> int:
    return NAMED_AFTER.find(dim[0]) if dim[0] in NAMED_AFTER else len(NAMED_AFTER)


def _rank(dim: str) -> tuple[int, str]:
    return (ORDER.find(dim[0]) if dim[0] in ORDER else len(ORDER), dim)
