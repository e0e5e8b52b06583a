"""What a sheet's numbers may be, given the spreads of its inputs: seeded Monte Carlo, which input matters."""

from collections.abc import Mapping, Sequence
from statistics import NormalDist
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.carbon.formulas import Number, solve
from catx.costmodel.carbon.wafer import P95
from catx.ir.sheet import Row, Sheet, Spread, Swing, Uncertainty

SEED = 1
"""Of the draws, where nothing else is asked for."""

BANDS = (5.0, 50.0, 95.0)
"""Percentiles that are told."""

Samples = NDArray[np.float64]
"""One value per sample, (samples,)."""


_LEAST = 1e-16
"""Quantiles closer to 0 or 1 have no finite normal deviate."""

TOTALS = ("embodied_gco2e", "operational_gco2e", "total_gco2e")
"""Rows whose uncertainty is told; swings are of the last one."""


def factors(spread: Spread, at: Samples) -> Samples:
    """Factors of the nominal value at quantiles in (0, 1): the inverse of the distribution function."""
    low, high = spread.low, spread.high
    if spread.shape == "lognormal":
        sigma = np.log(high) / P95
        drawn: Samples = np.exp(sigma * _normal(at))
        return drawn
    if spread.shape == "uniform":
        return low + at * (high - low)
    if spread.shape == "triangular":
        return _triangular(low, 1.0, high, at)
    return np.exp(_triangular(np.log(low), 0.0, np.log(high), at))


def _normal(at: Samples) -> Samples:
    """Quantiles of the standard normal distribution."""
    quantile = NormalDist().inv_cdf
    return np.array([quantile(p) for p in np.clip(at, _LEAST, 1.0 - _LEAST)])


def _triangular(low: float, peak: float, high: float, at: Samples) -> Samples:
    if high <= low:
        return np.full_like(at, peak)
    turn = (peak - low) / (high - low)
    left = low + np.sqrt(at * (high - low) * max(peak - low, 0.0))
    right = high - np.sqrt((1.0 - at) * (high - low) * max(high - peak, 0.0))
    return np.where(at < turn, left, right)


def draw(sheet: Sheet, samples: int, seed: int = SEED) -> dict[str, Samples]:
    """Values of the inputs that have a spread, by row.

    Inputs of one key get the same quantiles, in every sheet and in any order of rows: designs are compared
    under common random numbers.

    Args:
        sheet: whose inputs.
        samples: how many values of each.
        seed: of the generator; each key has its own stream.
    """
    return {
        row.name: row.value * factors(row.spread, _quantiles(row.spread.key, samples, seed))
        for row in sheet.rows
        if row.spread
    }


def _quantiles(key: str, samples: int, seed: int) -> Samples:
    generator = np.random.default_rng((seed, crc32(key.encode())))
    return generator.random(samples)


def simulate(sheet: Sheet, names: Sequence[str], samples: int, seed: int = SEED) -> dict[str, Samples]:
    """Samples of some rows, (samples,) each; the nominal values stay as they are in the sheet."""
    values = solve(sheet, draw(sheet, samples, seed))
    return {name: np.broadcast_to(np.asarray(values[name], np.float64), (samples,)) for name in names}


def bands(samples: Samples) -> tuple[float, float, float]:
    """The 5th, 50th and 95th percentile."""
    low, middle, high = np.percentile(samples, BANDS).tolist()
    return low, middle, high


def uncertainty(sheet: Sheet, samples: int, seed: int = SEED) -> Uncertainty:
    """Percentiles of the totals, and which inputs matter.

    Example:
        >>> import catx
        >>> report = catx.compile_model("clip_vit_b16_text", "edge4")
        >>> uncertainty(report.carbon.sheet, 1000).percentiles[-1][0]
        'total_gco2e'
    """
    drawn = simulate(sheet, TOTALS, samples, seed)
    return Uncertainty(
        samples=samples,
        seed=seed,
        percentiles=tuple((name, bands(values)) for name, values in drawn.items()),
        swings=tuple(tornado(sheet, TOTALS[-1])),
    )


def tornado(sheet: Sheet, name: str) -> list[Swing]:
    """What each input alone does to a row, the widest swing first; inputs of one key move together."""
    keyed: dict[str, list[Row]] = {}
    for row in sheet.rows:
        if row.spread:
            keyed.setdefault(row.spread.key, []).append(row)
    swings = []
    for key, rows in keyed.items():
        ends = []
        for quantile in (0.05, 0.95):
            given: Mapping[str, Number] = {
                row.name: float(row.value * factors(row.spread, np.array([quantile]))[0])
                for row in rows
                if row.spread
            }
            ends.append(float(solve(sheet, given)[name]))
        swings.append(Swing(", ".join(row.name for row in rows), key, *ends))
    return sorted(swings, key=lambda swing: (-swing.width, swing.key))
