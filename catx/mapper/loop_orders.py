"""Sums over orders of loops without going through them: n loops in a gap have n! orders.

The number of loops in a gap couples all dims, since n! is no product over dims. But it is a mean: that of x^n
where x has the density exp(-x). So with an x for each gap the sum is a product over dims, and a quadrature by
Gauss and Radau takes the mean over all x. With a node at 0 and m others it is exact up to degree 2 m. A gap
at 0 has no loops, so nests with fewer gaps are among those with more. Gaps are alike: only how many of them
are at each node matters.

All numbers are fixed-point integers, with so many bits behind the point that the rounded result is exact.

Source: Gautschi, "Orthogonal Polynomials: Computation and Approximation" (Oxford, 2004), section 3.1.4.2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from math import comb, factorial
from operator import add

Terms = tuple[int, ...]
"""Coefficients of a polynomial, from the constant one up."""


SPARE_BITS = 64
"""For what rounding errors add up to: there are less than 2^40 of them, and the result needs a few bits."""


@dataclass(frozen=True, slots=True)
class Point:
    """A choice of nodes for some gaps, in fixed point.

    `busy` gaps are at nodes above 0. The `weight`, with `_more` bits, is the product of the nodes' weights
    and of the number of orders of these gaps. `ways[j]` is the sum, over all choices of j of them, of the
    product of their nodes, for j up to `busy`.
    """

    busy: int
    weight: int
    ways: Terms


def n_points(dims: int, gaps: int) -> int:
    """How many points there are for up to so many gaps of up to so many loops."""
    return comb(gaps + _n_nodes(dims), gaps)


def sum_over_orders(
    dims: int, gaps: int, scale: int, values: Callable[[Terms, int], list[int]]
) -> list[Terms]:
    """For each of several sums, what it is for 0, 1, ... and so many gaps.

    Args:
        dims: loops that a gap has at most.
        gaps: gaps of the longest nest.
        scale: values are divided by 2 to this power.
        values: the sums for given `Point.ways` and bits behind the point: products over dims of mixtures of
            ways. In each mixture the parts of the ways sum to 1 at most.
    """
    # An error is multiplied by (1 + x)^dims at most, in each gap, whose mean is this one's power.
    growth = sum(comb(dims, n) * factorial(n) for n in range(dims + 1)) ** gaps
    bits = -(-(scale + growth.bit_length() + SPARE_BITS) // 64) * 64  # round, so that points are found again
    by_busy = [list[int]() for _ in range(gaps + 1)]
    more = _more(dims, gaps)
    for point in _points(dims, gaps, bits):
        weighted = [point.weight * value >> bits + more for value in values(point.ways, bits)]
        by_busy[point.busy] = list(map(add, by_busy[point.busy] or repeat(0), weighted))
    still = [(1 << bits) // (_n_nodes(dims) + 1) ** n for n in range(gaps + 1)]  # weights of nodes at 0
    columns = zip(*(sums or repeat(0) for sums in by_busy), strict=False)
    return [
        tuple(
            _whole(sum(comb(k, s) * still[k - s] * column[s] for s in range(k + 1)) >> bits, bits - scale)
            for k in range(gaps + 1)
        )
        for column in columns
    ]


def _whole(value: int, bits: int) -> int:
    """The integer that a fixed-point number is but for rounding errors."""
    nearest = (value + (1 << bits - 1)) >> bits
    assert abs(value - (nearest << bits)) < 1 << bits - 12, "too few bits for an exact count"
    return nearest


def _n_nodes(dims: int) -> int:
    """How many nodes above 0 it takes for gaps of up to so many loops."""
    return (dims + 1) // 2


def _more(dims: int, gaps: int) -> int:
    """Bits that weights need beyond those of values: some are as small as their points' values are large.

    Nodes lie below 4 n + 4.

    Source: Szegö, "Orthogonal Polynomials" (AMS, 1939), theorem 6.31.2, for alpha = 1.
    """
    return dims * gaps * (4 * _n_nodes(dims) + 5).bit_length()


@lru_cache(maxsize=64)
def _points(dims: int, gaps: int, bits: int) -> tuple[Point, ...]:
    """All points for up to so many gaps of up to so many loops."""
    more = _more(dims, gaps)
    wide = bits + more
    found = [Point(0, 1 << wide, (1 << bits,))]
    for node, weight in _radau(_n_nodes(dims), wide):
        near = node >> more
        for point in list(found):
            for at_node in range(1, gaps - point.busy + 1):
                ways = point.ways
                busy = point.busy + 1
                point = Point(  # of all orders of busy gaps, those that tell this node's from the others
                    busy,
                    (point.weight * weight >> wide) * busy // at_node,
                    (*map(add, (*ways, 0), (0, *(near * way >> bits for way in ways))),),
                )
                found.append(point)
    return tuple(found)


@lru_cache(maxsize=64)
def _radau(n: int, bits: int) -> tuple[tuple[int, int], ...]:
    """Nodes above 0 with their weights: the zeros of L_n^(1), and 1 / ((n + 1) L_n^2)."""
    wide = bits + 32
    zeros = _zeros(
        [(-1) ** i * comb(n + 1, n - i) * factorial(n) // factorial(i) for i in range(n + 1)], wide
    )
    laguerre = [(-1) ** i * comb(n, i) * factorial(n) // factorial(i) for i in range(n + 1)]
    rows = []
    for zero in zeros:
        value = _at(laguerre, zero, wide)
        weight = (factorial(n) ** 2 << 3 * wide) // ((n + 1) * value * value)
        rows.append((zero >> 32, weight >> 32))
    return tuple(rows)


def _zeros(terms: list[int], bits: int) -> list[int]:
    """All zeros of a Laguerre polynomial in fixed point. They are simple, above 0 and more than 1/8 apart."""
    found, low = list[int](), 0
    while len(found) < len(terms) - 1:
        low += 1
        if (_at(terms, low, 3) > 0) != (_at(terms, low + 1, 3) > 0):
            found.append(_zero(terms, low, bits))
    return found


def _zero(terms: list[int], eighths: int, bits: int) -> int:
    """The zero in a step of 1/8: halved until Newton's method is sure to converge, then by that."""
    low, high = eighths << bits - 3, eighths + 1 << bits - 3
    rising = _at(terms, high, bits) > 0
    for _ in range(24):
        middle = low + high >> 1
        low, high = (low, middle) if (_at(terms, middle, bits) > 0) == rising else (middle, high)
    slope = [i * term for i, term in enumerate(terms)][1:]
    for _ in range(bits.bit_length()):  # each step doubles the digits
        low -= (_at(terms, low, bits) << bits) // _at(slope, low, bits)
    return low


def _at(terms: list[int], x: int, bits: int) -> int:
    value = 0
    for term in reversed(terms):
        value = (value * x >> bits) + (term << bits)
    return value
