"""The sampler that a study asks for, and the packages that it needs."""

from catx.extras import need
from catx.search.grid import AnyStudy
from catx.search.guided import GuidedSampler
from catx.search.pymoo_sampler import PymooSampler
from catx.search.qnehvi_sampler import QnehviSampler
from catx.search.sampler import GridSampler, RandomSampler, Sampler
from catx.search.space import Space
from catx.search.study import SamplerName, Study

_NEEDS: dict[SamplerName, tuple[str, str]] = {
    "nsga2": ("search", "deap"),
    "nsga3": ("search", "deap"),
    "pymoo": ("pymoo", "pymoo"),
    "qnehvi": ("botorch", "botorch"),
}
"""Extra and package of samplers that are libraries."""


def need_sampler(name: SamplerName) -> None:
    """Check that a sampler's package is there.

    Raises:
        ExtraError: it is not; the message tells how to install it.
    """
    if name in _NEEDS:
        need(*_NEEDS[name])


def sampler_of(study: AnyStudy) -> Sampler:
    """The sampler that a study asks for.

    Raises:
        ExtraError: its package is not installed.
    """
    plan, space = study.plan, study.space
    need_sampler(plan.sampler)
    if plan.sampler == "grid" or not isinstance(space, Space):
        return GridSampler(space)
    assert isinstance(study, Study)
    first = study.first
    if plan.sampler == "random":
        return RandomSampler(space, plan.seed, list(dict.fromkeys(study.known)))
    if plan.sampler == "qnehvi":
        return QnehviSampler(space, seed=plan.seed, start=plan.start, first=first)
    if plan.sampler == "pymoo":
        return PymooSampler(
            space,
            len(study.objectives),
            seed=plan.seed,
            population=plan.population,
            crossover=plan.crossover,
            first=first,
        )
    return GuidedSampler(
        space,
        len(study.objectives),
        seed=plan.seed,
        population=plan.population,
        guided=plan.guided,
        crossover=plan.crossover,
        first=first,
        method=plan.sampler,
    )
