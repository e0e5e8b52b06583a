"""Published models by name: shapes without weights, each as its source states it. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A config of transformers, and where its sizes are stated."""

    plain: Mapping[str, Any]
    source: str


_BERT_SOURCE = "BERT (Devlin et al., arXiv 1810.04805), section 3"
_VIT_SOURCE = "Vision Transformer (Dosovitskiy et al., arXiv 2010.11929), table 1"
_LLAMA2_SOURCE = "Llama 2 (arXiv 2307.09288); 7B and 13B have the sizes of LLaMA (arXiv 2302.13971), table 2"
_LLAMA3_SOURCE = "The Llama 3 Herd of Models (arXiv 2407.21783), table 3"
_LLAMA32_SOURCE = "model card of Llama 3.2, Meta"


def _bert(layers: int, width: int, heads: int) -> Preset:
    plain = {
        "model_type": "bert",
        "num_hidden_layers": layers,
        "hidden_size": width,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
        "vocab_size": 30_522,
        "max_position_embeddings": 512,
    }
    return Preset(plain=MappingProxyType(plain), source=_BERT_SOURCE)


def _vit(layers: int, width: int, heads: int, patch: int) -> Preset:
    plain = {
        "model_type": "vit",
        "num_hidden_layers": layers,
        "hidden_size": width,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
        "image_size": 224,
        "patch_size": patch,
        "num_channels": 3,
        "num_labels": 1000,
    }
    return Preset(plain=MappingProxyType(plain), source=_VIT_SOURCE)


def _llama(
    source: str,
    *,
    layers: int,
    width: int,
    heads: int,
    kv_heads: int,
    ffn: int,
    vocabulary: int,
    positions: int,
    theta: float,
    tied: bool = False,
) -> Preset:
    plain = {
        "model_type": "llama",
        "num_hidden_layers": layers,
        "hidden_size": width,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": width // heads,
        "intermediate_size": ffn,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
        "rope_theta": theta,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": tied,
    }
    return Preset(plain=MappingProxyType(plain), source=source)


def _llama2(layers: int, width: int, heads: int, kv_heads: int, ffn: int) -> Preset:
    return _llama(
        _LLAMA2_SOURCE,
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=kv_heads,
        ffn=ffn,
        vocabulary=32_000,
        positions=4096,
        theta=10_000.0,
    )


def _llama3(layers: int, width: int, heads: int, ffn: int, *, small: bool = False) -> Preset:
    return _llama(
        _LLAMA32_SOURCE if small else _LLAMA3_SOURCE,
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=8,
        ffn=ffn,
        vocabulary=128_256,
        positions=131_072 if small else 8192,
        theta=500_000.0,
        tied=small,
    )


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "bert-base": _bert(12, 768, 12),
        "bert-large": _bert(24, 1024, 16),
        "vit-base-16": _vit(12, 768, 12, 16),
        "vit-large-16": _vit(24, 1024, 16, 16),
        "vit-huge-14": _vit(32, 1280, 16, 14),
        "llama-2-7b": _llama2(32, 4096, 32, 32, 11_008),
        "llama-2-13b": _llama2(40, 5120, 40, 40, 13_824),
        "llama-2-70b": _llama2(80, 8192, 64, 8, 28_672),
        "llama-3.2-1b": _llama3(16, 2048, 32, 8192, small=True),
        "llama-3.2-3b": _llama3(28, 3072, 24, 8192, small=True),
        "llama-3-8b": _llama3(32, 4096, 32, 14_336),
        "llama-3-70b": _llama3(80, 8192, 64, 28_672),
    }
)
