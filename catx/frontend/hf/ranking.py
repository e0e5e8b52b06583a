"""How much each part of a model of a Hugging Face family matters: files, and what stays. No torch."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from catx.errors import Loc, SpecError
from catx.frontend.hf.sizes import Sizes
from catx.frontend.scores import Scores, best, rows_of, scores_of, units_of

SCHEMA = "catx.hf-ranking/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Scores of a model's parts; what scores higher matters more.

    `layers`: one per block. `heads`, `kv_heads`, `ffn`: per block, one per head of queries, per head of keys
    and values with the heads that it serves, per group of equally many hidden units. `width`: one per channel
    of the residual stream, over all blocks together.
    """

    method: str
    seed: int
    weights_sha256: str
    version: str
    layers: Scores
    heads: tuple[Scores, ...]
    kv_heads: tuple[Scores, ...]
    ffn: tuple[Scores, ...]
    width: Scores

    def check(self, sizes: Sizes) -> None:
        """Raise a SpecError where the scores are not those of a model of this shape."""
        per_block = (self.heads, self.kv_heads, self.ffn)
        fits = (
            len(self.layers) == sizes.layers
            and len(self.width) == sizes.width
            and all(len(scores) == sizes.layers for scores in per_block)
            and all(len(scores) == sizes.heads for scores in self.heads)
            and all(len(scores) == sizes.kv_heads for scores in self.kv_heads)
            and all(len(scores) and sizes.ffn % len(scores) == 0 for scores in self.ffn)
        )
        if not fits:
            raise SpecError("the ranking is of another model: its sizes are others")

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
            data: Any = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(data, dict) or data.get("schema") != SCHEMA:
                raise SpecError(f"no ranking of such a model: its `schema` must be {SCHEMA!r}", loc=loc)
            values = {field.name: data[field.name] for field in fields(cls)}
            for name in ("layers", "width"):
                values[name] = scores_of(values[name], name)
            for name in ("heads", "kv_heads", "ffn"):
                values[name] = rows_of(values[name], name)
            return cls(**values)
        except OSError as error:
            raise SpecError(f"cannot be read: {error.strerror}", loc=loc) from error
        except KeyError as error:
            raise SpecError(f"a damaged ranking: it has no {error}", loc=loc) from error
        except (ValueError, TypeError) as error:
            raise SpecError(f"a damaged ranking: {error}", loc=loc) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What stays, as indices into the model before; of heads, in the order of the smaller model."""

    layers: tuple[int, ...]
    heads: tuple[tuple[int, ...], ...]
    kv_heads: tuple[tuple[int, ...], ...]
    ffn: tuple[tuple[int, ...], ...]
    width: tuple[int, ...]


def select(there: Sizes, stays: Sizes, ranking: Ranking) -> Selection:
    """The best parts of a model that fill smaller sizes.

    Heads of keys and values are chosen first, then as many of the heads that each of them serves.

    Raises:
        SpecError: the ranking is of another model.
    """
    ranking.check(there)
    layers = best(ranking.layers, stays.layers)
    kv_heads = tuple(best(ranking.kv_heads[layer], stays.kv_heads) for layer in layers)
    heads = []
    for layer, kept in zip(layers, kv_heads, strict=True):
        chosen: list[int] = []
        for kv_head in kept:
            first = kv_head * there.group
            scores = ranking.heads[layer][first : first + there.group]
            chosen += [first + head for head in best(scores, stays.group)]
        heads.append(tuple(chosen))
    return Selection(
        layers=layers,
        heads=tuple(heads),
        kv_heads=kv_heads,
        ffn=tuple(units_of(ranking.ffn[layer], there.ffn, stays.ffn) for layer in layers),
        width=best(ranking.width, stays.width),
    )
