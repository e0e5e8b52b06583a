"""Values that need no inference: Constant nodes, and the shapes of tensors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, TypeProto

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.proto_types import tensor_type


def literal(call: Call) -> tuple[TypeProto, NDArray[Any] | None] | None:
    """Type and value of a Constant node."""
    for attribute in call.node.attribute:
        value = call.attributes[attribute.name]
        if attribute.name == "value":
            return tensor_type(attribute.t.data_type, attribute.t.dims), value
        if attribute.name == "sparse_value":
            return tensor_type(value.values.data_type, value.dims), None
        if attribute.name in ("value_int", "value_ints"):
            array = np.asarray(value, np.int64)
            return tensor_type(TensorProto.INT64, array.shape), array
        if attribute.name in ("value_float", "value_floats"):
            array = np.asarray(value, np.float32)
            return tensor_type(TensorProto.FLOAT, array.shape), array
        if attribute.name in ("value_string", "value_strings"):
            return tensor_type(TensorProto.STRING, np.shape(value)), None
    return None


def measured(call: Call) -> tuple[TypeProto, NDArray[Any]] | None:
    """Type and value of a Shape or Size node; the input's shape is known, whatever its data is."""
    shape = call.shapes[0]
    if shape is None:
        return None
    if call.op == "Shape":
        data = np.asarray(shape[call.attributes.get("start", 0) : call.attributes.get("end")], np.int64)
    else:
        data = np.asarray(np.prod(shape, dtype=np.int64))
    return tensor_type(TensorProto.INT64, data.shape), data
