"""Trees of one einsum on one accelerator that share a front: dives for good nests, then proofs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.pack import new_bench
from catx.costmodel.tiles_kernel import SPATIAL, STORE
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import ROLES, Einsum
from catx.mapper import branch_kernel, dive_kernel, low_kernel, promise_kernel
from catx.mapper.front import UNKNOWN
from catx.mapper.limits import Limits
from catx.mapper.mapspace import Unrolling, allowed_unrollings, kept_roles, neighbours, unrollings
from catx.mapper.records import kept_record, new_tree, set_limits
from catx.mapper.root_list import RootList, by_promise
from catx.mapper.tree_kernel import (
    AIM_EDP,
    AIM_ENERGY,
    AIM_TIME,
    FRAME,
    KIDS,
    LEAST_J,
    MAX_DEPTH,
    N_FRAMES,
    ROOT,
)

Lows = tuple[tuple[float, float], ...]
"""Pairs of energy [J] and latency [s]: something costs at least as much as one of them."""

Rows = NDArray[np.int64]
"""A nest as the kernel's rows, (rows, 4)."""


@dataclass(frozen=True, slots=True)
class Pass:
    """How thoroughly trees are searched."""

    ratio: float
    """Between extents that are tried."""
    slack: float
    """By which a nest must be better than the front to be followed."""
    width: int
    """Continuations of a nest that are followed."""
    nodes: int
    """That the pass may visit in all."""
    share: int
    """That it may visit in one tree, or an equal part if that is more."""
    fills: bool = False
    """Whether dims may grow to all of their extent where a store further in keeps its tile over them."""
    aim: int = AIM_EDP
    """What makes a tree, and a continuation, promising."""


FIRST = (
    Pass(4.0, 0.02, 2, 20_000, 3_000, fills=True),
    Pass(2.0, 0.01, 4, 20_000, 3_000),
    Pass(2.0, 0.01, 2, 4_000, 500, aim=AIM_TIME),
    Pass(2.0, 0.01, 2, 4_000, 500, aim=AIM_ENERGY),
)
"""Passes over the promising unrollings."""

NEAR, ROUNDS = Pass(2.0, 0.01, 4, 10_000, 1_000), 3
"""Passes over neighbours of the unrollings on the front, as long as there are new ones."""

LAST = (Pass(1.2, 0.0, 8, 8_000, 2_000, fills=True), Pass(1.2, 0.0, 8, 2_000, 500, aim=AIM_TIME))
"""Passes over everything that is still promising."""


TOLERANCES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.002, 0.0)
"""Relative differences that proofs do not care for, one proof after the other."""

ATTEMPT = 4
"""After a proof with a tolerance, one with none is tried with so many times the steps, if that is no larger
part of what is left of the budget: it may do already, as for small problems."""

ROUND, NEXT_ROUND = 20_000, 4
"""Steps of the first round of a proof, and how many times more each further one takes."""

FIRST_TIMED, LEAST_TIMED = 10_000, 0.5
"""Of a proof in limited time: steps of its first round, and the part of a last one that it needs time for."""

FIRST_SHARE, NEXT_SHARE = 500, 4
"""Of the steps of a proof: what each tree gets at first, and how many times more in every further round."""

EASY, FEW, QUICK = 2_000, 2, Pass(4.0, 0.02, 2, 6_000, 3_000, fills=True)
"""Steps of a proof after dives into so many trees: where they suffice, there is nothing else to do."""

LOOK, LOOK_STEPS, COARSE = (0.2, 0.05), 20_000, Pass(4.0, 0.01, 2, 6_000, 100)
"""All unrollings are looked at after the first passes, as far as so many bounds go. Those that may improve
the front by so much get a pass of their own."""

Root = tuple[int, Unrolling]
"""What a tree starts from: which choice of kept roles, and an unrolling."""


