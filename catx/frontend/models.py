"""Models: a file, or a built-in name, becomes a graph in its canonical form."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catx.errors import Loc, ModelError, OptionError
from catx.frontend.file_kind import MODEL, text_kind
from catx.frontend.text_file import is_missing
from catx.ir.graph import Graph
from catx.ir.pipeline import run
from catx.names import listed, nearest


@dataclass(frozen=True, slots=True)
class BuiltinModel:
    """A model that comes with catx; a dual encoder is two files."""

    name: str
    description: str
    source: str
    files: tuple[Path, ...]


EXPORTED = ("vision.onnx", "text.onnx", "model.onnx", "prefill.onnx", "decode.onnx")
"""Files of a folder that `catx prune` writes."""

_FOLDER = Path(__file__).parent.parent / "data" / "models"
_VISION, _TEXT = _FOLDER / "clip_vit_b16_vision.onnx", _FOLDER / "clip_vit_b16_text.onnx"
_EXPORT = "export the model to ONNX (torch.onnx.export, or tf2onnx for TensorFlow)"
_SOURCE = (
    "CLIP ViT-B/16 (Radford et al., arXiv 2103.00020) of Hugging Face transformers 5.23.0, random weights, "
    "torch.onnx.export with dynamo, opset 20, weights not shipped"
)


def builtin_models() -> dict[str, BuiltinModel]:
    """The models that come with catx, by name."""
    models = (
        BuiltinModel(
            "clip_vit_b16", "CLIP ViT-B/16, both towers: an image and a text", _SOURCE, (_VISION, _TEXT)
        ),
        BuiltinModel(
            "clip_vit_b16_vision", "CLIP ViT-B/16, image tower: 224x224, batch 1", _SOURCE, (_VISION,)
        ),
        BuiltinModel("clip_vit_b16_text", "CLIP ViT-B/16, text tower: 77 tokens, batch 1", _SOURCE, (_TEXT,)),
    )
    return {model.name: model for model in models}


def load_models(
    model: str | Path, *, dims: Mapping[str, int] | None = None, allow_unknown: bool = False
) -> tuple[Graph, ...]:
    """Load a model of one or several files: a path, or the name of a built-in model.

    Args:
        model: a path that ends in .onnx, the folder of a pruned model, or a built-in name.
        dims: sizes of dynamic dimensions, by name.
        allow_unknown: cost operators without a rule by their data movement.

    Returns:
        One graph per file, after the default passes.

    Raises:
        ModelError: there is no such model, or its file cannot be read or lowered.
        OptionError: a dim that the model does not have.
    """
    name = str(model)
    builtin = builtin_models().get(name)
    if builtin is not None and not isinstance(model, Path):
        if dims:
            raise OptionError(f"model {name!r} is built in and has no dynamic dims", hint="leave out --dim")
        files = builtin.files
    elif os.path.isdir(name):
        files = _in_folder(Path(name))
    else:
        files = (_checked(name),)
    return tuple(_load(path, dims or {}, allow_unknown) for path in files)


def load_model(
    model: str | Path, *, dims: Mapping[str, int] | None = None, allow_unknown: bool = False
) -> Graph:
    """Load a model of one file; see `load_models`.

    Raises:
        ModelError: there is no such model, its file cannot be read or lowered, or it has several files.
        OptionError: a dim that the model does not have.
    """
    builtin = builtin_models().get(str(model))
    if builtin is not None and len(builtin.files) > 1:
        parts = [other.name for other in builtin_models().values() if len(other.files) == 1]
        raise ModelError(
            f"model {builtin.name!r} is {len(builtin.files)} graphs",
            hint=f"load one of {', '.join(parts)}, or use load_models",
        )
    (graph,) = load_models(model, dims=dims, allow_unknown=allow_unknown)
    return graph


def _checked(name: str) -> Path:
    """A path that can be a model file; the error says what is wrong with another one."""
    path = Path(name)
    if path.suffix == ".onnx":
        return path
    if name and not is_missing(name):
        raise _no_model(path)
    names = list(builtin_models())
    raise ModelError(
        f"no built-in model and no file {name!r}{nearest(name, names)}",
        hint=f"built in are {', '.join(names)}; files end in .onnx",
    )


def _in_folder(folder: Path) -> tuple[Path, ...]:
    """All graphs of a model that `catx prune` wrote."""
    files = tuple(path for name in EXPORTED if (path := folder / name).is_file())
    if files:
        return files
    raise ModelError(
        "a folder without exported graphs",
        loc=Loc(str(folder)),
        hint=f"`catx prune MODEL -o DIR` writes {listed(EXPORTED)}; else name a file that ends in .onnx",
    )


def _no_model(path: Path) -> ModelError:
    """The error for something that exists and is not called *.onnx."""
    try:
        folder = stat.S_ISDIR(os.stat(path).st_mode)
    except OSError as error:
        return ModelError(f"cannot be read: {error.strerror}", loc=Loc(str(path)))
    kind = text_kind(path)
    if kind == MODEL:
        return ModelError(
            "an ONNX model by another name",
            loc=Loc(str(path)),
            hint="rename it: names of models end in .onnx",
        )
    if kind is not None:
        what, hint = f"this looks like {kind.what}, not an ONNX model", kind.where
    else:
        what = "a folder" if folder else path.suffix or "this"
        what, hint = f"{what} is no kind of model that catx reads", ""
    return ModelError(what, loc=Loc(str(path)), hint=hint or _EXPORT)


def _load(path: Path, dims: Mapping[str, int], allow_unknown: bool) -> Graph:
    """Read, lower and run the default passes."""
    from catx.frontend.onnx.lower import lower
    from catx.frontend.onnx.reader import read_model

    model = read_model(path, dims=dims, allow_unknown=allow_unknown)
    return run(lower(model, allow_unknown=allow_unknown))
