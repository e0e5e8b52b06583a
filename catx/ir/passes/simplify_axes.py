"""Pass simplify-axes: write every axis with the fewest dims and the smallest coefficients.

An axis whose coefficients share a divisor touches only every so many-th element; dividing by it leaves
exactly the touched ones. An axis in which one group of dims steps over the whole span of the others (a
convolution whose stride is at least its kernel, heads times width) touches independent places: it is split
into one axis per group. A dim with one iteration is an axis of its own. Footprints afterwards count touched
elements, and what was a convolution over disjoint patches has the form of a matrix product.

Invariant: multiply-accumulates, and which elements each iteration touches, up to their numbering.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import gcd

from catx.ir.graph import Graph
from catx.ir.operand import Axis
from catx.ir.passes.registry import register
from catx.ir.passes.structure import Structure, restructure


@register("simplify-axes")
def simplify_axes(graph: Graph) -> Graph:
    """Divide axes by common divisors, and split those whose parts do not overlap."""
    return restructure(graph, _simplified)


@lru_cache(maxsize=4096)
def _simplified(old: Structure) -> Structure:
    extents = dict(old.dims)
    operands = tuple(
        tuple(new for axis in operand for new in independent_axes(axis, extents)) for operand in old.operands
    )
    return Structure(old.dims, operands, old.reduced, old.einsum)


def independent_axes(axis: Axis, extents: Mapping[str, int]) -> list[Axis]:
    """The axes that an axis consists of, outermost first, each divided by its common divisor.

    Outer terms are independent of inner ones where every step they can take goes beyond the inner span: their
    common divisor is larger than the largest index that the inner terms reach.
    """
    still = [((dim, 1),) for dim, _ in axis if extents[dim] == 1]
    moving = [term for term in axis if extents[term[0]] > 1]
    ordered = sorted(moving, key=lambda term: term[1])
    cuts, span = [0], 0
    for i, (dim, coeff) in enumerate(ordered):
        if i and gcd(*(c for _, c in ordered[i:])) > span:
            cuts.append(i)
        span += coeff * (extents[dim] - 1)
    if not still and len(cuts) == 1:
        return [_divided(axis)]
    groups = [ordered[start:end] for start, end in zip(cuts, (*cuts[1:], len(ordered)), strict=True)]
    inner = [tuple(term for term in axis if term in group) for group in reversed(groups) if group]
    return [*still, *(_divided(part) for part in inner)]


def _divided(axis: Axis) -> Axis:
    divisor = gcd(*(coeff for _, coeff in axis)) if axis else 1
    return axis if divisor <= 1 else tuple((dim, coeff // divisor) for dim, coeff in axis)
