"""What a user or a search asks for: how much of each tower stays. Sizes only; what stays is importance's."""

from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from catx.errors import OptionError
from catx.frontend.clip.config import BlockConfig, ClipConfig, TowerConfig

Tower = Literal["text", "vision"]
TOWERS: tuple[Tower, ...] = ("text", "vision")

FFN_BLOCKS = 8
"""Equal parts that the hidden units of an MLP are ranked in, as in the paper (arXiv 2505.01386)."""

AnyTower = TypeVar("AnyTower", bound=TowerConfig)

Amount = int | float
"""A count, or a share of what there is: a float of at most 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruningConfig:
    """Sizes of a pruned CLIP model; None leaves what there is.

    `layers` and `heads` (of every block) are counts. `ffn` (hidden units of every MLP) and `width` (of the
    residual stream) are counts as an int, or shares as a float of at most 1. Head dims stay as they are.

    Example:
        >>> PruningConfig(text_layers=8, text_ffn=0.75, vision_heads=10).vision_heads
        10
    """

    text_layers: int | None = None
    text_heads: int | None = None
    text_ffn: Amount | None = None
    text_width: Amount | None = None
    vision_layers: int | None = None
    vision_heads: int | None = None
    vision_ffn: Amount | None = None
    vision_width: Amount | None = None

    def of(self, config: ClipConfig) -> ClipConfig:
        """The config of the pruned model.

        Raises:
            OptionError: more than there is, nothing at all, or a share that is no whole number of units.
        """
        return replace(
            config, text=self._tower(config.text, "text"), vision=self._tower(config.vision, "vision")
        )

    def _tower(self, tower: AnyTower, name: Tower) -> AnyTower:
        layers = _count(getattr(self, f"{name}_layers"), tower.layers, f"{name} layers")
        heads = getattr(self, f"{name}_heads")
        ffn = getattr(self, f"{name}_ffn")
        width = _size(getattr(self, f"{name}_width"), tower.width, f"{name} width")
        blocks = tuple(
            BlockConfig(
                heads=_count(heads, block.heads, f"{name} heads"),
                ffn=_size(ffn, block.ffn, f"{name} ffn"),
            )
            for block in tower.blocks[:layers]
        )
        return replace(tower, width=width, blocks=blocks)


def _count(wanted: int | None, there: int, what: str) -> int:
    """So many of what there is."""
    if wanted is None:
        return there
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise OptionError(f"{what} must be a whole number, not {wanted!r}")
    if not 1 <= wanted <= there:
        raise OptionError(f"{what}: the model has {there}, so 1 to {there} can stay, not {wanted}")
    return wanted


def _size(wanted: Amount | None, there: int, what: str) -> int:
    """A count, or a share that makes a whole number."""
    if wanted is None or not isinstance(wanted, float):
        return _count(wanted, there, what)
    if not 0 < wanted <= 1:
        raise OptionError(
            f"{what}: a share must be above 0 and at most 1, not {wanted:g}", hint="a count has no point"
        )
    size = wanted * there
    if abs(size - round(size)) > 1e-9:
        low = int(size) or 1
        raise OptionError(
            f"{what}: {wanted:g} of {there} is {size:g}, no whole number",
            hint=f"{low / there:.6g} is {low}, {(low + 1) / there:.6g} is {low + 1}; or give the number",
        )
    return round(size)
