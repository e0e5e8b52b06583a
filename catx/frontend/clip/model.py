"""CLIP of two plain transformers as catx's own module: every block may have its own heads and MLP.

Projections of q, k, v are apart, so that heads x head_dim is free of the width. Blocks are pre-norm, as in
open_clip, whose models of this kind become one of these without a change of what they compute.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from catx.frontend.clip.config import BlockConfig, ClipConfig, TextConfig, TowerConfig, VisionConfig


class QuickGelu(nn.Module):
    """x * sigmoid(1.702 x), the activation of OpenAI's CLIP models."""

    def forward(self, x: Tensor) -> Tensor:
        """Element by element."""
        return x * torch.sigmoid(1.702 * x)


def activation(name: str) -> nn.Module:
    """The activation of MLPs by its name in a config."""
    if name == "quick_gelu":
        return QuickGelu()
    return nn.GELU(approximate="tanh" if name == "gelu_tanh" else "none")


class Attention(nn.Module):
    """Multi-head self-attention with `heads * head_dim` inner channels."""

    def __init__(self, width: int, heads: int, head_dim: int) -> None:
        super().__init__()
        inner = heads * head_dim
        self.heads, self.head_dim = heads, head_dim
        self.q, self.k, self.v = (nn.Linear(width, inner) for _ in range(3))
        self.o = nn.Linear(inner, width)
        self.gate: Tensor | None = None
        """A factor on each head's result, (heads,): importance measures what it changes."""

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, tokens, width) -> the same; the mask is added to scores, (tokens, tokens)."""
        batch, tokens, _ = x.shape
        shape = (batch, tokens, self.heads, self.head_dim)
        q, k, v = (layer(x).reshape(shape).transpose(1, 2) for layer in (self.q, self.k, self.v))
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        if self.gate is not None:
            mixed = mixed * self.gate.view(1, -1, 1, 1)
        return self.o(mixed.transpose(1, 2).reshape(batch, tokens, -1))


class Mlp(nn.Module):
    """Two linear layers and an activation between them."""

    def __init__(self, width: int, ffn: int, act: str) -> None:
        super().__init__()
        self.up, self.act, self.down = nn.Linear(width, ffn), activation(act), nn.Linear(ffn, width)
        self.gate: Tensor | None = None
        """A factor on each hidden unit, (ffn,)."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> the same."""
        hidden = self.act(self.up(x))
        return self.down(hidden if self.gate is None else hidden * self.gate)


class Scale(nn.Module):
    """Layer scale: a factor per channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> the same."""
        return x * self.gamma


class Block(nn.Module):
    """A pre-norm residual block."""

    def __init__(self, tower: TowerConfig, block: BlockConfig, act: str, eps: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(tower.width, eps=eps) for _ in range(2))
        self.attention = Attention(tower.width, block.heads, tower.head_dim)
        self.mlp = Mlp(tower.width, block.ffn, act)
        scaled = tower.layer_scale
        self.scale1, self.scale2 = (Scale(tower.width) if scaled else nn.Identity() for _ in range(2))
        self.gate: Tensor | None = None
        """A factor on all that the block adds, a scalar: 0 is a model without the block."""

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """(batch, tokens, width) -> the same."""
        start = x
        x = x + self.scale1(self.attention(self.norm1(x), mask))
        x = x + self.scale2(self.mlp(self.norm2(x)))
        return x if self.gate is None else start + self.gate * (x - start)


class VisionTower(nn.Module):
    """Images (batch, 3, height, width) -> embeddings (batch, embed_dim), not normalized."""

    def __init__(self, config: VisionConfig, embed_dim: int, act: str, eps: float) -> None:
        super().__init__()
        self.pool, self.norm_after_pool = config.pool, config.norm_after_pool
        width = config.width
        self.patch = nn.Conv2d(3, width, config.patch_size, stride=config.patch_size, bias=False)
        self.class_token = nn.Parameter(torch.zeros(width))
        self.position = nn.Parameter(torch.zeros(config.tokens, width))
        self.norm_before = nn.LayerNorm(width, eps=eps) if config.norm_before else nn.Identity()
        self.blocks = nn.ModuleList(Block(config, block, act, eps) for block in config.blocks)
        self.norm = nn.LayerNorm(width, eps=eps)
        self.projection = nn.Linear(width, embed_dim, bias=False)

    def forward(self, image: Tensor) -> Tensor:
        """Embeddings of images."""
        patches = self.patch(image).flatten(2).transpose(1, 2)
        first = self.class_token.expand(patches.shape[0], 1, -1)
        x = self.norm_before(torch.cat([first, patches], dim=1) + self.position)
        for block in self.blocks:
            x = block(x, None)
        if not self.norm_after_pool:
            x = self.norm(x)
        x = x[:, 0] if self.pool == "tok" else x[:, 1:].mean(dim=1)
        return self.projection(self.norm(x) if self.norm_after_pool else x)


class TextTower(nn.Module):
    """Tokens (batch, context_length) -> embeddings (batch, embed_dim), not normalized."""

    mask: Tensor | None

    def __init__(self, config: TextConfig, embed_dim: int, act: str, eps: float) -> None:
        super().__init__()
        self.pool, self.eos_id = config.pool, config.eos_id
        self.token = nn.Embedding(config.vocab_size, config.width)
        self.position = nn.Parameter(torch.zeros(config.context_length, config.width))
        self.blocks = nn.ModuleList(Block(config, block, act, eps) for block in config.blocks)
        self.norm = nn.LayerNorm(config.width, eps=eps)
        self.projection = nn.Linear(config.width, embed_dim, bias=config.projection_bias)
        length = config.context_length
        mask = torch.full((length, length), -math.inf).triu_(1) if config.causal else None
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, text: Tensor) -> Tensor:
        """Embeddings of tokens."""
        x = self.token(text) + self.position
        for block in self.blocks:
            x = block(x, self.mask)
        return self.projection(self._pooled(self.norm(x), text))

    def _pooled(self, x: Tensor, text: Tensor) -> Tensor:
        """The token that stands for the text: the highest id, the end of the text, the first or the last."""
        if self.pool in ("first", "last"):
            return x[:, 0 if self.pool == "first" else -1]
        found = text.argmax(dim=-1) if self.pool == "argmax" else (text == self.eos_id).int().argmax(dim=-1)
        return x[torch.arange(x.shape[0], device=x.device), found]


class Clip(nn.Module):
    """A CLIP model that a `ClipConfig` describes; weights are zero or torch's defaults until they are set.

    Example:
        >>> from catx.frontend.clip.digits import untrained
        >>> model = untrained(seed=0)
        >>> sum(p.numel() for p in model.parameters()) == model.config.parameters
        True
    """

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config = config
        act, eps = config.activation, config.norm_eps
        self.vision = VisionTower(config.vision, config.embed_dim, act, eps)
        self.text = TextTower(config.text, config.embed_dim, act, eps)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.logit_bias = nn.Parameter(torch.tensor(0.0)) if config.logit_bias else None

    def encode_image(self, image: Tensor, *, normalize: bool = True) -> Tensor:
        """Embeddings of images, (batch, embed_dim)."""
        found = self.vision(image)
        return functional.normalize(found, dim=-1) if normalize else found

    def encode_text(self, text: Tensor, *, normalize: bool = True) -> Tensor:
        """Embeddings of texts, (batch, embed_dim)."""
        found = self.text(text)
        return functional.normalize(found, dim=-1) if normalize else found

    def forward(self, image: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Normalized embeddings of both, and the factor of their similarities."""
        return self.encode_image(image), self.encode_text(text), self.logit_scale.exp()
