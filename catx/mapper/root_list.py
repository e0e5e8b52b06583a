"""Unrollings whose trees may improve a front, listed anew as front and tolerance change."""

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.tiles_kernel import Bench
from catx.mapper import open_kernel
from catx.mapper.open_kernel import FULL, LISTED, OPEN
from catx.mapper.roots_kernel import ROOTS
from catx.mapper.tree_kernel import LEAST_J, MAX_TREE_LOWS, ROOT, Tree

MAX_ROOTS = 1 << 12
"""Unrollings that one call lists."""

FIRST_OPEN, MAX_OPEN = 1 << 10, 1 << 17
"""Ranges of unrollings that there is room for at first, and at most (35 MB)."""


class RootList:
    """Roots of trees that may improve the front.

    Ranges of unrollings that a list did not look into are kept, with their bounds, for the next one.
    """

    def __init__(
        self, bench: Bench, tree: Tree, frames: NDArray[np.void], allowed: NDArray[np.bool_]
    ) -> None:
        """Nothing is listed yet; `allowed` says what may be unrolled where, (axes, dims)."""
        self.search = bench, tree, frames
        self.found = np.zeros(MAX_ROOTS, ROOT)
        self.at_hand = np.zeros(1, ROOTS)[0]
        places = np.argwhere(allowed)
        self.at_hand["place"][: len(places)], self.at_hand["n_places"] = places, len(places)
        self.nodes, self.slots = np.zeros(0, OPEN), np.zeros((3, 0), np.int64)
        self._make_room(FIRST_OPEN)
        self.opened = self.crowded = 0

    def start(self, keeps: NDArray[np.void], tolerance: float) -> None:
        """Start a list of what may improve the front by more than a tolerance.

        Args:
            keeps: KEPT records, those of earlier lists first.
            tolerance: relative.
        """
        roots, ranges = self.at_hand, (self.nodes, self.slots)
        roots["slack"] = 1.0 + tolerance
        crowded = int(self.search[1]["n_crowded"])
        if roots["forgot"] or crowded > self.crowded:  # points may be gone for whose sake ranges were dropped
            self.crowded = crowded
            open_kernel.forget(roots, self.slots)
            self.opened = 0
        open_kernel.reopen(self.search[1], roots, *ranges)
        if self.opened < len(keeps):
            open_kernel.open_all(*self.search, keeps, roots, *ranges, self.opened)
            self.opened = len(keeps)

    def extend(
        self, keeps: NDArray[np.void], least: float = np.inf, most: int | None = None
    ) -> NDArray[np.void]:
        """ROOT records of what is still to be listed, as far as the tree's budget goes.

        Args:
            keeps: KEPT records.
            least: energy times latency [J s]: what promises no better is left for the next call.
            most: end with so many, and those that differ from the last one in the order of loops alone.
        """
        room = self.found if most is None else self.found[: most - 1 + open_kernel.ROOM]
        found = [np.zeros(0, ROOT)]
        while True:
            ranges = self.nodes, self.slots
            how = open_kernel.list_roots(*self.search, keeps, self.at_hand, *ranges, room, least)
            found.append(self.found[: int(self.at_hand["n"])].copy())
            if how == FULL and len(self.nodes) < MAX_OPEN:
                self._make_room(2 * len(self.nodes))
            elif how == FULL and self.at_hand["n_shut"]:
                open_kernel.make_room(self.at_hand, self.slots)
            elif how != LISTED or most is not None:
                return np.concatenate(found)

    def enter_left(self) -> None:
        """Note bounds of what was not listed."""
        open_kernel.enter_open(self.search[1], self.at_hand, self.nodes, self.slots)

    def _make_room(self, size: int) -> None:
        """Make room for so many ranges."""
        before, roots = len(self.nodes), self.at_hand
        nodes, slots = np.zeros(size, OPEN), np.zeros((3, size), np.int64)
        nodes[:before], slots[:, :before] = self.nodes, self.slots
        n_free = int(roots["n_free"])
        slots[open_kernel.FREE, n_free : n_free + size - before] = np.arange(before, size)
        roots["n_free"] = n_free + size - before
        self.nodes, self.slots = nodes, slots


def by_promise(roots: NDArray[np.void]) -> NDArray[np.int64]:
    """Positions of roots, those first that leave room for the least energy times latency."""
    some = np.arange(MAX_TREE_LOWS) < roots["n_low"][:, None]
    energy, time = (np.where(some, roots[name], np.inf).min(axis=1) for name in ("low_energy", "low_time"))
    return np.argsort((energy + LEAST_J) * time, kind="stable")