class Forest:
    """One tree per choice of kept roles and unrolling; all share a front."""

    def __init__(self, einsum: Einsum, accelerator: Accelerator, limits: Limits) -> None:
        self.bench = new_bench(einsum, accelerator)
        self.tree = new_tree(einsum, accelerator, self.bench)
        self.frames = np.zeros(N_FRAMES, FRAME)
        self.kids = np.zeros(MAX_DEPTH + 1, KIDS)
        self.limits = limits
        set_limits(self.tree, limits)
        self.allowed = allowed_unrollings(einsum, accelerator) & (limits.factor[..., 1] > 1)
        choices, self.complete = kept_roles(accelerator, limits)
        self.kept = dict(zip(choices, range(len(choices)), strict=True))
        self.keeps = np.array([kept_record(kept) for kept in choices])
        self.roots = np.zeros(0, ROOT)
        self.position: dict[Root, int] = {}
        self.known: Lows = ((0.0, 0.0),)
        self.left: Lows = self.known
        self.stage = 0  # of TOLERANCES: proofs with those before it went to their end
        self.what = einsum, accelerator

    @cached_property
    def listed(self) -> RootList:
        """Roots of trees that may improve the front."""
        return RootList(self.bench, self.tree, self.frames, self.allowed)

    @cached_property
    def promising(self) -> list[Unrolling]:
        """Unrollings that would be good if no capacity limited reuse."""
        einsum, accelerator = self.what
        return unrollings(self.bench, accelerator, einsum, self.limits, self.allowed)

    def bound(self, roots: Iterable[Root]) -> None:
        """Find the energy [J] and latency [s] that no nest of some trees can beat; they join `roots`."""
        new = [root for root in dict.fromkeys(roots) if root not in self.position]
        rows = np.zeros(len(new), ROOT)
        rows["kept"] = [kept for kept, _ in new]
        rows["n_spatial"] = [len(unrolling) for _, unrolling in new]
        for spatial, (_, unrolling) in zip(rows["spatial"], new, strict=True):
            if unrolling:
                spatial[: len(unrolling)] = unrolling
        promise_kernel.bound_roots(self.bench, self.tree, self.frames, self.keeps, rows)
        self.position |= {root: at for at, root in enumerate(new, len(self.roots))}
        self.roots = np.concatenate([self.roots, rows])

    def rows_of(self, roots: Iterable[Root]) -> NDArray[np.void]:
        """Bounded roots as records."""
        return self.roots[[self.position[root] for root in roots]]

    def add_neighbours(self, roots: Iterable[Root]) -> list[Root]:
        """Add the neighbours of roots; returns those that are new."""
        added = [
            (kept, other)
            for kept, unrolling in roots
            for other in neighbours(unrolling, self.allowed, self.bench)
            if (kept, other) not in self.position and self.limits.obey(other)
        ]
        self.bound(added)
        return list(dict.fromkeys(added))

    def search(self, step: Pass, roots: NDArray[np.void]) -> None:
        """Search trees of ROOT records where they can still improve the front, the most promising first."""
        energy, time = roots["energy"], roots["time"]
        promises = {AIM_EDP: (energy + LEAST_J) * time, AIM_TIME: time, AIM_ENERGY: energy}
        self._dive_pass(step, roots, np.argsort(promises[step.aim], kind="stable"))

    def _dive_pass(self, step: Pass, roots: NDArray[np.void], order: NDArray[np.int64]) -> None:
        """Dive into trees in the order given."""
        tree = self.tree
        tree["ratio"], tree["slack"], tree["width"] = step.ratio, step.slack, step.width
        tree["aim"], tree["fills"], tree["ties"] = step.aim, step.fills, False
        end, share = int(tree["nodes"]) + step.nodes, max(step.share, step.nodes // max(1, len(order)))
        dive_kernel.dive_trees(self.bench, tree, self.frames, self.kids, self.keeps, roots, order, share, end)

    def settle(self, budget: int) -> bool:
        """Search the most promising trees, and try to prove what is found: returns success.

        Args:
            budget: steps that looking for these trees, and the proof, may take.
        """
        tree = self.tree
        tree["slack"], tree["budget"] = 0.0, int(tree["nodes"]) + budget
        self.listed.start(self.keeps, 0.0)
        roots = self.listed.extend(self.keeps, most=FEW)
        self._dive_pass(QUICK, roots, by_promise(roots))
        self._prove_within(0.0, int(tree["nodes"]) + budget)
        return not self.left

    def dive(
        self,
        first: Sequence[Pass] = FIRST,
        last: Sequence[Pass] = LAST,
        look: int = LOOK_STEPS,
    ) -> None:
        """Search what is promising for good nests to begin with.

        Args:
            first: passes over promising unrollings.
            last: passes over all of it.
            look: bounds of unrollings that looking for more promising ones may take.
        """
        self.bound((kept, unrolling) for kept in range(len(self.keeps)) for unrolling in self.promising)
        for step in first:
            self.search(step, self.roots)
        self._look(look)
        searched: set[Root] = set()
        for _ in range(ROUNDS):
            fresh = [root for root in self.roots_on_front() if root not in searched]
            searched.update(fresh)
            added = self.add_neighbours(fresh)
            if not added:
                break
            self.search(NEAR, self.rows_of(added))
        for step in last:
            self.search(step, self.roots)

    def _look(self, steps: int) -> None:
        """Dive into trees of all unrollings that may improve the front a lot."""
        tree, end = self.tree, int(self.tree["nodes"]) + steps
        for tolerance in LOOK:
            tree["slack"], tree["budget"] = tolerance, end
            self.listed.start(self.keeps, tolerance)
            roots = self.listed.extend(self.keeps)
            before = int(tree["nodes"])
            if len(roots):
                self._dive_pass(COARSE, roots, by_promise(roots))
                self.bound(self.roots_on_front())
            end += int(tree["nodes"]) - before

    def prove(self, budget: int) -> None:
        """Search everything that may improve the front; what the budget does not suffice for is in `left`.

        Each round starts with the front and the bounds of those before. The first rounds are the same for all
        budgets that leave room for a larger one, so budgets of 0, 1, 5, 21, ... times `ROUND` find nothing
        worse one after the other.
        """
        tree, size = self.tree, ROUND
        end = int(tree["nodes"]) + budget
        self._prove_within(0.0, int(tree["nodes"]))
        while self.left and (room := end - int(tree["nodes"])) > 0:
            if room < size + NEXT_ROUND * size:
                self._prove_round(end)
                return
            self._prove_round(int(tree["nodes"]) + size)
            size *= NEXT_ROUND

    def _prove_round(self, end: int) -> None:
        """Search with less and less tolerance, up to none; later rounds leave out what is finished."""
        for stage in range(self.stage, len(TOLERANCES)):
            started, tolerance = int(self.tree["nodes"]), TOLERANCES[stage]
            if self._prove_within(tolerance, end) and stage == self.stage:
                self.stage += 1
            taken = int(self.tree["nodes"]) - started
            if tolerance > 0.0 and self.left and ATTEMPT * taken * ATTEMPT <= end - int(self.tree["nodes"]):
                self._prove_within(0.0, int(self.tree["nodes"]) + ATTEMPT * taken)
            if not self.left or self.tree["nodes"] >= end:
                return

    def _prove_within(self, tolerance: float, end: int) -> bool:
        """Search everything that may improve the front by more than a relative tolerance: returns success.

        Unrollings that cannot have the least EDP come last: they can save energy or time alone.
        """
        tree = self.tree
        tree["slack"], tree["aim"], tree["n_low"] = tolerance, AIM_EDP, 0
        tree["ties"] = self.limits.binding
        if not self.complete:
            low_kernel.enter_low(tree, *UNKNOWN[0])
        self.listed.start(self.keeps, tolerance)
        for last in (False, True):
            left = max(0, end - int(tree["nodes"]))
            tree["budget"] = int(tree["nodes"]) + left // 2
            roots = self.listed.extend(self.keeps, np.inf if last else self._least_product())
            tree["budget"] = end if last else end - left // 4
            self._search_trees(roots)
        self.listed.enter_left()
        finished = int(tree["n_low"]) == 0
        self._tighten(self._lows(tolerance))
        return finished

    def _search_trees(self, roots: NDArray[np.void]) -> None:
        """Search trees in rounds, the most promising first, with larger shares of the budget each time."""
        tree, share, left = self.tree, FIRST_SHARE, int(self.tree["budget"] - self.tree["nodes"])
        while left > 0 and share < NEXT_SHARE * left:
            alive = np.flatnonzero(roots["done"] == 0)
            if len(alive) == 0:
                break
            order = alive[by_promise(roots[alive])]
            branch_kernel.search_trees(self.bench, tree, self.frames, self.keeps, roots, order, share)
            share, left = share * NEXT_SHARE, int(tree["budget"] - tree["nodes"])
        low_kernel.enter_lows(tree, roots)

    def prove_in_time(self, end_s: float) -> None:
        """Prove in rounds of more and more steps, as long as the clock allows, which says `end_s` at last."""
        self._prove_within(0.0, int(self.tree["nodes"]))
        steps = FIRST_TIMED
        while self.left:
            started = perf_counter()
            self._prove_round(int(self.tree["nodes"]) + steps)
            now = perf_counter()
            room = (end_s - now) / max(now - started, 1e-9)  # in rounds like the last one
            if room < LEAST_TIMED:
                return
            steps = int(steps * min(room, NEXT_ROUND))

    def _lows(self, tolerance: float) -> Lows:
        """Pairs of which every mapping is above one [J, s]: of what a search left, passed over, or found."""
        tree, n, n_front = self.tree, int(self.tree["n_low"]), int(self.tree["n_front"])
        lows = list(zip(tree["low_energy"][:n].tolist(), tree["low_time"][:n].tolist(), strict=True))
        energies = (tree["front_energy"][:n_front] / (1.0 + tolerance)).tolist()
        times = (tree["front_time"][:n_front] / (1.0 + tolerance)).tolist()
        return tuple(lows + list(zip(energies, times, strict=True)))

    def _tighten(self, lows: Lows) -> None:
        """Every mapping is above one of `lows`, and above one of the pairs that were known before.

        What the front reaches is known still, as its points may have to make room for others; it is not left.
        """
        tree, n = self.tree, int(self.tree["n_front"])
        front = np.stack([tree["front_energy"][:n], tree["front_time"][:n]], axis=1)
        new, known = np.array(lows).reshape(-1, 1, 2), np.array(self.known).reshape(1, -1, 2)
        both = np.maximum(new, known).reshape(-1, 2)
        kept: list[tuple[float, float]] = []
        fastest = np.inf
        for energy, time in both[np.lexsort((both[:, 1], both[:, 0]))].tolist():
            if time < fastest:  # by energy: those that come later must be faster
                fastest = time
                kept.append((energy, time))
        self.known = tuple(kept)
        self.left = tuple(
            (energy, time)
            for energy, time in kept
            if not np.any((front[:, 0] <= energy) & (front[:, 1] <= time))
        )

    def _least_product(self) -> float:
        """The least energy times latency [J s] of a nest found so far."""
        n = self.tree["n_front"]
        return float(min(self.tree["front_energy"][:n] * self.tree["front_time"][:n], default=np.inf))

    def roots_on_front(self) -> list[Root]:
        """Roots of the nests on the front, each once."""
        found: dict[Root, None] = {}
        for i in range(int(self.tree["n_front"])):
            nest = self.tree["front_nest"][i, : self.tree["front_rows"][i]]
            found[self.root_of(nest)] = None
        return list(found)

    def root_of(self, nest: Rows) -> Root:
        """Kept roles and unrolling of a nest, the innermost spatial loop first; new choices join `keeps`."""
        extents = self.bench["extents"].tolist()
        kept = np.zeros((int(self.bench["n_memories"]), len(ROLES)), bool)
        factors: dict[tuple[int, int], int] = {}
        for kind, index, tile, extra in nest.tolist():
            if kind == STORE:
                kept[index, extra] = True
                continue
            if kind == SPATIAL and tile < extents[index]:
                factors[extra, index] = factors.get((extra, index), 1) * -(-extents[index] // tile)
            extents[index] = tile
        unrolling = tuple((axis, d, factor) for (axis, d), factor in reversed(factors.items()))
        choice = tuple(tuple(row) for row in kept.tolist())
        if choice not in self.kept:
            self.kept[choice] = len(self.keeps)
            self.keeps = np.append(self.keeps, kept_record(choice))
        return self.kept[choice], unrolling
