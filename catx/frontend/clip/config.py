"""Shape of a CLIP model of two plain transformers, block by block: a value, without torch.

A config rebuilds a model; what a search changes is a `PruningConfig` (pruning.py), which makes a config of
another one.
"""

import json
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Self

from catx.errors import Loc, SpecError
from catx.frontend.json_dataclass import FORBID, from_json
from catx.ir import checks

SCHEMA = "catx.clip/1"
ACTIVATIONS = ("gelu", "gelu_tanh", "quick_gelu")
VISION_POOLS = ("tok", "avg")
RESIZES = ("shortest", "squash")
INTERPOLATIONS = ("bicubic", "bilinear")
TEXT_POOLS = ("argmax", "eos", "first", "last")


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockConfig:
    """One residual block: attention heads, and hidden units of its MLP."""

    __pydantic_config__ = FORBID

    heads: int
    ffn: int

    def __post_init__(self) -> None:
        checks.counts("block", heads=self.heads, ffn=self.ffn)


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerConfig:
    """What both towers have: `blocks` in order, `width` of the residual stream, `head_dim` of each head.

    `heads * head_dim` need not be the width. `layer_scale`: blocks scale what they add, channel by channel.
    """

    __pydantic_config__ = FORBID

    width: int
    head_dim: int
    blocks: tuple[BlockConfig, ...]
    layer_scale: bool = False

    def __post_init__(self) -> None:
        checks.counts("tower", width=self.width, head_dim=self.head_dim)
        if not self.blocks:
            raise SpecError("a tower needs one block at least")

    @property
    def layers(self) -> int:
        """Number of blocks."""
        return len(self.blocks)

    def block_parameters(self) -> int:
        """Parameters of all blocks: projections with biases, MLPs, two norms, and layer scales."""
        inner = [(block.heads * self.head_dim, block.ffn) for block in self.blocks]
        attention = sum(4 * self.width * heads + 3 * heads + self.width for heads, _ in inner)
        mlp = sum(2 * self.width * ffn + ffn + self.width for _, ffn in inner)
        per_block = (4 + 2 * self.layer_scale) * self.width
        return attention + mlp + per_block * self.layers

    def block_macs(self, tokens: int) -> int:
        """Multiply-accumulates of all blocks for one sequence: projections, QK^T, AV, MLP."""
        total = 0
        for block in self.blocks:
            inner = block.heads * self.head_dim
            total += tokens * (4 * self.width * inner + 2 * self.width * block.ffn)
            total += 2 * tokens * tokens * inner
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionConfig(TowerConfig):
    """The image tower: patches of a picture, a class token, learned positions."""

    image_size: tuple[int, int]
    patch_size: tuple[int, int]
    pool: str = "tok"
    norm_before: bool = True
    norm_after_pool: bool = False

    def __post_init__(self) -> None:
        TowerConfig.__post_init__(self)
        for name, size in (("image_size", self.image_size), ("patch_size", self.patch_size)):
            if len(size) != 2:
                raise SpecError(f"vision: {name} must be height and width, not {size!r}")
            for length in size:
                checks.counts("vision", **{name: length})
        _one_of("vision", pool=(self.pool, VISION_POOLS))
        if any(image < patch for image, patch in zip(self.image_size, self.patch_size, strict=True)):
            raise SpecError(f"vision: an image of {self.image_size} has no patch of {self.patch_size}")

    @property
    def patches(self) -> int:
        """Patches of an image."""
        return prod(image // patch for image, patch in zip(self.image_size, self.patch_size, strict=True))

    @property
    def tokens(self) -> int:
        """Patches and the class token."""
        return self.patches + 1

    def parameters(self, embed_dim: int) -> int:
        """All parameters of the tower, its projection included."""
        norms = 2 * self.width * (1 + self.norm_before)
        patch = 3 * prod(self.patch_size) * self.width
        return (
            patch + self.width * (1 + self.tokens) + norms + self.block_parameters() + self.width * embed_dim
        )

    def macs(self, embed_dim: int) -> int:
        """Multiply-accumulates of one image."""
        patch = 3 * prod(self.patch_size) * self.width * self.patches
        return patch + self.block_macs(self.tokens) + self.width * embed_dim


@dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig(TowerConfig):
    """The text tower: tokens, learned positions, a causal mask or none."""

    context_length: int
    vocab_size: int
    pool: str = "argmax"
    eos_id: int = 2
    causal: bool = True
    projection_bias: bool = False

    def __post_init__(self) -> None:
        TowerConfig.__post_init__(self)
        checks.counts("text", context_length=self.context_length, vocab_size=self.vocab_size)
        _one_of("text", pool=(self.pool, TEXT_POOLS))

    @property
    def tokens(self) -> int:
        """Tokens of a text."""
        return self.context_length

    def parameters(self, embed_dim: int) -> int:
        """All parameters of the tower, its projection included."""
        embedded = self.width * (self.vocab_size + self.context_length)
        projection = self.width * embed_dim + embed_dim * self.projection_bias
        return embedded + 2 * self.width + self.block_parameters() + projection

    def macs(self, embed_dim: int) -> int:
        """Multiply-accumulates of one text; looking tokens up is none."""
        return self.block_macs(self.tokens) + self.width * embed_dim


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipConfig:
    """A CLIP model: two towers into one embedding space of `embed_dim`.

    `tokenizer`, `image_mean` and `image_std` (of red, green, blue in 0..1), `resize` (the shortest edge fits,
    or the picture is squashed) and `interpolation` say what its inputs are made with. `source` says what it
    was made of. None of these changes the model.
    """

    __pydantic_config__ = FORBID

    embed_dim: int
    vision: VisionConfig
    text: TextConfig
    activation: str = "gelu"
    norm_eps: float = 1e-5
    logit_bias: bool = False
    tokenizer: str = ""
    image_mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)
    image_std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)
    resize: str = "shortest"
    interpolation: str = "bicubic"
    source: str = ""

    def __post_init__(self) -> None:
        checks.counts("model", embed_dim=self.embed_dim)
        checks.positive("model", norm_eps=self.norm_eps)
        _one_of(
            "model",
            activation=(self.activation, ACTIVATIONS),
            resize=(self.resize, RESIZES),
            interpolation=(self.interpolation, INTERPOLATIONS),
        )

    @property
    def parameters(self) -> int:
        """All parameters, the logit scale and bias included."""
        towers = self.vision.parameters(self.embed_dim) + self.text.parameters(self.embed_dim)
        return towers + 1 + self.logit_bias

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one image and one text."""
        return self.vision.macs(self.embed_dim) + self.text.macs(self.embed_dim)

    def to_json(self) -> str:
        """The config as JSON text."""
        return json.dumps({"schema": SCHEMA} | asdict(self), indent=1) + "\n"

    def save(self, path: Path) -> None:
        """Write the config to a new file."""
        with path.open("x", encoding="utf-8") as file:
            file.write(self.to_json())

    @classmethod
    def from_json(cls, text: str, file: str = "<text>") -> Self:
        """The config in a JSON text.

        Raises:
            SpecError: it is no such config, or holds a model that cannot be.
        """
        try:
            return from_json(cls, text, SCHEMA, "config of a CLIP model")
        except SpecError as error:
            raise SpecError(error.args[0], loc=Loc(file), hint=error.hint) from error


def _one_of(owner: str, **values: tuple[str, tuple[str, ...]]) -> None:
    for field, (value, known) in values.items():
        if value not in known:
            raise SpecError(f"{owner}: {field} must be one of {', '.join(known)}, not {value!r}")
