"""How many mappings there are of one einsum on one accelerator, before any is dropped: an exact count.

What counts as one mapping (docs/mapper.md, "Size of the mapspace"):

- Memories store what they keep, with any choice of optional tensors. Stores at one place have no order.
- A fanout that is used has all its spatial loops at one place, and parts the nest as stores do. One that is
  not used parts nothing.
- In a gap between two such places each dim has one temporal loop at most. Gaps with the same loops in another
  order are different. No loop has a trip count of 1. A gap between two places of stores has a loop at least,
  else they are one place.
- Along an axis lies one dim at most, a dim along any number of axes that take it. The trip counts of its
  spatial loops make R instances, one of which gets T = ceil(extent / R) of it. One trip less of the outermost
  spatial loop would make T larger.
- Temporal loops cut T into any smaller tiles, with remainders. The tile above a spatial loop is the one below
  it times the trip count, or the whole dim.

Several dims along one axis and other tiles at spatial loops are legal too, so there are more mappings than
these. Capacities do not matter here.

The temporal loops of a dim are a chain of tiles T > t1 > ... > 1, whatever place its spatial loops have. So
the count is a sum over numbers of gaps: in how many ways stores and fanouts part a nest into so many gaps,
times how many loops, unrolled or not, can stand in these.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, reduce
from itertools import combinations, product
from math import comb, prod
from operator import mul, or_

from catx.costmodel.legality import axis_dims
from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, Memory
from catx.ir.einsum import ROLES, Einsum
from catx.mapper.loop_orders import Terms, n_points, sum_over_orders

Dim = tuple[int, tuple[int, ...]]
"""An extent, and for each axis its size, or 1 where it does not take the dim."""

Options = dict[int, Terms]
"""By set of axes, as bits: in how many ways a dim spread along them has j = 0, 1, ... temporal loops."""

MAX_WORK = 60_000
"""Sums that a count takes. The smallest dims of an einsum that takes more are left out: they count as if they
had one loop each, the innermost of the nest and in one order."""

MAX_AXES = 5
"""Axes that a count spreads dims along, the largest ones."""


def mapspace_size(einsum: Einsum, accelerator: Accelerator) -> int:
    """How many mappings an einsum has at least: exactly those that the module's docstring describes."""
    shapes = _shapes(accelerator.levels)
    gaps = max(map(len, shapes)) - 1
    axes = _axes(accelerator)
    dims = [
        (extent, tuple(axis.size if dim in axis_dims(einsum, axis) else 1 for _, axis in axes))
        for dim, extent in einsum.dims
        if extent > 1
    ]
    options = [_options(extent, sizes, gaps) for extent, sizes in _counted(dims, gaps)]
    options.sort(key=len)  # axes that few dims take are soon done with
    steps, ends = _steps(options, [fanout for fanout, _ in axes])
    scale = sum(step.scale for step in steps)
    nests = sum_over_orders(len(steps), gaps, scale, lambda ways, bits: _values(steps, ways, bits))
    return sum(sum(map(mul, shapes[used], counts)) for used, counts in zip(ends, nests, strict=True))


def _axes(accelerator: Accelerator) -> list[tuple[int, FanoutAxis]]:
    """The largest axes, outermost first, each with its fanout as a bit."""
    axes = [(1 << place, axis) for place, fanout in enumerate(accelerator.fanouts) for axis in fanout.axes]
    largest = sorted(range(len(axes)), key=lambda index: -axes[index][1].size)[:MAX_AXES]
    return [axes[index] for index in sorted(largest)]


def _counted(dims: Sequence[Dim], gaps: int) -> list[Dim]:
    """The dims; the largest, if all are too many."""
    kept = sorted(dims, key=lambda dim: (-dim[0], dim[1]))
    while n_points(len(kept), gaps) * sum(1 << len(sizes) - sizes.count(1) for _, sizes in kept) > MAX_WORK:
        kept.pop()
    return kept


@dataclass(frozen=True, slots=True)
class _Step:
    """How one more dim changes sums by state, a state being what the dims so far have used.

    `options` are divided by 2 to the power of `scale`. `pairs` are for each state after the step the states
    before it and the options that lead there, as indices.
    """

    scale: int
    options: tuple[Terms, ...]
    pairs: tuple[tuple[tuple[int, int], ...], ...]


def _steps(dims: Sequence[Options], fanouts: Sequence[int]) -> tuple[list[_Step], list[int]]:
    """A step per dim, and the fanouts that each state after the last one has used, as bits.

    A state is the axes that are used, of those that a later dim may take, and the fanouts.
    """
    states, steps = [(0, 0)], list[_Step]()
    for index, options in enumerate(dims):
        later = reduce(or_, (axes for others in dims[index + 1 :] for axes in others), 0)
        after: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for before, (used, parting) in enumerate(states):
            for option, axes in enumerate(options):
                if not used & axes:
                    now = ((used | axes) & later, parting | _fanouts_of(axes, fanouts))
                    after.setdefault(now, []).append((before, option))
        states = list(after)
        terms = tuple(options.values())
        scale = sum(map(sum, terms)).bit_length()
        steps.append(_Step(scale, terms, tuple(map(tuple, after.values()))))
    return steps, [parting for _, parting in states]


