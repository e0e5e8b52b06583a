"""What a user or a search asks for: how much of each tower stays. Sizes only; what stays is importance's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from catx.errors import OptionError
from catx.frontend.amounts import Amount, count_of, size_of
from catx.frontend.clip.config import BlockConfig, ClipConfig, TowerConfig

Tower = Literal["text", "vision"]
TOWERS: tuple[Tower, ...] = ("text", "vision")

AnyTower = TypeVar("AnyTower", bound=TowerConfig)


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

        Which blocks stay is the ranking's (see `of_blocks`). Where blocks differ, the sizes here are those of
        the first blocks that are large enough; a ranking may choose others.

        Raises:
            OptionError: more than there is, nothing at all, or a share that is no whole number of units.
        """
        return replace(
            config, text=self._tower(config.text, "text"), vision=self._tower(config.vision, "vision")
        )

    def layers_of(self, tower: TowerConfig, name: Tower) -> int:
        """How many blocks of a tower stay."""
        return count_of(getattr(self, f"{name}_layers"), tower.layers, f"{name} layers")

    def of_blocks(self, tower: AnyTower, name: Tower, kept: Sequence[int]) -> AnyTower:
        """The config of a pruned tower of which these blocks stay; see `of`."""
        heads = getattr(self, f"{name}_heads")
        ffn = getattr(self, f"{name}_ffn")
        width = size_of(getattr(self, f"{name}_width"), tower.width, f"{name} width")
        blocks = tuple(
            BlockConfig(
                heads=count_of(heads, block.heads, f"{name} heads"),
                ffn=size_of(ffn, block.ffn, f"{name} ffn"),
            )
            for block in (tower.blocks[at] for at in kept)
        )
        return replace(tower, width=width, blocks=blocks)

    def _tower(self, tower: AnyTower, name: Tower) -> AnyTower:
        count = self.layers_of(tower, name)
        large = [at for at in range(tower.layers) if self._fits(tower, name, at)]
        # where too few are, the first ones tell which size it is
        return self.of_blocks(tower, name, large[:count] if len(large) >= count else range(count))

    def _fits(self, tower: TowerConfig, name: Tower, at: int) -> bool:
        """Whether a block has what is to stay of it."""
        try:
            self.of_blocks(tower, name, (at,))
        except OptionError:
            return False
        return True
