"""Builders of small ONNX models for tests: a node list and typed inputs in, a file out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

FLOAT, INT64, BOOL, INT8, UINT8, FLOAT16 = (
    TensorProto.FLOAT,
    TensorProto.INT64,
    TensorProto.BOOL,
    TensorProto.INT8,
    TensorProto.UINT8,
    TensorProto.FLOAT16,
)
Shape = Sequence[int | str | None] | None


class Of(NamedTuple):
    """A declared type other than float32: `Of(INT64, (2,))`."""

    elem_type: int
    shape: Shape = None


Typed = Mapping[str, Shape | Of]
"""Name -> shape (of float32) or Of(type, shape). An extent that is a str is a named dynamic dim."""


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any) -> NodeProto:
    """A node named after its first output. `domain="com.microsoft"` and `name=...` work too."""
    attributes.setdefault("name", f"{op}_{outputs[0]}" if outputs else op)
    return helper.make_node(op, list(inputs), list(outputs), **attributes)


def weight(name: str, *shape: int, elem_type: int = FLOAT) -> TensorProto:
    """A weight without its data: external, in a file that nobody ships."""
    tensor = TensorProto(name=name, dims=shape, data_type=elem_type, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="weights-not-shipped.bin")
    return tensor


def const(name: str, values: Any, dtype: Any = np.int64) -> TensorProto:
    """A small initializer with its data inside."""
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def typed(values: Typed) -> list[ValueInfoProto]:
    """Value infos: `{"x": (1, "n"), "i": Of(INT64, (2,))}`."""
    specs = {name: spec if isinstance(spec, Of) else Of(FLOAT, spec) for name, spec in values.items()}
    return [helper.make_tensor_value_info(name, spec.elem_type, spec.shape) for name, spec in specs.items()]


def graph(
    nodes: Sequence[NodeProto],
    inputs: Typed,
    outputs: Typed,
    initializers: Sequence[TensorProto] = (),
    value_info: Typed | None = None,
) -> GraphProto:
    """A graph, also for subgraphs of If and Loop."""
    return helper.make_graph(
        list(nodes),
        "g",
        typed(inputs),
        typed(outputs),
        list(initializers),
        value_info=typed(value_info or {}),
    )


def model(
    nodes: Sequence[NodeProto],
    inputs: Typed,
    outputs: Sequence[str] | Typed,
    initializers: Sequence[TensorProto] = (),
    *,
    value_info: Typed | None = None,
    opset: int = 20,
    opsets: Mapping[str, int] | None = None,
    ir_version: int = 10,
    functions: Sequence[onnx.FunctionProto] = (),
) -> ModelProto:
    """A model; outputs given by name alone have no declared shape."""
    declared = outputs if isinstance(outputs, Mapping) else dict.fromkeys(outputs)
    body = graph(nodes, inputs, declared, initializers, value_info)
    imports = {"": opset} | dict(opsets or {})
    return helper.make_model(
        body,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in imports.items()],
        ir_version=ir_version,
        functions=list(functions),
    )


def save(proto: ModelProto | bytes, folder: Path, name: str = "model.onnx") -> Path:
    """Write a model (or any bytes) below a folder and return its path."""
    path = folder / name
    path.write_bytes(proto if isinstance(proto, bytes) else proto.SerializeToString())
    return path
