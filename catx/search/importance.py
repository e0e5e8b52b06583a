"""Which gene matters for which metric: permutation importance of a forest fitted on evaluated points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catx.errors import OptionError
from catx.extras import need
from catx.search.findings import Findings
from catx.search.metrics import ACCURACY

FOLDS, TREES, REPEATS = 5, 50, 3
LEAST_POINTS = 20
"""Below these no forest is fitted."""

TRUSTED = 0.5
"""Below this R2 the forest does not know the metric, and what it says of genes is not to be trusted."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """What a forest says of a metric.

    `drops` are, by gene, how much R2 falls on points that the forest was not fitted on when the gene's values
    are shuffled among them: 0 for one that does not matter. `deviations` are their standard deviations over
    folds and shuffles. `r2` is that of all points, each predicted by a forest that was not fitted on it.
    `note` says why there is nothing, or why it is not to be trusted.
    """

    metric: str
    logarithm: bool
    points: int
    r2: float | None
    drops: tuple[float, ...] | None
    deviations: tuple[float, ...] | None
    note: str = ""

    @property
    def shares(self) -> tuple[float, ...] | None:
        """Drops as shares of their sum, those below 0 as 0; all 0 where no gene matters."""
        if self.drops is None:
            return None
        kept = [max(0.0, drop) for drop in self.drops]
        return tuple(drop / (sum(kept) or 1.0) for drop in kept)


def importances(found: Findings, metrics: Sequence[str] | None = None, *, seed: int = 1) -> list[Importance]:
    """The importance of the genes that vary, for each metric.

    Genes are given to the forest as places of their values, which trees need no more than the order of.
    Metrics are taken as logarithms where all values are positive, so that factors count and not the largest
    values; accuracy is taken as it is.

    Args:
        found: a study's points; all that have numbers are used, infeasible ones too.
        metrics: names; default objectives and bounded metrics.
        seed: of folds, trees and shuffles.

    Raises:
        OptionError: nothing varies, or too few points have numbers.
    """
    places = [at for at, _ in found.varying]
    if not places:
        raise OptionError(f"{found.path}: no gene varies, so none can matter")
    if len(found.evaluated) < LEAST_POINTS:
        raise OptionError(
            f"{found.path}: {len(found.evaluated)} points have numbers; importance needs {LEAST_POINTS}"
        )
    genes = np.array([[point.genome[at] for at in places] for point in found.evaluated], float)
    return [
        importance_of(
            genes,
            np.array([point.evaluation.numbers[name] for point in found.evaluated], float),
            name,
            seed=seed,
        )
        for name in (found.metrics if metrics is None else metrics)
    ]


def importance_of(genes: Floats, values: Floats, name: str, *, seed: int = 1) -> Importance:
    """The importance of genes for a metric.

    Args:
        genes: places of values, [points, genes].
        values: of the metric, [points].
        name: of the metric.
        seed: of folds, trees and shuffles.
    """
    logarithm = name != ACCURACY.name and bool((values > 0).all())
    if np.ptp(values) == 0:
        return Importance(
            metric=name,
            logarithm=logarithm,
            points=len(values),
            r2=None,
            drops=None,
            deviations=None,
            note="it is the same at all points",
        )
    r2, drops = _fitted(genes, np.log(values) if logarithm else values, seed)
    low = f"R2 {r2:.2f} is below {TRUSTED}: not to be trusted; more evaluations may help"
    return Importance(
        metric=name,
        logarithm=logarithm,
        points=len(values),
        r2=r2,
        drops=tuple(map(float, drops.mean(axis=1))),
        deviations=tuple(map(float, drops.std(axis=1))),
        note=low if r2 < TRUSTED else "",
    )


def _fitted(genes: Floats, values: Floats, seed: int) -> tuple[float, Floats]:
    """R2 over all folds, and drops of R2 [genes, folds x repeats]."""
    need("plot", "sklearn")
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import r2_score
    from sklearn.model_selection import KFold

    predicted = np.empty_like(values)
    drops: list[Any] = []
    for fitted, held in KFold(FOLDS, shuffle=True, random_state=seed).split(genes):
        forest = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=seed)
        forest.fit(genes[fitted], values[fitted])
        predicted[held] = forest.predict(genes[held])
        shuffled = permutation_importance(
            forest,
            genes[held],
            values[held],
            scoring="neg_mean_squared_error",
            n_repeats=REPEATS,
            random_state=seed,
        )
        drops.append(shuffled.importances / values.var())
    return float(r2_score(values, predicted)), np.hstack(drops)
