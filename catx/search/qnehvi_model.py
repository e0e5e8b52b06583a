"""Gaussian processes of a study's numbers, and the points that promise the most hypervolume, by BoTorch."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catx.errors import CatxError

Array = NDArray[np.float64]

SAMPLES = 64
"""Of the posterior, over which improvement is averaged."""

_NOISE = 1e-5
"""Variance of a number, as a share of that of all: evaluations are exact, factorizations need a little."""

_ENTRIES = 2**23
"""Of a tensor while points are compared: 64 MB, of which BoTorch holds some at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Points that were evaluated.

    `positions` (points, genes) are in 0..1, `costs` (points, objectives) small where good, `excesses`
    (points, constraints) above 0 where a bound is passed; `failed` (failed points, genes) have no numbers.
    """

    positions: Array
    costs: Array
    excesses: Array
    failed: Array

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Which points obey all constraints."""
        obeyed: NDArray[np.bool_] = np.all(self.excesses <= 0.0, axis=1)
        return obeyed


class ModelError(CatxError):
    """What is known cannot be fitted."""


def promising(known: Known, count: int, *, pending: Array, pool: Array, seed: int) -> list[int]:
    """Points that promise the most, chosen one by one; the same for a seed whatever else is drawn or runs.

    Args:
        known: what is fitted; two points at least.
        count: of points that are wanted.
        pending: (points, genes) that are evaluated just now.
        pool: (points, genes) to choose from; as many as are wanted at least.
        seed: of everything random.

    Returns:
        Their indices in the pool, the most promising one first.

    Raises:
        ModelError: a Gaussian process cannot be fitted.
    """
    _load()
    import torch
    from botorch.optim.optimize import optimize_acqf_discrete

    with _quiet(seed):
        acquisition = _acquisition(known, _fitted(_outcomes(known)), torch.tensor(pending), seed)
        size = max(1, _ENTRIES // _entries(acquisition))
        found, _ = optimize_acqf_discrete(
            acquisition, count, torch.tensor(pool), max_batch_size=size, return_acq_values=False
        )
    at = {tuple(position): index for index, position in enumerate(pool.tolist())}
    return [at[tuple(position)] for position in found.tolist()]


def _outcomes(known: Known) -> list[tuple[Array, Array]]:
    """Positions and values of each model: objectives to be large, constraints that are obeyed below 0."""
    found = [(known.positions, -column) for column in _scaled(known).T]
    found += [(known.positions, np.sign(one) * np.log1p(np.abs(one))) for one in known.excesses.T]
    if len(known.failed):
        values = np.repeat([-1.0, 1.0], [len(known.positions), len(known.failed)])
        found.append((np.concatenate([known.positions, known.failed]), values))
    return found


def _scaled(known: Known) -> Array:
    """Costs of mean 0 and variance 1; those that are far off the rest, and of no front, are cut down."""
    costs, feasible = known.costs, known.feasible
    low, high = np.quantile(costs, [0.25, 0.75], axis=0)
    fence = high + 1.5 * (high - low)
    if feasible.any():
        fence = np.maximum(fence, _front(costs[feasible]).max(axis=0))
    costs = np.minimum(costs, fence)
    spread = costs.std(axis=0)
    scaled: Array = (costs - costs.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    return scaled


def _front(costs: Array) -> Array:
    from catx.search.pareto import front_of

    return costs[front_of(costs)]


def _fitted(outcomes: Sequence[tuple[Array, Array]]) -> Any:
    """A Gaussian process for each outcome, its scales found by maximum likelihood."""
    import torch
    from botorch.exceptions.errors import ModelFittingError
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from botorch.models.model_list_gp_regression import ModelListGP
    from botorch.models.transforms import Standardize
    from gpytorch.mlls import SumMarginalLogLikelihood

    models = []
    for positions, values in outcomes:
        noise = _NOISE * (float(np.var(values, ddof=1)) or 1.0)
        models.append(
            SingleTaskGP(
                torch.tensor(positions),
                torch.tensor(values)[:, None],
                train_Yvar=torch.full((len(values), 1), noise, dtype=torch.float64),
                outcome_transform=Standardize(m=1),
            )
        )
    model = ModelListGP(*models)
    try:
        fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
    except ModelFittingError as error:
        raise ModelError(
            f"qnehvi: no Gaussian process fits the {len(outcomes[0][1])} points that are known: {error}",
            hint="what was evaluated is kept; search on with nsga2 in a new file",
        ) from error
    return model


def _acquisition(known: Known, model: Any, pending: Any, seed: int) -> Any:
    """What a point promises: hypervolume, improvement of a single objective, or to be feasible at all."""
    import torch
    from botorch.acquisition.logei import qLogNoisyExpectedImprovement, qLogProbabilityOfFeasibility
    from botorch.acquisition.multi_objective.monte_carlo import qNoisyExpectedHypervolumeImprovement
    from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
    from botorch.acquisition.multi_objective.utils import get_default_partitioning_alpha
    from botorch.acquisition.objective import GenericMCObjective
    from botorch.sampling.normal import SobolQMCNormalSampler
    from botorch.utils.multi_objective.hypervolume import infer_reference_point

    objectives = known.costs.shape[1]
    constraints = [_outcome(at) for at in range(objectives, model.num_outputs)] or None
    common: dict[str, Any] = {
        "constraints": constraints,
        "sampler": SobolQMCNormalSampler(torch.Size([SAMPLES]), seed=seed),
        "X_pending": pending if len(pending) else None,
    }
    if not known.feasible.any():
        return qLogProbabilityOfFeasibility(model, **common)
    baseline = torch.tensor(known.positions)
    if objectives == 1:
        objective = GenericMCObjective(_outcome(0))
        return qLogNoisyExpectedImprovement(model, baseline, objective=objective, **common)
    front = torch.tensor(_front(_scaled(known)[known.feasible]))
    return qNoisyExpectedHypervolumeImprovement(
        model,
        infer_reference_point(-front),
        baseline,
        objective=IdentityMCMultiOutputObjective(list(range(objectives)), num_outcomes=model.num_outputs),
        prune_baseline=True,
        alpha=get_default_partitioning_alpha(objectives),
        **common,
    )


def _outcome(at: int) -> Callable[..., Any]:
    """One outcome of samples of all."""
    return lambda samples, X=None: samples[..., at]  # noqa: N803  # as BoTorch calls it


def _entries(acquisition: Any) -> int:
    """Numbers in a tensor of BoTorch per point that is compared."""
    bounds = getattr(
        acquisition, "cell_lower_bounds", None
    )  # (samples, cells, objectives), of hypervolumes alone
    return SAMPLES if bounds is None else int(bounds.numel())


def _load() -> None:
    """Import BoTorch; one of its packages compiles functions in a way that newer torch tells to be old."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.script` is deprecated", FutureWarning)
        warnings.filterwarnings("ignore", r"`torch\.jit\.script` is deprecated", DeprecationWarning)
        import botorch  # noqa: F401


@contextmanager
def _quiet(seed: int) -> Iterator[None]:
    """One thread, seeded, no word on the terminal; torch's threads and generator are put back afterwards.

    Sums of several threads differ in their last bits, and with them what is chosen.
    """
    import torch
    from botorch.exceptions.warnings import InputDataWarning, NumericsWarning, OptimizationWarning
    from linear_operator.utils.warnings import NumericalWarning

    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", InputDataWarning)  # values that are all alike have no variance 1
        warnings.simplefilter("ignore", NumericalWarning)  # points side by side: it adds a little jitter
        warnings.simplefilter("ignore", OptimizationWarning)  # a fit that is tried again, or ends early
        warnings.simplefilter("ignore", NumericsWarning)  # of flat gradients, which no one climbs
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
