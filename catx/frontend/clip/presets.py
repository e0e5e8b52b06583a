"""Named models and named prunings, each as its source states it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from catx.frontend.clip.config import BlockConfig, ClipConfig, TextConfig, VisionConfig
from catx.frontend.clip.pruning import PruningConfig

TOKENIZER = "open_clip:ViT-B-32"
"""CLIP's own vocabulary of 49,408 tokens."""


def _plain(
    source: str, *, patch: int, vision_width: int, vision_layers: int, text_width: int, text_layers: int
) -> ClipConfig:
    """A CLIP model of open_clip's defaults: heads of 64, MLPs of four widths, 224 pixels, 77 tokens."""

    def blocks(width: int, layers: int) -> tuple[BlockConfig, ...]:
        return (BlockConfig(heads=width // 64, ffn=4 * width),) * layers

    return ClipConfig(
        embed_dim=512,
        vision=VisionConfig(
            width=vision_width,
            head_dim=64,
            blocks=blocks(vision_width, vision_layers),
            image_size=(224, 224),
            patch_size=(patch, patch),
        ),
        text=TextConfig(
            width=text_width,
            head_dim=64,
            blocks=blocks(text_width, text_layers),
            context_length=77,
            vocab_size=49_408,
        ),
        tokenizer=TOKENIZER,
        source=source,
    )


_TINYCLIP = "TinyCLIP (Wu et al., ICCV 2023), repository microsoft/Cream, {}.json"

MODELS: Mapping[str, ClipConfig] = MappingProxyType(
    {
        "tinyclip:ViT-8M-16-Text-3M": _plain(
            _TINYCLIP.format("TinyCLIP-ViT-8M-16-Text-3M"),
            patch=16,
            vision_width=256,
            vision_layers=10,
            text_width=256,
            text_layers=3,
        ),
        "tinyclip:ViT-39M-16-Text-19M": _plain(
            _TINYCLIP.format("TinyCLIP-ViT-39M-16-Text-19M"),
            patch=16,
            vision_width=512,
            vision_layers=12,
            text_width=512,
            text_layers=6,
        ),
        "tinyclip:ViT-61M-32-Text-29M": _plain(
            _TINYCLIP.format("TinyCLIP-ViT-61M-32-Text-29M"),
            patch=32,
            vision_width=640,
            vision_layers=12,
            text_width=512,
            text_layers=9,
        ),
    }
)
"""Models by name, for comparison: shapes; weights are random."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPruning:
    """Sizes of a published pruned model, what it was pruned from, and where that is stated."""

    model: str
    pruning: PruningConfig
    source: str


PRUNINGS: Mapping[str, NamedPruning] = MappingProxyType(
    {
        "carbonclip-example": NamedPruning(
            model="open_clip:ViT-B-16",
            pruning=PruningConfig(text_layers=7, text_heads=6, vision_layers=11, vision_heads=10),
            source="the configuration that the final training of CATransformers' public code (arXiv "
            "2505.01386, train_slurm.sh) has as its example: text 7 layers, width 512, ffn 2048, 6 heads; "
            "vision 11 layers, width 768, ffn 3072, 10 heads",
        )
    }
)
"""Prunings by name. Sizes of the published CarbonCLIP XS to L were not found in a source to cite."""
