"""The families of Hugging Face that catx prunes: where weights are, what their axes run over. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

WIDTH, HEADS, KV_HEADS, FFN = "width", "heads", "kv_heads", "ffn"

Axes = tuple[str | None, ...]
"""What each axis of a weight runs over; None: what stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How a family is laid out.

    `model_class` is a class of transformers. Weights of block N start with `blocks` and N. `attention` is
    where a block keeps the head counts, `linears` are the four projections of a block (queries, keys, values,
    output), and `axes` those of weights by name: of a block's without its prefix, of all others whole.
    """

    name: str
    model_class: str
    blocks: str
    attention: str
    linears: tuple[str, str, str, str]
    axes: Mapping[str, Axes]

    def place(self, weight: str) -> tuple[int | None, str]:
        """Block and inner name of a weight; no block for what is outside of them.

        Example:
            >>> LLAMA.place("model.layers.3.mlp.up_proj.weight")
            (3, 'mlp.up_proj.weight')
        """
        if not weight.startswith(self.blocks):
            return None, weight
        block, inner = weight[len(self.blocks) :].split(".", 1)
        return int(block), inner


def _with_bias(weights: Mapping[str, Axes]) -> dict[str, Axes]:
    """Linear layers and norms by module: their weights, and biases along the first axis."""
    return {
        **{f"{name}.weight": axes for name, axes in weights.items()},
        **{f"{name}.bias": axes[:1] for name, axes in weights.items()},
    }


BERT = Family(
    name="bert",
    model_class="BertModel",
    blocks="encoder.layer.",
    attention="attention.self",
    linears=("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"),
    axes=MappingProxyType(
        _with_bias(
            {
                "embeddings.LayerNorm": (WIDTH,),
                "attention.self.query": (HEADS, WIDTH),
                "attention.self.key": (KV_HEADS, WIDTH),
                "attention.self.value": (KV_HEADS, WIDTH),
                "attention.output.dense": (WIDTH, HEADS),
                "attention.output.LayerNorm": (WIDTH,),
                "intermediate.dense": (FFN, WIDTH),
                "output.dense": (WIDTH, FFN),
                "output.LayerNorm": (WIDTH,),
                "pooler.dense": (WIDTH, WIDTH),
            }
        )
        | {
            "embeddings.word_embeddings.weight": (None, WIDTH),
            "embeddings.position_embeddings.weight": (None, WIDTH),
            "embeddings.token_type_embeddings.weight": (None, WIDTH),
        }
    ),
)

VIT = Family(
    name="vit",
    model_class="ViTForImageClassification",
    blocks="vit.layers.",
    attention="attention",
    linears=("attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj"),
    axes=MappingProxyType(
        _with_bias(
            {
                "vit.embeddings.patch_embeddings.projection": (WIDTH, None, None, None),
                "attention.q_proj": (HEADS, WIDTH),
                "attention.k_proj": (KV_HEADS, WIDTH),
                "attention.v_proj": (KV_HEADS, WIDTH),
                "attention.o_proj": (WIDTH, HEADS),
                "layernorm_before": (WIDTH,),
                "layernorm_after": (WIDTH,),
                "mlp.fc1": (FFN, WIDTH),
                "mlp.fc2": (WIDTH, FFN),
                "vit.layernorm": (WIDTH,),
                "classifier": (None, WIDTH),
            }
        )
        | {
            "vit.embeddings.cls_token": (None, None, WIDTH),
            "vit.embeddings.position_embeddings": (None, None, WIDTH),
        }
    ),
)

LLAMA = Family(
    name="llama",
    model_class="LlamaForCausalLM",
    blocks="model.layers.",
    attention="self_attn",
    linears=("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"),
    axes=MappingProxyType(
        _with_bias(
            {
                "self_attn.q_proj": (HEADS, WIDTH),
                "self_attn.k_proj": (KV_HEADS, WIDTH),
                "self_attn.v_proj": (KV_HEADS, WIDTH),
                "self_attn.o_proj": (WIDTH, HEADS),
                "mlp.gate_proj": (FFN, WIDTH),
                "mlp.up_proj": (FFN, WIDTH),
                "mlp.down_proj": (WIDTH, FFN),
            }
        )
        | {
            "model.embed_tokens.weight": (None, WIDTH),
            "input_layernorm.weight": (WIDTH,),
            "post_attention_layernorm.weight": (WIDTH,),
            "model.norm.weight": (WIDTH,),
            "lm_head.weight": (None, WIDTH),
        }
    ),
)

FAMILIES: Mapping[str, Family] = MappingProxyType({one.name: one for one in (BERT, VIT, LLAMA)})
"""By the `model_type` of their configs."""
