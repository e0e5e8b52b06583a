"""Models of Hugging Face families as ONNX: encoders in one graph, Llama as a prefill and a decode step."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from catx.errors import OptionError
from catx.extras import need
from catx.frontend.hf.config import ModelConfig
from catx.frontend.hf.macs import decoder_macs, encoder_macs, image_tokens
from catx.frontend.torch_export import Exported, export_checked, traced

MODEL, PREFILL, DECODE = "model", "prefill", "decode"
FILES = tuple(f"{name}.onnx{end}" for name in (MODEL, PREFILL, DECODE) for end in ("", ".data"))

TOKENS = {"bert": 128, "llama": 512}
"""Tokens of a text where none are given: BERT as its paper trains for 90 % of its steps; Llama as catx's own
examples."""

LARGEST_BYTES = 2_000_000_000
"""Weights that fit into an ONNX file, which is a protobuf of less than 2 GiB, with room for the graph."""

_KEPT_BYTES = 1024
"""Constants up to here stay in a graph without weights: shapes and scalars are read from them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """One graph of a model: what it reads, what it costs.

    `tokens` are read at once; `cached` ones have keys and values already.
    """

    name: str
    told: str
    tokens: int
    cached: int
    macs: int


def graphs_of(config: ModelConfig, tokens: int | None, context: int | None) -> tuple[Graph, ...]:
    """The graphs that a model is exported as.

    Args:
        config: of the model.
        tokens: of a text; without it as in `TOKENS`, or what the model has positions for, where that is less.
            An image has as many as its size says.
        context: of a decode step of Llama, tokens before it; as many as `tokens` where None.

    Raises:
        OptionError: more tokens than the model has positions for, of which a decode step needs one for its
            own token; or an option of another family.
    """
    family = config.family.name
    if context is not None and family != "llama":
        raise OptionError(f"context: {family} has no decode step")
    if family == "vit":
        if tokens is not None:
            raise OptionError("tokens: an image of vit has as many as its size says")
        height, width = config.image_size
        read = image_tokens(config)
        told = f"an image of {height} x {width}"
        return (Graph(name=MODEL, told=told, tokens=read, cached=0, macs=encoder_macs(config, read)),)
    positions = config.number("max_position_embeddings")
    most = positions - 1 if family == "llama" else positions
    read = min(TOKENS[family], max(1, most)) if tokens is None else tokens
    cached = read if context is None else context
    _check_positions("tokens", read, positions)
    if family == "llama":
        _check_positions("tokens" if context is None else "context", cached, positions, decoded=True)
    if family == "bert":
        macs = encoder_macs(config, read)
        return (Graph(name=MODEL, told=f"a text of {read} tokens", tokens=read, cached=0, macs=macs),)
    return (
        Graph(
            name=PREFILL,
            told=f"a prompt of {read} tokens",
            tokens=read,
            cached=0,
            macs=decoder_macs(config, read, 0),
        ),
        Graph(
            name=DECODE,
            told=f"a token after {cached}",
            tokens=1,
            cached=cached,
            macs=decoder_macs(config, 1, cached),
        ),
    )


def _check_positions(option: str, value: int, positions: int, *, decoded: bool = False) -> None:
    """Raise an OptionError where a model lacks positions for so many tokens, and one decoded after."""
    most = positions - 1 if decoded else positions
    if not 1 <= value <= most:
        after = ", and the token of the decode step needs one of its own" if decoded else ""
        raise OptionError(
            f"{option}: {value} is not within 1 to {most}: the model has {positions} positions{after}"
        )


