"""A smaller CLIP model out of a larger one: sizes, a ranking, and the cut."""

from torch import nn

from catx.errors import ModelError
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.importance import Method, rank
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pairs import Pairs
from catx.frontend.clip.pruning import PruningConfig
from catx.frontend.clip.ranking import Ranking, select
from catx.frontend.clip.source import find_clip
from catx.frontend.clip.surgery import cut


def prune(
    model: Clip | nn.Module | str,
    pruning: PruningConfig,
    ranking: Ranking | None = None,
    *,
    method: Method = "magnitude",
    pairs: Pairs | None = None,
    seed: int = 0,
) -> Clip:
    """A smaller model, with weights of its own; the larger one stays as it is.

    Args:
        model: catx's own, open_clip's, or a name as in `find_clip`.
        pruning: sizes of what stays.
        ranking: which parts stay; without one they are ranked by `method`.
        method: see `importance.rank`.
        pairs: calibration data of `method`.
        seed: of the method `random`.

    Example:
        >>> small = prune("digits", PruningConfig(text_heads=2, vision_ffn=0.5))
        >>> [block.ffn for block in small.config.vision.blocks]
        [128, 128, 128, 128]

    Raises:
        OptionError: sizes that the model does not have.
        ModelError: a tower that cannot be pruned.
        SpecError: a ranking of another model.
    """
    clip = as_clip(model)
    pruning.of(clip.config)  # sizes are checked before anything is measured
    found = ranking or rank(clip, method, pairs, seed=seed)
    return cut(clip, select(clip.config, pruning, found))


def as_clip(model: Clip | nn.Module | str) -> Clip:
    """A model as catx's own."""
    if isinstance(model, Clip):
        return model
    if isinstance(model, str):
        return find_clip(model)
    if isinstance(model, nn.Module):
        return from_open_clip(model)
    raise ModelError(f"no CLIP model: {type(model).__name__}")
