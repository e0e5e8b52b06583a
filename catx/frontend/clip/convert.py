"""open_clip models into catx's module, and what of open_clip is none of its kind."""

from typing import Any

from torch import Tensor, nn

from catx.errors import ModelError
from catx.frontend.clip.config import BlockConfig, ClipConfig, TextConfig, VisionConfig
from catx.frontend.clip.model import Clip

EXPORT = "`catx prune NAME --no-prune -o DIR` exports it as it is"


def from_open_clip(model: nn.Module, source: str = "", tokenizer: str = "") -> Clip:
    """The same model as catx's own: equal results up to rounding.

    Args:
        model: an open_clip CLIP or CustomTextCLIP whose towers are plain transformers.
        source: what it is, for the config.
        tokenizer: of its texts, for the config.

    Raises:
        ModelError: a tower of another kind: a ResNet, timm, Hugging Face, attentional pooling, CoCa, ...
    """
    vision, text = _plain(model)
    config = ClipConfig(
        embed_dim=int(vision.output_dim),
        vision=_vision_config(vision),
        text=_text_config(model, text),
        activation=_activation(vision, text),
        norm_eps=float(vision.ln_post.eps),
        logit_bias=getattr(model, "logit_bias", None) is not None,
        tokenizer=tokenizer,
        **_preprocessing(vision),
        source=source,
    )
    made = Clip(config)
    made.load_state_dict(_weights(model, vision, text, config))
    return made.train(model.training)


def _plain(model: nn.Module) -> tuple[Any, Any]:
    """Both towers; the error names what makes one of them another kind."""
    import open_clip
    from open_clip.transformer import ResidualAttentionBlock, VisionTransformer

    if not isinstance(model, open_clip.CLIP | open_clip.CustomTextCLIP):
        raise ModelError(f"{type(model).__name__} is no CLIP of two towers", hint=EXPORT)
    vision = model.visual
    text = model if isinstance(model, open_clip.CLIP) else model.text
    if not isinstance(vision, VisionTransformer):
        raise _not_plain("image", f"is a {type(vision).__name__}")
    if not hasattr(text, "transformer") or not hasattr(text, "token_embedding"):
        raise _not_plain("text", f"is a {type(text).__name__}")
    if vision.attn_pool is not None:
        raise _not_plain("image", "pools by attention")
    if vision.pool_type not in ("tok", "avg"):
        raise _not_plain("image", f"pools {vision.pool_type!r}")
    if getattr(text, "cls_emb", None) is not None:
        raise _not_plain("text", "has a class token of its own (CoCa)")
    if getattr(text, "use_pad_mask", False):
        raise _not_plain("text", "masks padding")
    for tower, name in ((vision, "image"), (text, "text")):
        if any(type(block) is not ResidualAttentionBlock for block in tower.transformer.resblocks):
            raise _not_plain(name, "has blocks of its own kind (norms or scales inside of attention)")
    if text.text_projection is None:
        raise _not_plain("text", "has no projection")
    return vision, text


def _not_plain(tower: str, what: str) -> ModelError:
    return ModelError(f"the {tower} tower {what}: only plain transformers can be pruned", hint=EXPORT)


def _blocks(tower: Any) -> dict[str, Any]:
    blocks = list(tower.transformer.resblocks)
    return {
        "width": blocks[0].attn.embed_dim,
        "head_dim": blocks[0].attn.head_dim,
        "blocks": tuple(BlockConfig(heads=b.attn.num_heads, ffn=b.mlp.c_fc.out_features) for b in blocks),
        "layer_scale": hasattr(blocks[0].ls_1, "gamma"),
    }


def _vision_config(vision: Any) -> VisionConfig:
    return VisionConfig(
        **_blocks(vision),
        image_size=tuple(vision.image_size),
        patch_size=tuple(vision.patch_size),
        pool=vision.pool_type,
        norm_before=isinstance(vision.ln_pre, nn.LayerNorm),
        norm_after_pool=bool(vision.final_ln_after_pool),
    )


