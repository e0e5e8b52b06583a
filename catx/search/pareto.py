"""Fronts and hypervolumes of points whose every number is to be small."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catx.extras import need

Points = Sequence[Sequence[float]] | NDArray[np.float64]


def front_of(points: Points) -> list[int]:
    """Indices of points that no other one beats, in their order; of equal points all are kept.

    A point beats another one where it is nowhere worse and somewhere better.
    """
    if not len(points):
        return []
    need("search", "moocore")
    import moocore

    kept = moocore.is_nondominated(np.asarray(points, float), keep_weakly=True)
    return [int(at) for at in np.flatnonzero(kept)]


def hypervolume(points: Points, reference: Sequence[float]) -> float:
    """Volume that the points beat, up to a reference point that is worse than all that counts."""
    if not len(points):
        return 0.0
    need("search", "moocore")
    import moocore

    return float(moocore.hypervolume(np.asarray(points, float), ref=list(reference)))


def gains_of(
    front: NDArray[np.float64], points: NDArray[np.float64], reference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Hypervolume that each point alone adds to a front.

    Args:
        front: costs that do not beat each other, (n, objectives).
        points: costs, (m, objectives).
        reference: the worst cost of each objective that counts, (objectives,).

    Returns:
        (m,).
    """
    if front.shape[1] != 2:
        worst = reference.tolist()
        before = hypervolume(front, worst)
        return np.array([hypervolume(np.vstack([front, point]), worst) - before for point in points])
    inside = front[(front < reference).all(axis=1)]
    steps = inside[np.argsort(inside[:, 0], kind="stable")]
    # below the steps, from left to right, is what the front leaves: as high as the step before allows
    left = np.concatenate([[-np.inf], steps[:, 0]])
    right = np.concatenate([steps[:, 0], reference[:1]])
    height = np.concatenate([reference[1:], steps[:, 1]])
    wide = np.clip(right - np.maximum(left, points[:, :1]), 0.0, None)
    high = np.clip(height - points[:, 1:], 0.0, None)
    gains: NDArray[np.float64] = (wide * high).sum(axis=1)
    return gains
