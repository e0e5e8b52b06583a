"""Options of `catx prune`: those of every model, of CLIP models, and of Hugging Face families."""

from functools import partial
from typing import Annotated

import typer

from catx.frontend.seeds import MOST_SEED

CLIP, HUGGING_FACE = "CLIP models", "BERT, ViT and Llama"
"""Panels of the help."""

_option = partial(typer.Option, show_default=False)
_clip = partial(typer.Option, rich_help_panel=CLIP)
_clip_none = partial(_clip, show_default=False)
_family = partial(typer.Option, rich_help_panel=HUGGING_FACE, show_default=False)

COUNT, AMOUNT = "N", "N|SHARE"

ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="`open_clip:NAME`, `open_clip:NAME:TAG`, `open_clip:NAME:checkpoint.pt`, `digits`, `hf:NAME` "
        "(bert-base, vit-base-16, llama-3-8b, a folder, a name of the hub), or a folder that this command "
        "wrote.",
    ),
]
Folder = Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="A new folder for the results.")]
MethodName = Annotated[
    str,
    typer.Option(
        "--importance",
        metavar="METHOD",
        help="magnitude, index or random; taylor or module for CLIP models.",
    ),
]
RankingFile = Annotated[
    str | None, _option("--ranking", metavar="FILE", help="A ranking.json instead of --importance.")
]
NoExport = Annotated[bool, typer.Option("--no-export", help="Write no ONNX files.")]
SeedOf = Annotated[
    int,
    typer.Option("--seed", metavar="N", help="Of weights, ranking and training.", min=0, max=MOST_SEED),
]

TextLayers = Annotated[
    int | None, _clip_none("--text-layers", metavar=COUNT, help="Blocks of the text tower that stay.")
]
TextHeads = Annotated[
    int | None, _clip_none("--text-heads", metavar=COUNT, help="Heads of each of its blocks.")
]
TextFfn = Annotated[
    str | None, _clip_none("--text-ffn", metavar=AMOUNT, help="Hidden units of each of its MLPs.")
]
TextWidth = Annotated[
    str | None, _clip_none("--text-width", metavar=AMOUNT, help="Channels of its residual stream.")
]
VisionLayers = Annotated[
    int | None, _clip_none("--vision-layers", metavar=COUNT, help="The same of the image tower.")
]
VisionHeads = Annotated[int | None, _clip_none("--vision-heads", metavar=COUNT)]
VisionFfn = Annotated[str | None, _clip_none("--vision-ffn", metavar=AMOUNT)]
VisionWidth = Annotated[str | None, _clip_none("--vision-width", metavar=AMOUNT)]
PresetName = Annotated[
    str | None, _clip_none("--preset", metavar="NAME", help="Sizes of a published model instead.")
]
DataName = Annotated[
    str | None,
    _clip_none(
        "--data",
        metavar="FILE",
        help="To rank and train on: a CSV file with images and captions, tar shards, or `digits`.",
    ),
]
TestName = Annotated[
    str | None, _clip_none("--test", metavar="FILE", help="To measure on: another such file.")
]
ValidationName = Annotated[
    str | None,
    _clip_none("--validation", metavar="FILE", help="To choose between prunings by: one more such file."),
]
ClassesIn = Annotated[
    str | None,
    _clip_none(
        "--zero-shot",
        metavar="DIR|NAME",
        help="To classify without training: a folder per class, with images, or `clip_benchmark:cifar10`.",
    ),
]
Template = Annotated[str, _clip("--template", metavar="TEXT", help="Prompt of a class; {} is its name.")]
Steps = Annotated[int, _clip("--recover", metavar="STEPS", help="Train for so many steps.", min=0)]
BatchSize = Annotated[int, _clip("--batch", metavar="N", help="Pairs of a step.", min=2)]
Rate = Annotated[
    float | None,
    _clip_none(
        "--learning-rate", metavar="X", help="Of the training: 0.001 for a width of 64, less for wider."
    ),
]
PrecisionName = Annotated[
    str, _clip("--precision", metavar="NAME", help="Of activations: fp32, bf16, or auto: bf16 on a GPU.")
]
CheckpointFile = Annotated[
    str | None,
    _clip_none("--checkpoint", metavar="FILE", help="Keep the training's state here, and go on from it."),
]
Watts = Annotated[
    str | None,
    _clip_none("--watts", metavar="POWER", help="What the training draws on all machines, such as `65 W`."),
]
GridName = Annotated[
    str | None,
    _clip_none("--grid", metavar="REGION", help="Where it trains: a region, or `24 g/kWh`."),
]
NoPrune = Annotated[bool, _clip("--no-prune", help="Export the model as it is, of whatever kind.")]

Layers = Annotated[int | None, _family("--layers", metavar=COUNT, help="Blocks that stay.")]
Heads = Annotated[int | None, _family("--heads", metavar=COUNT, help="Heads of each block.")]
KvHeads = Annotated[
    int | None,
    _family("--kv-heads", metavar=COUNT, help="Its heads of keys and values; the heads they serve go along."),
]
Ffn = Annotated[str | None, _family("--ffn", metavar=AMOUNT, help="Hidden units of each MLP.")]
Width = Annotated[str | None, _family("--width", metavar=AMOUNT, help="Channels of the residual stream.")]
Tokens = Annotated[
    int | None,
    _family(
        "--tokens", metavar="N", help="Tokens of a text or prompt: 128 for BERT, 512 for Llama, or fewer."
    ),
]
Context = Annotated[
    int | None,
    _family("--context", metavar="N", help="Tokens before a decode step; as many as the prompt has."),
]
NoWeights = Annotated[
    bool, _family("--no-weights", help="Shapes alone: the ONNX files can be mapped, but not run.")
]
