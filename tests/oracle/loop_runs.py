"""Every run of loops that can stand between two blocks of stores, but for runs that others replace.

A run is an uninterrupted sequence of loops. What costs and rules see of it is, per dim, the chain of its
loops (tile and place, from the outside in), and of the order among its temporal loops only what a store
further in can tell. Each pruning stands at its place, with its argument. "Replaced" means: by a nest of at
most the same energy and latency. No circle can arise: what replaces a nest has fewer loops, or as many loops
but fewer of them above stores, or as many of both and more that stores drop or windows slide along.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
from math import ceil

from catx.ir.accelerator import Accelerator
from catx.ir.einsum import OUTPUT, ROLES, Einsum
from catx.ir.mapping import Loop
from tests.strategies import allowed_dims

Chain = tuple[Loop, ...]
"""Loops of one run over one dim, outermost first."""


@dataclass(frozen=True, slots=True)
class Run:
    """Loops in a legal order, the nominal extents below them, and roles not to be stored right there."""

    loops: tuple[Loop, ...]
    nominal: tuple[int, ...]
    barred: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What stores further in can tell of the order of a run's temporal loops.

    Visits of a store depend on which loops it drops: of this run those at the end that do not index its
    tensor (all loops of runs below do not index it either, or none of this run is dropped). A factor's store
    right below also sees along which loop its window slides: the innermost, if that indexes an axis of
    several dims.
    """

    dropped: tuple[frozenset[Loop], ...]
    slides: Loop | None

    def replaced_by(self, other: "_Seen") -> bool:
        """Whether the other order costs no more: it drops all that this one drops, and slides alike.

        A dropped loop turns ALL into FIRST, which lowers V (fills, drains, accesses, visits of the pipeline's
        stationary tile) and leaves D, tiles, first fill and last drain as they are.
        """
        fewer = all(mine <= theirs for mine, theirs in zip(self.dropped, other.dropped, strict=True))
        return fewer and self.slides in (None, other.slides)


class TooManyNestsError(Exception):
    """There are more nests than the caller wants to wait for."""