def _text_config(model: Any, text: Any) -> TextConfig:
    owner = text is not model
    projection = text.text_projection
    return TextConfig(
        **_blocks(text),
        context_length=int(text.context_length),
        vocab_size=int(text.vocab_size),
        pool=text.pool_type if owner else model.text_pool_type,
        eos_id=int(getattr(text, "eos_id", None) or getattr(model, "text_eos_id", None) or 2),
        causal=text.attn_mask is not None,
        projection_bias=isinstance(projection, nn.Linear) and projection.bias is not None,
    )


def _preprocessing(vision: Any) -> dict[str, Any]:
    """What images are prepared with, where the model says it."""
    found = {
        "image_mean": getattr(vision, "image_mean", None),
        "image_std": getattr(vision, "image_std", None),
    }
    numbers = {key: tuple(map(float, value)) for key, value in found.items() if value is not None}
    told = getattr(vision, "preprocess_cfg", None) or {}
    ways = {"resize": told.get("resize_mode"), "interpolation": told.get("interpolation")}
    return numbers | {key: value for key, value in ways.items() if value}


def _activation(vision: Any, text: Any) -> str:
    found = set()
    for tower in (vision, text):
        for block in tower.transformer.resblocks:
            act = block.mlp.gelu
            tanh = getattr(act, "approximate", "none") == "tanh"
            found.add(type(act).__name__ + (" tanh" if tanh else ""))
    names = {"GELU": "gelu", "GELU tanh": "gelu_tanh", "QuickGELU": "quick_gelu"}
    if len(found) > 1 or not found <= set(names):
        raise ModelError(
            f"activations {', '.join(sorted(found))}: one of {', '.join(names)} in both towers is read"
        )
    return names[found.pop()]


def _weights(model: Any, vision: Any, text: Any, config: ClipConfig) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {"logit_scale": model.logit_scale.reshape(())}
    if config.logit_bias:
        state["logit_bias"] = model.logit_bias.reshape(())
    state |= {
        "vision.patch.weight": vision.conv1.weight,
        "vision.class_token": vision.class_embedding,
        "vision.position": vision.positional_embedding,
        "vision.projection.weight": vision.proj.T,
        "text.token.weight": text.token_embedding.weight,
        "text.position": text.positional_embedding,
    }
    projection = text.text_projection
    if isinstance(projection, nn.Linear):
        state |= {f"text.projection.{key}": value for key, value in projection.state_dict().items()}
    else:
        state["text.projection.weight"] = projection.T
    norms = {"vision.norm": vision.ln_post, "text.norm": text.ln_final}
    if config.vision.norm_before:
        norms["vision.norm_before"] = vision.ln_pre
    for name, norm in norms.items():
        state |= {f"{name}.{key}": value for key, value in norm.state_dict().items()}
    for name, tower in (("vision", vision), ("text", text)):
        for at, block in enumerate(tower.transformer.resblocks):
            state |= {f"{name}.blocks.{at}.{key}": value for key, value in _block_weights(block).items()}
    return {key: value.detach().clone().float() for key, value in state.items()}


def _block_weights(block: Any) -> dict[str, Tensor]:
    """Weights of one block under catx's names; q, k and v apart."""
    state: dict[str, Tensor] = {}
    weights, biases = block.attn.in_proj_weight.chunk(3), block.attn.in_proj_bias.chunk(3)
    for name, weight, bias in zip("qkv", weights, biases, strict=True):
        state |= {f"attention.{name}.weight": weight, f"attention.{name}.bias": bias}
    parts = {
        "attention.o": block.attn.out_proj,
        "mlp.up": block.mlp.c_fc,
        "mlp.down": block.mlp.c_proj,
        "norm1": block.ln_1,
        "norm2": block.ln_2,
        "scale1": block.ls_1,
        "scale2": block.ls_2,
    }
    for name, part in parts.items():
        state |= {f"{name}.{key}": value for key, value in part.state_dict().items()}
    return state
