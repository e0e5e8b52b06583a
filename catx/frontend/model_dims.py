"""Sizes of dynamic dimensions for several models: each takes those that it has."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from catx.errors import OptionError
from catx.frontend.models import builtin_models
from catx.names import listed, nearest


def sizes_by_model(models: Sequence[str | Path], dims: Mapping[str, int]) -> list[Mapping[str, int]]:
    """The sizes for each model, in order. A lone model takes all: what it does not have, it tells itself.

    Raises:
        OptionError: a dimension that no model has.
        ModelError: a file cannot be read.
    """
    if not dims or len(models) == 1:
        return [dims] * len(models)
    names = [_names(model) for model in models]
    known = sorted({name for own in names for name in own})
    if unknown := [name for name in dims if name not in known]:
        raise OptionError(
            f"--dim {unknown[0]}: none of the models has such a dimension{nearest(unknown[0], known)}",
            hint=f"their dimensions are {listed(known)}" if known else "all their dimensions have a size",
        )
    return [{name: size for name, size in dims.items() if name in own} for own in names]


def _names(model: str | Path) -> tuple[str, ...]:
    from catx.frontend.onnx.reader import dim_names  # onnx is slow to import

    is_file = isinstance(model, Path) or model not in builtin_models()
    return dim_names(model) if is_file else ()
