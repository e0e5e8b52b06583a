"""Multiply-accumulates and parameters of a model of a Hugging Face family, from its config. No torch."""

from catx.frontend.hf.config import ModelConfig
from catx.frontend.hf.sizes import Sizes


def encoder_macs(config: ModelConfig, tokens: int) -> int:
    """Multiply-accumulates of BERT for one text, or of ViT for one image.

    Args:
        config: of a model that reads all tokens at once.
        tokens: of the text; of an image, patches and the class token.
    """
    sizes = config.sizes
    blocks = sizes.layers * _block(sizes, tokens, tokens, mlp=2)
    if config.family.name == "bert":
        return blocks + sizes.width**2  # the pooler reads one token
    patch, channels = config.number("patch_size"), config.number("num_channels")
    patches = (tokens - 1) * sizes.width * channels * patch**2
    return patches + blocks + sizes.width * config.labels


def decoder_macs(config: ModelConfig, tokens: int, cached: int) -> int:
    """Multiply-accumulates of Llama for tokens that follow cached ones; logits of the last token alone.

    Attention is over all keys, masked ones too, as exported graphs compute it.
    """
    sizes = config.sizes
    block = _block(sizes, tokens, cached + tokens, mlp=3)
    return sizes.layers * block + sizes.width * config.number("vocab_size")


def _block(sizes: Sizes, tokens: int, keys: int, *, mlp: int) -> int:
    """One block for so many tokens that look at so many keys; `mlp` is the number of its matrices."""
    channels = sizes.heads * sizes.head_dim
    projections = 2 * channels + 2 * sizes.kv_heads * sizes.head_dim
    attention = 2 * tokens * keys * channels
    return tokens * sizes.width * (projections + mlp * sizes.ffn) + attention


def image_tokens(config: ModelConfig) -> int:
    """Patches of an image, and the class token."""
    height, width = config.image_size
    patch = config.number("patch_size")
    return (height // patch) * (width // patch) + 1
