"""Pass simplify-axes: write every axis with the fewest dims and the smallest coefficients.

An axis whose coefficients share a divisor touches only every so many-th element; dividing by it leaves
exactly the touched ones. An axis in which one group of dims steps over the whole span of the others (a
convolution whose stride is at least its kernel, heads times width) touches independent places: it is split
into one axis per group. Footprints afterwards count touched elements, and what was a convolution over
disjoint patches has the form of a matrix product.

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

    `span` is the largest index that the inner terms reach; a coefficient above it starts a new axis.
    """
    groups: list[list[tuple[str, int]]] = []
    span = 0
    for dim, coeff in sorted(axis, key=lambda term: (term[1], -extents[term[0]])):
        if not groups or coeff > span:
            groups.append([])
        groups[-1].append((dim, coeff))
        span += coeff * (extents[dim] - 1)
    if len(groups) < 2:
        return [_divided(axis)]
    order = {dim: i for i, (dim, _) in enumerate(axis)}
    return [_divided(tuple(sorted(group, key=lambda term: order[term[0]]))) for group in reversed(groups)]


def _divided(axis: Axis) -> Axis:
    divisor = gcd(*(coeff for _, coeff in axis)) if axis else 1
    return axis if divisor <= 1 else tuple((dim, coeff // divisor) for dim, coeff in axis)
