"""Modules of transformers with any head count: built by shape alone, then given weights."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from catx.errors import Loc, ModelError, SpecError
from catx.frontend.hf.config import ModelConfig
from catx.frontend.seeds import check_seed

STANDARD_DEVIATION = 0.02
"""Of random weights where a config names no `initializer_range`: transformers' default of these families."""


def shape_of(config: ModelConfig) -> nn.Module:
    """A model on torch's meta device: shapes without weights; buffers are real.

    Configs of transformers demand that heads fill the width. So the model is built with a single head, and
    its attention gets the head counts of `config` afterwards.

    Raises:
        SpecError: transformers does not take the config.
    """
    with torch.device("meta"):
        model = _of_transformers(config, config.sizes.layers, config.sizes.width, config.sizes.ffn)
        for at in range(config.sizes.layers):
            _attend(model.get_submodule(f"{config.family.blocks}{at}"), config)
    _give_buffers(model, config)
    return model.eval()


def with_zeros(model: nn.Module) -> nn.Module:
    """Stand-in weights that take no memory: every weight is one 0, seen in its shape, and has no gradient."""
    return _filled(model, lambda _, weight: torch.zeros(1).expand(weight.shape), trainable=False)


def with_random(model: nn.Module, config: ModelConfig, seed: int) -> nn.Module:
    """Normal random weights of the config's `initializer_range`; norms are 1, biases 0. All are trainable."""
    check_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    deviation = float(config.plain.get("initializer_range") or STANDARD_DEVIATION)

    def value(name: str, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return torch.zeros(weight.shape) if name.endswith(".bias") else torch.ones(weight.shape)
        return torch.empty(weight.shape).normal_(0.0, deviation, generator=generator)

    return _filled(model, value)


def with_state(model: nn.Module, state: Mapping[str, Tensor], where: str) -> nn.Module:
    """The weights of a state dict, as fp32, trainable. What is fp32 already is shared with it, not copied.

    Raises:
        ModelError: one is missing or has another shape.
    """

    def value(name: str, weight: Tensor) -> Tensor:
        found = state.get(name)
        if found is None:
            raise ModelError(f"the weight {name} is missing", loc=Loc(where))
        if found.shape != weight.shape:
            there, wanted = (list(one.shape) for one in (found, weight))
            raise ModelError(f"the weight {name} is {there}, its config says {wanted}", loc=Loc(where))
        return found.to(torch.float32)

    return _filled(model, value)


def _filled(model: nn.Module, value: Callable[[str, Tensor], Tensor], *, trainable: bool = True) -> nn.Module:
    """The model with values for its weights; tied weights stay tied."""
    made: dict[int, nn.Parameter] = {}
    for path, module in model.named_modules():
        for key, weight in list(module.named_parameters(recurse=False)):
            if id(weight) not in made:
                name = f"{path}.{key}" if path else key
                made[id(weight)] = nn.Parameter(value(name, weight), requires_grad=trainable)
    # apart from the loop above: a weight that is let go could lend its id to a new one
    for module in model.modules():
        for key, weight in list(module.named_parameters(recurse=False)):
            setattr(module, key, made[id(weight)])
    return model


def _of_transformers(config: ModelConfig, layers: int, width: int, ffn: int) -> nn.Module:
    import transformers

    changed = {
        **config.plain,
        "num_hidden_layers": layers,
        "hidden_size": width,
        "intermediate_size": ffn,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "head_dim": config.sizes.head_dim,
    }
    cls = getattr(transformers, config.family.model_class)
    try:
        made = cls.config_class.from_dict(changed)
        made._attn_implementation = "sdpa"
        model: nn.Module = cls(made)
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        what = str(error).strip().splitlines()[-1].strip() if str(error).strip() else type(error).__name__
        raise SpecError(f"transformers does not build this {config.family.name} config: {what}") from error
    return model


def _attend(block: nn.Module, config: ModelConfig) -> None:
    """Give a block its heads."""
    sizes = config.sizes
    query, key, value, output = config.family.linears
    channels, kv_channels = sizes.heads * sizes.head_dim, sizes.kv_heads * sizes.head_dim
    for name, inputs, outputs in (
        (query, sizes.width, channels),
        (key, sizes.width, kv_channels),
        (value, sizes.width, kv_channels),
        (output, channels, sizes.width),
    ):
        biased = block.get_submodule(name).bias is not None
        block.set_submodule(name, nn.Linear(inputs, outputs, bias=biased))
    attention: Any = block.get_submodule(config.family.attention)
    attention.num_attention_heads = sizes.heads
    attention.num_key_value_groups = sizes.group
    attention.scaling = sizes.head_dim**-0.5
    attention.head_dim = attention.attention_head_size = sizes.head_dim
    attention.all_head_size = channels


def _give_buffers(model: nn.Module, config: ModelConfig) -> None:
    """Buffers (positions, rotary frequencies) of a small twin: they depend on neither depth nor width."""
    twin = _of_transformers(config, 1, config.sizes.head_dim, 1)
    real = dict(twin.named_buffers())
    for name, buffer in list(model.named_buffers()):
        owner, _, key = name.rpartition(".")
        if name not in real or real[name].shape != buffer.shape:
            raise SpecError(f"the buffer {name} of this {config.family.name} config depends on its size")
        model.get_submodule(owner).register_buffer(key, real[name], persistent=False)
