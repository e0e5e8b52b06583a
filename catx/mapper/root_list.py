"""Unrollings whose trees may improve a front, listed for each choice of what memories keep."""

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.tiles_kernel import Bench
from catx.mapper import roots_kernel
from catx.mapper.roots_kernel import MAX_ROOTS, ROOTS
from catx.mapper.tree_kernel import LEAST_J, MAX_TREE_LOWS, ROOT, Tree


class RootList:
    """Roots of trees that may improve the front by more than a tolerance, as far as a budget goes."""

    def __init__(
        self,
        bench: Bench,
        tree: Tree,
        frames: NDArray[np.void],
        keeps: NDArray[np.void],
        allowed: NDArray[np.bool_],
        tolerance: float,
    ) -> None:
        """Nothing is listed yet; `allowed` says what may be unrolled where, (axes, dims)."""
        self.search = bench, tree, frames
        self.keeps = keeps
        self.found = [np.zeros(0, ROOT)]
        self.at_hand = np.zeros(1, ROOTS)[0]
        places = np.argwhere(allowed)
        self.at_hand["place"][: len(places)], self.at_hand["n_places"] = places, len(places)
        self.at_hand["slack"] = 1.0 + tolerance

    def bound(self, kept: int) -> tuple[float, float]:
        """Energy [J] and latency [s] that nothing with a choice of kept roles beats."""
        self.at_hand["kept"] = kept
        least_j, least_s = roots_kernel.bound_all(*self.search, self.keeps, self.at_hand)
        return float(least_j), float(least_s)

    def extend(self, fastest: float, slowest: float) -> bool:
        """Add what the choice bounded last has between two latencies [s]; returns whether that is all."""
        tree, roots, complete = self.search[1], self.at_hand, False
        roots["at"], roots["crowded"] = -1, 0
        roots["fastest"], roots["slowest"] = fastest, slowest
        while not complete and tree["nodes"] < tree["budget"]:
            listed = np.zeros(MAX_ROOTS, ROOT)
            complete = roots_kernel.list_roots(*self.search, roots, listed)
            self.found.append(listed[: int(roots["n"])].copy())
        return complete and not roots["crowded"]

    def roots(self) -> NDArray[np.void]:
        """All of them, as ROOT records."""
        return np.concatenate(self.found)


def by_promise(roots: NDArray[np.void]) -> NDArray[np.int64]:
    """Positions of roots, those first that leave room for the least energy times latency."""
    some = np.arange(MAX_TREE_LOWS) < roots["n_low"][:, None]
    energy, time = (np.where(some, roots[name], np.inf).min(axis=1) for name in ("low_energy", "low_time"))
    return np.argsort((energy + LEAST_J) * time, kind="stable")
