"""A model of a Hugging Face family as a value: its own config, and sizes that such a config cannot tell."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

from catx.errors import Loc, ModelError, OptionError, SpecError
from catx.frontend.hf.family import FAMILIES, Family
from catx.frontend.hf.sizes import Pruning, Sizes
from catx.names import listed

SCHEMA = "catx.hf-model/1"

_SIZES = {
    "layers": "num_hidden_layers",
    "width": "hidden_size",
    "heads": "num_attention_heads",
    "ffn": "intermediate_size",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """`plain` is the config of transformers, as a dict; where it tells other sizes, `sizes` are right."""

    family: Family
    sizes: Sizes
    plain: Mapping[str, Any]

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any], where: str) -> Self:
        """A config of transformers, or one that `as_plain` made.

        Raises:
            ModelError: a family that catx does not prune, or a BERT that is a decoder.
            SpecError: a size is missing or no whole number.
        """
        kind = plain.get("model_type")
        if not isinstance(kind, str) or kind not in FAMILIES:
            raise ModelError(
                f"no family that catx prunes: model_type is {kind!r}",
                loc=Loc(where),
                hint=f"it prunes {listed(FAMILIES)}; any ONNX export of another model can be mapped",
            )
        if told := [
            key for key in ("add_cross_attention", "is_decoder") if kind == "bert" and plain.get(key)
        ]:
            raise ModelError(
                f"`{told[0]}` is set: of BERT, encoders are pruned, no decoders",
                loc=Loc(where),
                hint="any ONNX export of another model can be mapped",
            )
        own = plain.get("catx")
        rest = {key: value for key, value in plain.items() if key != "catx"}
        if own is None:
            return cls(family=FAMILIES[kind], sizes=_sizes(plain, where), plain=rest)
        if not isinstance(own, dict) or own.get("schema") != SCHEMA:
            raise SpecError(f"`catx` must have the schema {SCHEMA!r}", loc=Loc(where))
        try:
            sizes = Sizes(**own["sizes"])
        except (KeyError, TypeError) as error:
            raise SpecError(f"damaged sizes: {error}", loc=Loc(where)) from error
        for key, value in asdict(sizes).items():
            _whole(value, key, where)
        return cls(family=FAMILIES[kind], sizes=sizes, plain=rest)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The config in a file; see `of_plain`."""
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ModelError(
                f"no model: it has no {path.name}",
                loc=Loc(str(path.parent)),
                hint=f"folders of transformers have a {path.name}, and those that `catx prune hf:...` wrote",
            ) from error
        except OSError as error:
            raise ModelError(f"cannot be read: {error.strerror}", loc=Loc(str(path))) from error
        except ValueError as error:
            raise SpecError(f"no JSON: {error}", loc=Loc(str(path))) from error
        if not isinstance(plain, dict):
            raise SpecError("no config: it must be a JSON object", loc=Loc(str(path)))
        return cls.of_plain(plain, str(path))

    def as_plain(self) -> dict[str, Any]:
        """For a config.json: that of transformers, with the sizes of this model in its keys and in `catx`."""
        told = {name: getattr(self.sizes, key) for key, name in _SIZES.items()}
        if self.family.name == "llama":
            told["num_key_value_heads"] = self.sizes.kv_heads
        return {
            **self.plain,
            **told,
            "head_dim": self.sizes.head_dim,
            "catx": {"schema": SCHEMA, "sizes": asdict(self.sizes)},
        }

    def after(self, pruning: Pruning) -> Sizes:
        """The sizes that a pruning leaves.

        Raises:
            OptionError: sizes that the model does not have, or heads of keys and values where each head of
                queries has its own.
        """
        if pruning.kv_heads is not None and self.family.name != "llama":
            name = self.family.name
            raise OptionError(
                f"kv heads: in {name}, each head has keys and values of its own", hint="give heads instead"
            )
        return pruning.of(self.sizes)

    def with_sizes(self, sizes: Sizes) -> "ModelConfig":
        """The config of a model of other sizes."""
        return replace(self, sizes=sizes)

    def number(self, key: str) -> int:
        """A whole number of transformers' config, such as `vocab_size`.

        Raises:
            SpecError: there is none.
        """
        return _whole(self.plain.get(key), key, "config.json")

    @property
    def labels(self) -> int:
        """Classes of an image classifier; 2 where a config names none, as in transformers."""
        if "num_labels" in self.plain:
            return self.number("num_labels")
        named = self.plain.get("id2label")
        return len(named) if isinstance(named, Mapping) else 2

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width [pixels]."""
        size = self.plain.get("image_size")
        if isinstance(size, list | tuple) and len(size) == 2:
            height, width = (_whole(one, "image_size", "config.json") for one in size)
            return height, width
        side = _whole(size, "image_size", "config.json")
        return side, side


def _sizes(plain: Mapping[str, Any], where: str) -> Sizes:
    found = {key: _whole(plain.get(name), name, where) for key, name in _SIZES.items()}
    kv_heads = _whole(plain.get("num_key_value_heads") or found["heads"], "num_key_value_heads", where)
    head_dim = plain.get("head_dim")
    if head_dim is None:
        head_dim = found["width"] // found["heads"]
    if found["heads"] % kv_heads:
        raise SpecError(
            f"{found['heads']} heads cannot be shared by {kv_heads} of keys and values", loc=Loc(where)
        )
    return Sizes(**found, kv_heads=kv_heads, head_dim=_whole(head_dim, "head_dim", where))


def _whole(value: object, key: str, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SpecError(f"`{key}` must be a whole number of at least 1, not {value!r}", loc=Loc(where))
    return value
