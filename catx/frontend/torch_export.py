"""A module of torch as an ONNX file, checked in onnxruntime."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from catx.errors import Loc, ModelError, OutputError
from catx.extras import need
from catx.frontend.quiet import quiet

OPSET = 20
"""The newest that onnxruntime runs with attention written out; from 23 on exporters write one node for it."""

TOLERANCE = 1e-4
"""Largest difference between torch and onnxruntime that counts as equal, relative to the largest value of an
output where that is above 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One graph: its file, and how far onnxruntime is from torch; None for one without weights.

    `difference` is the largest of any output, relative to the largest value of that output where it is above
    1.
    """

    name: str
    path: Path
    bytes: int
    difference: float | None


def export_checked(
    name: str,
    module: nn.Module,
    inputs: Sequence[Tensor],
    path: Path,
    *,
    extra: str,
    input_names: Sequence[str],
    output_names: Sequence[str],
    opset: int = OPSET,
    beside: bool = False,
) -> Exported:
    """Write a module as ONNX, run it, and compare.

    Args:
        name: of the graph, for errors.
        module: of tensors to a tensor or a flat tuple of tensors.
        inputs: examples, whose shapes the file keeps.
        path: a new file.
        extra: of catx, that brings the packages.
        input_names: one per input.
        output_names: one per output.
        opset: of ONNX.
        beside: put weights into a file of their own beside it, which ends in `.data`: ONNX files end at 2 GB.

    Raises:
        ExtraError: a package is missing.
        ModelError: onnxruntime does not compute what torch does.
        OutputError: the file is there already.
    """
    need(extra, "onnxscript", "onnxruntime")
    names = [path.name, f"{path.name}.data"] if beside else [path.name]
    for one in names:
        if (path.parent / one).exists():
            raise OutputError("exists already: nothing is overwritten", loc=Loc(str(path.parent / one)))
    program = traced(module, inputs, input_names, output_names, opset)
    with TemporaryDirectory(prefix=".export-", dir=path.parent) as scratch:
        part = Path(scratch) / path.name
        program.save(part, external_data=beside)
        difference = _difference(module, inputs, part)
        if not difference <= TOLERANCE:
            raise ModelError(
                f"{name}: onnxruntime is {difference:.2g} away from torch, more than {TOLERANCE:g}"
            )
        size = sum((Path(scratch) / one).stat().st_size for one in names)
        for one in reversed(names):  # the graph last: where it is, its weights are
            (Path(scratch) / one).rename(path.parent / one)
    return Exported(name=name, path=path, bytes=size, difference=difference)


def traced(
    module: nn.Module,
    inputs: Sequence[Tensor],
    input_names: Sequence[str],
    output_names: Sequence[str],
    opset: int = OPSET,
) -> Any:
    """The ONNX program of a module, by torch's dynamo exporter; see `export_checked`.

    Nodes keep the names of their modules in `namespace`. The rest of the exporter's notes goes: stacks hold
    paths of this machine, so that one model would make other files elsewhere.
    """
    with quiet("torch.onnx", "onnxscript"), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # exporters warn of what is theirs to change
        program = torch.onnx.export(
            module,
            tuple(inputs),
            dynamo=True,
            opset_version=opset,
            verbose=False,
            input_names=list(input_names),
            output_names=list(output_names),
        )
    assert program is not None  # as dynamo is true
    for node in program.model.graph.all_nodes():
        for note in [key for key in node.metadata_props if key.startswith("pkg.torch.")]:
            del node.metadata_props[note]
    return program


def _difference(module: nn.Module, inputs: Sequence[Tensor], path: Path) -> float:
    """Largest difference of any output, relative to its largest value where that is above 1."""
    import onnxruntime

    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # transformers warns of arguments that it renamed
        expected = module(*inputs)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    feed = {put.name: value.numpy() for put, value in zip(session.get_inputs(), inputs, strict=True)}
    outputs = (expected,) if isinstance(expected, Tensor) else expected
    found = session.run(None, feed)
    pairs = zip(found, outputs, strict=True)
    # numpy's, as Python's `max` may pass over NaN
    return float(np.max([_apart(np.asarray(one), other.numpy()) for one, other in pairs]))


def _apart(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))