class LoopRuns:
    """The runs of one einsum on one accelerator, up to `limit` between two blocks.

    Where the user asks for orders of loops (`all_orders`), none stands for another one.
    """

    def __init__(
        self, einsum: Einsum, accelerator: Accelerator, limit: int, *, all_orders: bool = False
    ) -> None:
        self.dims, self.limit, self.all_orders = tuple(einsum.extents), limit, all_orders
        self.indexed = {role: operand.dims for role, operand in zip(ROLES, einsum.operands, strict=True)}
        self.windows = {
            role: {dim for axis in operand.axes if len(axis) > 1 for dim, _ in axis}
            for role, operand in zip(ROLES, einsum.operands, strict=True)
            if role != OUTPUT
        }
        self.axes = {(fanout.name, axis.name): axis for fanout in accelerator.fanouts for axis in fanout.axes}
        self.fanouts = [fanout.name for fanout in accelerator.fanouts]
        self.allowed = {place: allowed_dims(axis, einsum) for place, axis in self.axes.items()}
        self.find = cache(self._find)

    def _find(
        self, nominal: tuple[int, ...], fanouts: tuple[str, ...], below: tuple[str, ...]
    ) -> tuple[Run, ...]:
        """Runs from `nominal` extents on, with spatial loops of some fanouts.

        `below` are the roles that are stored further in. Without any, the run is the last and ends at 1.
        """
        runs, last = list[Run](), not below
        options = [
            [
                (chain, self._trips(chain, extent))
                for chain in islice(self._chains(dim, extent, fanouts, (), last), self.limit + 1)
            ]
            for dim, extent in zip(self.dims, nominal, strict=True)
        ]
        if max(map(len, options)) > self.limit:  # each chain is in one run at least
            raise TooManyNestsError(f"more than {self.limit} chains of loops over a dim")
        for chains in self._unrolled(options, dict.fromkeys(self.axes, 1)):
            if self._regular(chains) and (last or any(chains)):
                runs += self._ordered(chains, nominal, below)
            if len(runs) > self.limit:
                raise TooManyNestsError(f"more than {self.limit} runs of loops")
        return tuple(runs)

    def _trips(self, chain: Chain, extent: int) -> dict[tuple[str, str], int]:
        """How many instances a chain uses along each axis."""
        used = dict.fromkeys(self.axes, 1)
        for loop in chain:
            if loop.spatial:
                used[loop.fanout, loop.axis] *= ceil(extent / loop.tile)
            extent = loop.tile
        return used

    def _unrolled(
        self, options: list[list[tuple[Chain, dict[tuple[str, str], int]]]], used: dict[tuple[str, str], int]
    ) -> Iterator[tuple[Chain, ...]]:
        """One chain per dim, wherever together they fit the axes (rule 5).

        That is all of the rule, since a fanout has all its loops in one run (see enumerate_nests).
        """
        if not options:
            yield ()
            return
        for chain, trips in options[0]:
            both = {place: used[place] * trips[place] for place in used}
            if all(both[place] <= self.axes[place].size for place in both):
                for rest in self._unrolled(options[1:], both):
                    yield (chain, *rest)

    def _regular(self, chains: tuple[Chain, ...]) -> bool:
        """Whether the run is one of the mapspace: in some order of it each dim has one loop per gap.

        Fanouts that are used part a run into gaps, and a fanout has its loops over a dim side by side. It
        suffices to put each temporal loop into the outermost gap that there is.
        """
        used = sorted({self.fanouts.index(loop.fanout) for ch in chains for loop in ch if loop.spatial})
        for chain in chains:
            gap, taken = 0, False  # at hand, and whether it has a loop over the dim
            for above, loop in zip((None, *chain), chain, strict=False):
                if not loop.spatial:
                    gap, taken = gap + taken, True
                    continue
                beside = above is not None and above.fanout == loop.fanout
                inner = used.index(self.fanouts.index(loop.fanout)) + 1
                if gap > inner - (not beside):
                    return False
                gap, taken = inner, False
            if gap > len(used):
                return False
        return True

    def _chains(
        self, dim: str, extent: int, fanouts: tuple[str, ...], above: Chain, last: bool
    ) -> Iterator[Chain]:
        """Chains of loops with trip counts above 1 over a dim, below `above`.

        A loop with trip count 1 changes nothing (section 1) and is left out.

        Merging: two temporal loops over a dim that follow each other in a chain, where the inner tile divides
        the outer one, cut the same tiles as the inner loop alone, and no store is between them: the outer
        loop may be left out. Loops over other dims may stand between the two; the store of a tensor that the
        dim does not index then visits less, as the outer loop no longer repeats what is between, and a window
        slides on where it began anew. If the inner tile does not divide the outer one, the loops cut other
        tiles than any single loop: both stay.
        """
        if not last or extent == 1:
            yield above
        places = [("", ""), *(place for place in self.axes if place[0] in fanouts)]
        for tile, place in product(range(1, extent), places):
            loop = Loop(dim, tile, *place)
            if place == ("", "") and above and not above[-1].spatial and above[-1].tile % tile == 0:
                continue
            if loop.spatial and not self._may_unroll(loop, extent, above):
                continue
            yield from self._chains(dim, tile, fanouts, (*above, loop), last)

    def _may_unroll(self, loop: Loop, extent: int, above: Chain) -> bool:
        """Whether the axis takes the dim and so many tiles; no loop of it or a fanout further in is above.

        `above` holds all loops of the fanout over the dim, since they are all in one run.
        """
        place = (loop.fanout, loop.axis)
        outer = [self.fanouts.index(other.fanout) for other in above if other.spatial]
        return (
            loop.dim in self.allowed[place]
            and not any((other.fanout, other.axis) == place for other in above)  # one loop per axis
            and ceil(extent / loop.tile) <= self.axes[place].size
            and max(outer, default=0) <= self.fanouts.index(loop.fanout)
        )

    def _ordered(
        self, chains: tuple[Chain, ...], nominal: tuple[int, ...], below: tuple[str, ...]
    ) -> Iterator[Run]:
        """One run per order of the temporal loops that stores further in can tell and no other one replaces.

        Loops of different dims in a run change places freely but for what `_Seen` has: sizes and numbers of
        tiles are counted dim by dim. Spatial loops are never dropped, so their place among loops of other
        dims is not seen at all.
        """
        after = tuple(
            chain[-1].tile if chain else extent for chain, extent in zip(chains, nominal, strict=True)
        )
        if self.all_orders:
            for order in _interleaved(tuple(tuple(lp for lp in ch if not lp.spatial) for ch in chains)):
                if (loops := self._placed(order, chains)) is not None:
                    yield Run(loops, after, frozenset())
            return
        orders = dict[_Seen, tuple[tuple[Loop, ...], Loop | None]]()
        for order in _interleaved(tuple(tuple(lp for lp in chain if not lp.spatial) for chain in chains)):
            seen = self._seen(order, below)
            if seen not in orders and (loops := self._placed(order, chains)) is not None:
                orders[seen] = loops, order[-1] if order else None
        for seen, (loops, innermost) in orders.items():
            if not any(seen != other and seen.replaced_by(other) for other in orders):
                yield Run(loops, after, self._barred(innermost, chains, below))

    def _seen(self, order: tuple[Loop, ...], below: tuple[str, ...]) -> _Seen:
        dropped = list[frozenset[Loop]]()
        for role in below:
            kept = len(order)
            while kept and order[kept - 1].dim not in self.indexed[role]:
                kept -= 1
            dropped.append(frozenset(order[kept:]))
        slides = order and any(order[-1].dim in self.windows.get(role, ()) for role in below)
        return _Seen(tuple(dropped), order[-1] if slides else None)

    def _placed(self, order: tuple[Loop, ...], chains: tuple[Chain, ...]) -> tuple[Loop, ...] | None:
        """All loops: temporal ones in this order, chains in theirs, outer fanouts above inner ones.

        Whatever may come next without breaking one of these partial orders is taken; None if nothing may.
        """
        left, times, placed = [list(chain) for chain in chains], list(order), list[Loop]()
        while any(left):
            ready = [chain[0] for chain in left if chain]
            waiting = {loop.fanout for chain in left for loop in chain if loop.spatial}
            outermost = min(waiting, key=self.fanouts.index, default="")
            ready = [lp for lp in ready if (lp.fanout == outermost if lp.spatial else lp == times[0])]
            if not ready:
                return None
            placed.append(ready[0])
            left[self.dims.index(ready[0].dim)].pop(0)
            if not ready[0].spatial:
                times.pop(0)
        return tuple(placed)

    def _barred(
        self, innermost: Loop | None, chains: tuple[Chain, ...], below: tuple[str, ...]
    ) -> frozenset[str]:
        """Roles whose stores right below this run may as well stand above its innermost temporal loop.

        That is where the loop does not index the tensor: the store drops it here, and holds the same tile
        there; at best a window slides there that could not here. The loop can be the very last of the run,
        below all spatial loops, if no spatial loop over its own dim follows it.
        """
        if innermost is None or not any(chain and chain[-1] == innermost for chain in chains):
            return frozenset()
        return frozenset(role for role in below if innermost.dim not in self.indexed[role])


def _interleaved(chains: tuple[Chain, ...]) -> Iterator[tuple[Loop, ...]]:
    """All ways to merge the chains into one sequence."""
    if not any(chains):
        yield ()
    for i, chain in enumerate(chains):
        if chain:
            for rest in _interleaved((*chains[:i], chain[1:], *chains[i + 1 :])):
                yield (chain[0], *rest)
