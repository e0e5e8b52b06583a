"""What genomes would cost, predicted by Gaussian processes; and those that promise the most."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catx.extras import need
from catx.search.pareto import front_of, gains_of
from catx.search.sampler import Result
from catx.search.space import Genome, Space

MOST_FITTED = 400
"""Points that a model is fitted to: those of the best fronts, and the latest. A fit takes their cube."""

_TUNED = 150
"""Points by which lengths are found along each gene, which takes many fits."""

_TUNE_AGAIN = 1.3
"""How many times more points must be known before lengths are found anew."""

_COMPARED = 150
"""Candidates whose gain in hypervolume is compared for each pick."""

_QUANTILES = (-1.1503, -0.3186, 0.3186, 1.1503)
"""Of the normal distribution, in the middle of four equal parts: what a prediction may turn out as."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions by genome: (genomes, columns), first objectives and then constraints, each standardized.

    `feasible` is the probability that a point does not fail, and obeys all constraints. `violation` is that
    of the means, and the probability that the point fails.
    """

    means: Matrix
    deviations: Matrix
    feasible: Matrix
    violation: Matrix


class Surrogate:
    """Models of every objective and constraint of a study.

    Objectives that are above 0 everywhere are modelled by their logarithm; constraints by how far values are
    from their bound, on a logarithmic scale on both sides.

    Args:
        space: of genomes.
        objectives: how many there are.

    Raises:
        ExtraError: scikit-learn is not installed.
    """

    def __init__(self, space: Space, objectives: int) -> None:
        need("search", "sklearn")
        self._free = [at for at, gene in enumerate(space.genes) if len(gene.values) > 1]
        self._scales = [np.linspace(0.0, 1.0, len(space.genes[at].values)) for at in self._free]
        self._objectives = objectives
        self._kernels: list[Any] = []
        self._tuned_at = 0
        self._known: list[Result] = []
        self._models: list[Any] = []
        self._failing: Any = None
        self._middle = self._spread = np.zeros(0)

    def fit(self, results: Sequence[Result]) -> None:
        """Fit all models to what is known.

        Args:
            results: two of them at least have costs; the others, which failed, tell where points fail.
        """
        self._fit_failing(results)
        self._known = _chosen([one for one in results if one.costs is not None])
        columns = self._columns(self._known)
        self._middle, spread = columns.mean(axis=0), columns.std(axis=0)
        self._spread = np.where(spread > 0, spread, 1.0)
        standard = (columns - self._middle) / self._spread
        positions = self._positions([one.genome for one in self._known])
        if len(self._known) >= self._tuned_at * _TUNE_AGAIN and self._tuned_at < _TUNED:
            self._tuned_at = min(len(self._known), _TUNED)
            few = slice(-self._tuned_at, None)
            self._kernels = [_tuned(positions[few], column[few]) for column in standard.T]
        self._models = [
            _fitted(kernel, positions, column)
            for kernel, column in zip(self._kernels, standard.T, strict=True)
        ]

    def _fit_failing(self, results: Sequence[Result]) -> None:
        """A model of -1 where a point failed and 1 where it did not; None while no point fails."""
        self._failing = None
        failed = np.array([one.costs is None for one in results][-MOST_FITTED:])
        if failed.any():
            positions = self._positions([one.genome for one in results[-MOST_FITTED:]])
            outcome = np.where(failed, -1.0, 1.0)
            self._failing = _fitted(_tuned(positions[-_TUNED:], outcome[-_TUNED:]), positions, outcome)

    def predict(self, genomes: Sequence[Genome]) -> Predicted:
        """What genomes would cost."""
        positions = self._positions(genomes)
        both = [model.predict(positions, return_std=True) for model in self._models]
        means = np.array([mean for mean, _ in both]).T.reshape(len(genomes), -1)
        deviations = np.array([deviation for _, deviation in both]).T.reshape(len(genomes), -1)
        of = slice(self._objectives, None)
        excess = means[:, of] * self._spread[of] + self._middle[of]  # 0 at the bound
        obeyed = _chance_below(excess, deviations[:, of] * self._spread[of]).prod(axis=1)
        passed = np.expm1(np.clip(excess, 0.0, 50.0)).sum(axis=1)
        if self._failing is None:
            return Predicted(means, deviations, obeyed, passed)
        outcome, deviation = self._failing.predict(positions, return_std=True)
        fails = _chance_below(outcome, deviation)
        return Predicted(means, deviations, obeyed * (1.0 - fails), passed + fails)

    def picks(self, candidates: Sequence[Genome], count: int, pending: Sequence[Genome] = ()) -> list[int]:
        """Indices of candidates that promise the most hypervolume, each besides those before.

        While no known point is feasible, they are those that most probably are.

        Args:
            candidates: genomes that may be evaluated.
            count: how many are wanted.
            pending: genomes that are being evaluated; they count as they are predicted.
        """
        predicted = self.predict(candidates)
        known = self._standard(self._known)[:, : self._objectives]
        feasible = [at for at, one in enumerate(self._known) if one.violation == 0.0]
        if not feasible:
            return [int(at) for at in np.argsort(-predicted.feasible, kind="stable")[:count]]
        front = known[feasible]
        if pending:
            coming = self.predict(pending)
            front = np.vstack([front, coming.means[coming.feasible >= 0.5, : self._objectives]])
        front = front[front_of(front)]
        reference = known[feasible].max(axis=0) + 0.1
        return _greedy(predicted, self._objectives, front, reference, count)

    def _columns(self, results: Sequence[Result]) -> Matrix:
        costs = np.array([one.costs for one in results], float).reshape(len(results), self._objectives)
        logs = np.where((costs > 0).all(axis=0), np.log(np.maximum(costs, 1e-300)), costs)
        excesses = np.array([one.excesses for one in results], float).reshape(len(results), -1)
        return np.hstack([logs, _log(excesses)])

    def _standard(self, results: Sequence[Result]) -> Matrix:
        found: Matrix = (self._columns(results) - self._middle) / self._spread
        return found

    def _positions(self, genomes: Sequence[Genome]) -> Matrix:
        """(genomes, genes that vary): 0 is the first choice of a gene, 1 its last."""
        pairs = list(zip(self._free, self._scales, strict=True))
        rows = [[scale[genome[at]] for at, scale in pairs] for genome in genomes]
        return np.array(rows, float).reshape(len(genomes), len(self._free))


def _log(excesses: Matrix) -> Matrix:
    """Excesses on a logarithmic scale on both sides of the bound, where they are 0."""
    found: Matrix = np.sign(excesses) * np.log1p(np.abs(excesses))
    return found


def _chance_below(means: Matrix, deviations: Matrix) -> Matrix:
    """Probability that normal variables are at most 0."""
    from scipy.special import ndtr

    found: Matrix = ndtr(-means / np.maximum(deviations, 1e-9))
    return found


def _chosen(results: Sequence[Result]) -> list[Result]:
    """The latest results, and before them the best."""
    if len(results) <= MOST_FITTED:
        return list(results)
    best = sorted(range(len(results)), key=lambda at: results[at].violation)
    feasible = [at for at in best if results[at].violation == 0.0]
    if feasible:
        best = [feasible[at] for at in front_of([results[at].costs or () for at in feasible])]
    kept = dict.fromkeys(best[: MOST_FITTED // 2])
    for at in range(len(results) - 1, -1, -1):
        if len(kept) >= MOST_FITTED:
            break
        kept[at] = None
    return [results[at] for at in sorted(kept)]


def _tuned(positions: Matrix, column: Matrix) -> Any:
    """A kernel whose lengths along each gene fit the points best."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    genes = positions.shape[1]
    kernel = ConstantKernel(1.0, (1e-2, 1e3)) * Matern(np.full(genes, 1.0), (0.05, 50.0), nu=2.5)
    kernel = kernel + WhiteKernel(1e-4, (1e-8, 1e-1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its bound: a gene without effect
        return GaussianProcessRegressor(kernel).fit(positions, column).kernel_


def _fitted(kernel: Any, positions: Matrix, column: Matrix) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor

    return GaussianProcessRegressor(kernel, optimizer=None).fit(positions, column)


def _greedy(predicted: Predicted, objectives: int, front: Matrix, reference: Matrix, count: int) -> list[int]:
    """Candidates with the largest expected gain, one by one; those taken count as they are predicted."""
    means, deviations = predicted.means[:, :objectives], predicted.deviations[:, :objectives]
    gains = _gains(means, deviations, predicted.feasible, front, reference, range(len(means)))
    compared = [int(at) for at in np.argsort(-gains, kind="stable")[:_COMPARED]]
    picked: list[int] = []
    while compared and len(picked) < count:
        if picked:
            gains = _gains(means, deviations, predicted.feasible, front, reference, compared)
        else:
            gains = gains[compared]
        best = compared.pop(int(np.argmax(gains)))
        picked.append(best)
        front = np.vstack([front, means[best]])
        front = front[front_of(front)]
    return picked


def _gains(
    means: Matrix,
    deviations: Matrix,
    feasible: Matrix,
    front: Matrix,
    reference: Matrix,
    indices: Sequence[int],
) -> Matrix:
    """Expected hypervolume that candidates add to the front, times the probability that each is feasible."""
    at = np.asarray(indices, int)
    ends = [means[at] + quantile * deviations[at] for quantile in _QUANTILES]
    gains: Matrix = sum(gains_of(front, end, reference) for end in ends) / len(ends) * feasible[at]
    return gains
