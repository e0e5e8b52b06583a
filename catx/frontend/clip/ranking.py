"""How much each part of a CLIP model matters: scores with provenance, as files, and what stays by them."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from catx.errors import Loc, SpecError
from catx.frontend.clip.config import ClipConfig, TowerConfig
from catx.frontend.clip.pruning import TOWERS, PruningConfig, Tower
from catx.frontend.scores import Scores, best, rows_of, scores_of, units_of

SCHEMA = "catx.clip-ranking/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerRanking:
    """Scores of one tower; what scores higher matters more.

    `layers`: one per block. `heads`: per block, one per head. `ffn`: per block, one per group of equally many
    hidden units, in their order. `width`: one per channel of the residual stream, over all blocks together.
    """

    layers: Scores
    heads: tuple[Scores, ...]
    ffn: tuple[Scores, ...]
    width: Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Scores of both towers, and where they are from.

    `method` and `data` say how they were found, `weights_sha256` on which weights.
    """

    method: str
    data: str
    seed: int
    weights_sha256: str
    version: str
    text: TowerRanking
    vision: TowerRanking

    def check(self, config: ClipConfig) -> None:
        """Raise SpecError where the scores are not those of a model of this shape."""
        for name in TOWERS:
            ranking, tower = getattr(self, name), getattr(config, name)
            heads = tuple(len(scores) for scores in ranking.heads)
            fits = (
                len(ranking.layers) == len(ranking.ffn) == tower.layers
                and heads == tuple(block.heads for block in tower.blocks)
                and all(
                    len(s) and b.ffn % len(s) == 0 for s, b in zip(ranking.ffn, tower.blocks, strict=True)
                )
                and len(ranking.width) == tower.width
            )
            if not fits:
                raise SpecError(f"the ranking is of another model: its {name} tower has other sizes")

    def save(self, path: Path) -> None:
        """Write the ranking to a new file."""
        with path.open("x", encoding="utf-8") as file:
            json.dump({"schema": SCHEMA} | asdict(self), file)

    @classmethod
    def load(cls, path: Path) -> Self:
        """A ranking that was saved.

        Raises:
            SpecError: it cannot be read, or is no ranking.
        """
        loc = Loc(str(path))
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(data, dict) or data.get("schema") != SCHEMA:
                raise SpecError(f"no ranking of a CLIP model: its `schema` must be {SCHEMA!r}", loc=loc)
            plain = {field.name: data[field.name] for field in fields(cls) if field.name not in TOWERS}
            return cls(**plain, text=_tower(data["text"], "text"), vision=_tower(data["vision"], "vision"))
        except OSError as error:
            raise SpecError(f"cannot be read: {error.strerror}", loc=loc) from error
        except KeyError as error:
            raise SpecError(f"a damaged ranking: it has no {error}", loc=loc) from error
        except (ValueError, TypeError) as error:
            raise SpecError(f"a damaged ranking: {error}", loc=loc) from error


def _tower(data: dict[str, Any], name: str) -> TowerRanking:
    return TowerRanking(
        layers=scores_of(data["layers"], f"{name}.layers"),
        heads=rows_of(data["heads"], f"{name}.heads"),
        ffn=rows_of(data["ffn"], f"{name}.ffn"),
        width=scores_of(data["width"], f"{name}.width"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerSelection:
    """What stays of a tower: blocks, and in each of them heads and hidden units; channels of the width."""

    layers: tuple[int, ...]
    heads: tuple[tuple[int, ...], ...]
    ffn: tuple[tuple[int, ...], ...]
    width: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What stays of both towers, as indices into the model before."""

    text: TowerSelection
    vision: TowerSelection


def select(config: ClipConfig, pruning: PruningConfig, ranking: Ranking) -> Selection:
    """The best parts of a model that fill the sizes of a pruning.

    Raises:
        OptionError: the model has less than that.
        SpecError: the ranking is of another model.
    """
    ranking.check(config)
    chosen: dict[Tower, TowerSelection] = {}
    for name in TOWERS:
        tower, scores = getattr(config, name), getattr(ranking, name)
        layers = best(scores.layers, pruning.layers_of(tower, name))
        chosen[name] = _select_tower(tower, layers, pruning.of_blocks(tower, name, layers), scores)
    return Selection(**chosen)


def _select_tower(
    tower: TowerConfig, layers: tuple[int, ...], pruned: TowerConfig, ranking: TowerRanking
) -> TowerSelection:
    heads, ffn = [], []
    for layer, stays in zip(layers, pruned.blocks, strict=True):
        there = tower.blocks[layer]
        heads.append(best(ranking.heads[layer], stays.heads))
        ffn.append(units_of(ranking.ffn[layer], there.ffn, stays.ffn))
    return TowerSelection(
        layers=layers, heads=tuple(heads), ffn=tuple(ffn), width=best(ranking.width, pruned.width)
    )
