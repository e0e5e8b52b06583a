"""Both towers as ONNX files, checked against torch in onnxruntime."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from catx.errors import Loc, ModelError, OutputError
from catx.extras import need

OPSET = 20
"""The newest that onnxruntime runs with attention written out; from 23 on exporters write one node for it."""

TOLERANCE = 1e-4
"""Largest difference between torch and onnxruntime that counts as equal, of embeddings of length 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One tower: its file, and how far onnxruntime is from torch."""

    tower: str
    path: Path
    bytes: int
    difference: float


class _Normalized(nn.Module):
    """A tower with the norm of its embeddings, as retrieval uses them."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(self.tower(x), dim=-1)


def export_tower(name: str, tower: nn.Module, example: Tensor, path: Path, *, opset: int = OPSET) -> Exported:
    """Write one tower as ONNX and run it.

    Args:
        name: vision or text; what input and output are called after.
        tower: a module of one tensor.
        example: an input, whose shape the file keeps.
        path: a new file; weights are inside of it.
        opset: of ONNX.

    Raises:
        ExtraError: a package is missing.
        ModelError: onnxruntime does not compute what torch does.
        OutputError: the file is there already.
    """
    need("clip", "onnxscript", "onnxruntime")
    if path.exists():
        raise OutputError("exists already: nothing is overwritten", loc=Loc(str(path)))
    module = _Normalized(tower).eval()
    beside = path.with_suffix(".part.onnx")
    what = "image" if name == "vision" else "text"
    with _quiet(), torch.no_grad():
        torch.onnx.export(
            module,
            (example,),
            beside,
            dynamo=True,
            opset_version=opset,
            external_data=False,
            verbose=False,
            input_names=[what],
            output_names=[f"{what}_features"],
        )
        expected = module(example).numpy()
    found = _run(beside, example)
    difference = float(np.abs(found - expected).max())
    if not difference <= TOLERANCE:
        beside.unlink()
        raise ModelError(
            f"the {name} tower in onnxruntime is {difference:.2g} away from torch, more than {TOLERANCE:g}"
        )
    beside.rename(path)
    return Exported(tower=name, path=path, bytes=path.stat().st_size, difference=difference)


def _run(path: Path, example: Tensor) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: example.numpy()})
    return np.asarray(found)


@contextmanager
def _quiet() -> Iterator[None]:
    """Exporters warn of what is theirs to change."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
