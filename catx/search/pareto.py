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