def _fanouts_of(axes: int, fanouts: Sequence[int]) -> int:
    return reduce(or_, (fanout for axis, fanout in enumerate(fanouts) if axes >> axis & 1), 0)


def _values(steps: Sequence[_Step], ways: Terms, bits: int) -> list[int]:
    """Sums over unrollings and loops of all dims, by state at the end, if loops lie in gaps in these ways."""
    sums, values, known = [1 << bits], list[int](), tuple[Terms, ...]()
    for step in steps:
        if step.options != known:  # of equal dims once
            known = step.options
            values = [sum(map(mul, ways, terms)) >> step.scale for terms in known]
        sums = [
            sum([sums[before] * values[option] for before, option in pairs]) >> bits for pairs in step.pairs
        ]
    return sums


# --- stores and fanouts ----------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _shapes(levels: tuple[Memory | Fanout, ...]) -> tuple[Terms, ...]:
    """For each set of used fanouts (as bits) and k, how many ways there are to place stores with k gaps.

    Ways with gaps that may not be empty are differences of ways with gaps that may, so they can be negative.
    """
    found = list[Terms]()
    for used in range(1 << sum(isinstance(level, Fanout) for level in levels)):
        zones = list[list[Memory]]([[]])
        place = 0
        for level in levels[1:]:
            if isinstance(level, Memory):
                zones[-1].append(level)
                continue
            if used >> place & 1:
                zones.append([])
            place += 1
        found.append(reduce(_times, (_zone(zone) for zone in zones)))
    return tuple(found)


def _zone(memories: Sequence[Memory]) -> Terms:
    """Ways to place the stores of a zone, as a polynomial in the loops of a gap.

    With p the loops of a gap that may be empty, b blocks of stores have the gaps p (p - 1)^(b - 1) p.
    """
    kept = Counter[tuple[int, ...]]()
    for choice in product(*map(_choices, memories)):
        kept[tuple(sum(role in roles for roles in choice) for role in ROLES)] += 1
    total = [0] * (3 * len(memories) + 2)
    for stores, choices in kept.items():
        if not any(stores):
            total[1] += choices
        for blocks in range(1, sum(stores) + 1):
            ways = choices * _in_blocks(stores, blocks)
            for i in range(blocks):
                total[i + 2] += ways * comb(blocks - 1, i) * (-1) ** (blocks - 1 - i)
    while not total[-1]:
        total.pop()
    return tuple(total)


def _choices(memory: Memory) -> list[frozenset[str]]:
    """What a memory may store."""
    optional = sorted(memory.optional)
    return [
        memory.keeps.difference(left) for n in range(len(optional) + 1) for left in combinations(optional, n)
    ]


def _in_blocks(stores: tuple[int, ...], blocks: int) -> int:
    """Ways to part the stores of each role, which have one order, into so many blocks, none of them empty."""
    return sum(
        (-1) ** empty * comb(blocks, empty) * prod(comb(n + blocks - empty - 1, n) for n in stores)
        for empty in range(blocks)
    )


def _times(a: Terms, b: Terms) -> Terms:
    found = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            found[i + j] += x * y
    return tuple(found)


# --- tiles -----------------------------------------------------------------------------------------------


def _options(extent: int, sizes: Sequence[int], gaps: int) -> Options:
    """What a dim can do along each set of axes."""
    found: Options = {}
    rests: dict[int, Counter[int]] = {0: Counter({extent: 1})}  # what inner axes leave, by axes
    chains = cache(lambda tile: _chains(tile, gaps))
    for axis in reversed(range(len(sizes))):
        for inner, rest in list(rests.items()):
            tiles, after = _spread(rest, sizes[axis])
            if tiles:
                found[inner | 1 << axis] = _weighted([(n, chains(tile)) for tile, n in tiles.items()])
                rests[inner | 1 << axis] = after
    return {0: chains(extent)} | found


def _spread(rest: Counter[int], size: int) -> tuple[Counter[int], Counter[int]]:
    """The tiles that 2 to `size` instances leave of extents, and how often.

    First with the least trip count for each tile, as the outermost loop of a dim has it, then with any.
    """
    least, every = Counter[int](), Counter[int]()
    for extent, times in rest.items():
        trips, last = 2, min(size, extent)
        while trips <= last:
            tile = -(-extent // trips)
            most = last if tile == 1 else min(last, (extent - 1) // (tile - 1))  # trips that leave this tile
            least[tile] += times
            every[tile] += times * (most - trips + 1)
            trips = most + 1
    return least, every


def _weighted(rows: list[tuple[int, Terms]]) -> Terms:
    weights = [n for n, _ in rows]
    return tuple(sum(map(mul, weights, column)) for column in zip(*(terms for _, terms in rows), strict=True))


def _chains(extent: int, gaps: int) -> Terms:
    """Ways to go from an extent down to 1 in 0, 1, ... strict steps."""
    if extent == 1:
        return (1,) + (0,) * gaps
    found, ways = [0], 1
    for step in range(1, gaps + 1):
        found.append(ways)
        ways = ways * (extent - 1 - step) // step
    return tuple(found)
