"""Yield of dies that sell with some of their cores switched off (functional binning)."""

from functools import lru_cache
from math import lgamma

import numpy as np
from numpy.typing import ArrayLike, NDArray

from catx.ir.assembly import MAX_CORES

_CHUNK = 2_000
"""Dies at a time: each takes a row of the quadrature."""

_POINTS = 400
"""Of the quadrature over defect rates; 200 give the same ten digits."""


@lru_cache(64)
def _legendre(points: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return (nodes + 1.0) / 2.0, weights / 2.0


@lru_cache(64)
def _binomials(cores: int) -> NDArray[np.float64]:
    """Logarithms of the number of ways to choose k of the cores, (cores + 1,)."""
    return np.array([lgamma(cores + 1) - lgamma(k + 1) - lgamma(cores - k + 1) for k in range(cores + 1)])


def binned_yield(
    defects: ArrayLike, clustering: float, cores: float, needed: float, share: float
) -> NDArray[np.float64] | float:
    """Share of dies of which enough cores work and everything else does.

    Defects follow a negative-binomial distribution: Poisson at a rate that is gamma-distributed from die to
    die. At a given rate each core is hit or not on its own; the mean over rates is the yield. The same model
    as D. Stow et al., ICCAD 2017, which sums over numbers of defects instead.

    Args:
        defects: mean number per die, area times density; any shape.
        clustering: of defects, the distribution's alpha.
        cores: equal parts of which some may fail.
        needed: that must work.
        share: of the die's area that these parts take, 0 to 1.

    Raises:
        ValueError: more parts are needed than there are, there are more than `MAX_CORES`, or the clustering
            is not above 0.
    """
    n, least = round(float(np.max(cores))), round(float(np.max(needed)))
    if not 1 <= least <= n <= MAX_CORES or clustering <= 0:
        raise ValueError(f"{least} of {n} cores, at most {MAX_CORES}, and a clustering of {clustering}")
    means = np.asarray(defects, np.float64)
    if means.size > _CHUNK:
        parts = [
            np.asarray(binned_yield(part, clustering, cores, needed, share))
            for part in np.array_split(means.ravel(), -(-means.size // _CHUNK))
        ]
        return np.concatenate(parts).reshape(means.shape)
    mean = means[..., None]
    # rate = mean * g / clustering with g gamma-distributed of unit scale; all but 1e-16 of it is below `top`.
    # g = top x^4 makes the density smooth at 0 for any clustering.
    nodes, weights = _legendre(_POINTS)
    top = clustering + 12.0 * np.sqrt(clustering) + 40.0
    g = nodes**4 * top
    density = np.exp((clustering - 1.0) * np.log(g) - g - lgamma(float(clustering)))
    density *= weights * 4.0 * nodes**3 * top
    rate = mean * g / clustering
    survive = np.exp(-rate * share / n)  # that one core has no defect
    good = np.zeros_like(rate)
    ways = _binomials(n)
    for k in range(least, n + 1):
        lost = np.clip(1.0 - survive, 1e-300, None)
        good += np.exp(ways[k] + k * np.log(np.clip(survive, 1e-300, None)) + (n - k) * np.log(lost))
    found = (np.exp(-rate * (1.0 - share)) * good * density).sum(axis=-1)
    return float(found) if found.ndim == 0 else found