def export_graph(
    graph: Graph, model: nn.Module, config: ModelConfig, folder: Path, *, weights: bool
) -> Exported:
    """Write one graph of a model, batch 1.

    Args:
        graph: of `graphs_of`.
        model: of the shape of `config`.
        config: of the model.
        folder: where `NAME.onnx` goes; weights above 2 GB go into `NAME.onnx.data`.
        weights: False leaves them out: the graph refers to a file of weights that is not there, which catx
            does not read, and nothing is checked.

    Raises:
        ExtraError: a package is missing.
        ModelError: onnxruntime does not compute what torch does.
        OutputError: a file is there already.
    """
    module, inputs, names, outputs = _signature(graph, model, config)
    path = folder / f"{graph.name}.onnx"
    if not weights:
        return _without_weights(graph, module, inputs, names, outputs, path)
    large = sum(4 * weight.numel() for weight in model.parameters()) > LARGEST_BYTES
    return export_checked(
        graph.name,
        module,
        inputs,
        path,
        extra="hf",
        input_names=names,
        output_names=outputs,
        beside=large,
    )


def _without_weights(
    graph: Graph, module: nn.Module, inputs: list[Tensor], names: list[str], outputs: list[str], path: Path
) -> Exported:
    need("hf", "onnxscript")
    import onnx_ir

    program = traced(module, inputs, names, outputs)
    for name, value in program.model.graph.initializers.items():
        held = value.const_value
        if held.nbytes > _KEPT_BYTES:
            value.const_value = onnx_ir.ExternalTensor(
                f"{path.name}.data", 0, held.nbytes, held.dtype, shape=held.shape, name=name
            )
    data = onnx_ir.to_proto(program.model).SerializeToString()
    with path.open("xb") as file:
        file.write(data)
    return Exported(name=graph.name, path=path, bytes=len(data), difference=None)


def _signature(
    graph: Graph, model: nn.Module, config: ModelConfig
) -> tuple[nn.Module, list[Tensor], list[str], list[str]]:
    """What is exported, example inputs, and names of inputs and outputs."""
    generator = torch.Generator().manual_seed(0)
    family, layers = config.family.name, config.sizes.layers
    if family == "vit":
        image = torch.randn(1, config.number("num_channels"), *config.image_size, generator=generator)
        return _Encoder(model), [image], ["pixel_values"], ["logits"]
    tokens = torch.randint(config.number("vocab_size"), (1, graph.tokens), generator=generator)
    if family == "bert":
        return _Encoder(model), [tokens], ["input_ids"], ["last_hidden_state", "pooler_output"]
    presents = [f"present.{at}.{what}" for what in ("key", "value") for at in range(layers)]
    if not graph.cached:
        return _Prefill(model), [tokens], ["input_ids"], ["logits", *presents]
    shape = (1, config.sizes.kv_heads, graph.cached, config.sizes.head_dim)
    past = [torch.randn(shape, generator=generator) for _ in presents]
    names = ["input_ids", *(name.replace("present", "past_key_values") for name in presents)]
    return _Decode(model, layers), [tokens, *past], names, ["logits", *presents]


class _Wrapped(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.eval()


class _Encoder(_Wrapped):
    """All outputs of a model of one tensor."""

    def forward(self, x: Tensor) -> Any:
        found = self.model(x, return_dict=False)
        return found[0] if len(found) == 1 else found


def _flat(logits: Tensor, cache: Any) -> tuple[Tensor, ...]:
    return (logits, *(one.keys for one in cache.layers), *(one.values for one in cache.layers))


class _Prefill(_Wrapped):
    """A prompt to the logits of its last token, and keys and values of all."""

    def forward(self, tokens: Tensor) -> tuple[Tensor, ...]:
        found = self.model(tokens, use_cache=True, logits_to_keep=1)
        return _flat(found.logits, found.cache)


class _Decode(_Wrapped):
    """A token and a cache to the logits of the token, and the cache with it."""

    def __init__(self, model: nn.Module, layers: int) -> None:
        super().__init__(model)
        self.layers = layers

    def forward(self, tokens: Tensor, *past: Tensor) -> tuple[Tensor, ...]:
        from transformers import DynamicCache

        cache = DynamicCache()
        for at in range(self.layers):
            cache.update(past[at], past[self.layers + at], at)
        found = self.model(tokens, cache=cache, use_cache=True)
        return _flat(found.logits, found.cache)
