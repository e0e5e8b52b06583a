"""What a pruning leaves of the importance of a CLIP model's parts."""

from collections.abc import Sequence

from catx.frontend.clip.config import ClipConfig
from catx.frontend.clip.pruning import TOWERS, PruningConfig
from catx.frontend.clip.ranking import Ranking, select


def clip_shares(
    config: ClipConfig, pruning: PruningConfig, ranking: Ranking | None = None
) -> tuple[float, ...]:
    """Shares of layers, heads, hidden units and width that stay, of the text tower and of the image tower.

    Args:
        config: of the whole model.
        pruning: what stays of it.
        ranking: weighs parts by their scores; without one all parts of a kind weigh the same. Scores below 0
            weigh nothing.

    Example:
        >>> from catx.frontend.clip.presets import MODELS
        >>> config = MODELS["tinyclip:ViT-39M-16-Text-19M"]
        >>> clip_shares(config, PruningConfig(text_layers=3))[:2]
        (0.5, 1.0)
    """
    pruned = pruning.of(config)
    chosen = select(config, pruning, ranking) if ranking else None
    shares: list[float] = []
    for name in TOWERS:
        whole, left = getattr(config, name), getattr(pruned, name)
        if ranking is None or chosen is None:
            shares += [
                left.layers / whole.layers,
                sum(block.heads for block in left.blocks)
                / sum(block.heads for block in whole.blocks[: left.layers]),
                sum(block.ffn for block in left.blocks)
                / sum(block.ffn for block in whole.blocks[: left.layers]),
                left.width / whole.width,
            ]
            continue
        scores, kept = getattr(ranking, name), getattr(chosen, name)
        heads = [
            _left(scores.heads[layer], heads) for layer, heads in zip(kept.layers, kept.heads, strict=True)
        ]
        ffn = [
            _left_units(scores.ffn[layer], units, whole.blocks[layer].ffn)
            for layer, units in zip(kept.layers, kept.ffn, strict=True)
        ]
        shares += [
            _left(scores.layers, kept.layers),
            sum(heads) / len(heads),
            sum(ffn) / len(ffn),
            _left(scores.width, kept.width),
        ]
    return tuple(shares)


def _left(scores: Sequence[float], kept: Sequence[int]) -> float:
    """The part of the scores' sum that the kept ones have; their number where all are 0."""
    weights = [max(0.0, score) for score in scores]
    total = sum(weights)
    return sum(weights[at] for at in kept) / total if total else len(kept) / len(scores)


def _left_units(scores: Sequence[float], units: Sequence[int], ffn: int) -> float:
    """The same of hidden units, whose groups have scores."""
    size = ffn // len(scores)
    return _left([score for score in scores for _ in range(size)], units)
