"""Reading ONNX files: any model becomes nodes with concrete shapes, its shape arithmetic folded away."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from catx.frontend.onnx.resolved import ResolvedModel

_NO_DIMS: Mapping[str, int] = MappingProxyType({})


def read_model(
    path: Path | str, *, dims: Mapping[str, int] = _NO_DIMS, allow_unknown: bool = False
) -> ResolvedModel:
    """Read an ONNX model with every shape known and everything constant folded.

    Weights are not read and need not be there; only the small constants that shapes are computed from are,
    from the file or from below its folder. Functions, and branches whose condition is known, are inlined.

    Args:
        path: the .onnx file.
        dims: sizes of the dynamic dimensions, by the model's names for them ("batch"), or by input and axis
            where they have none ("x.0"); also values of inputs that are one integer ("sampling_rate"), so
            that branches on them are decided.
        allow_unknown: let operators pass that nothing is known of, where the model declares the shapes of
            their results.

    Returns:
        The nodes that compute something in topological order, the tensors they touch, and as `folded` all
        other nodes with the reason why they are free.

    Raises:
        ModelError: the file cannot be read, is not a sound ONNX model, has dimensions without a size, or a
            tensor whose shape cannot be known.
        UnknownOpError: an unknown operator whose results have no declared shape.
        OptionError: a size below 1, or for a dimension that the model does not have.
    """
    from catx.frontend.onnx.resolve import resolve

    return resolve(Path(path), dims, allow_unknown=allow_unknown)


def dim_names(path: Path | str) -> tuple[str, ...]:
    """Names that `read_model` takes as `dims`: dynamic dimensions of inputs, then inputs of one integer.

    Raises:
        ModelError: the file cannot be read or is not an ONNX model.
    """
    from catx.frontend.onnx.resolve import input_dims

    return input_dims(Path(path))
