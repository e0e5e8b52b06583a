"""Values that need no inference: Constant nodes, and the shapes of tensors."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, TensorProto, TypeProto

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.proto_types import tensor_type


def literal(call: Call) -> tuple[TypeProto, NDArray[Any] | None] | None:
    """Type and value of a Constant node; None where it has no attribute that gives one."""
    for attribute in call.node.attribute:
        value = call.attributes[attribute.name]
        match attribute.name, attribute.type:
            case "value", AttributeProto.TENSOR:
                return tensor_type(attribute.t.data_type, attribute.t.dims), value
            case "sparse_value", AttributeProto.SPARSE_TENSOR:
                return tensor_type(value.values.data_type, value.dims), None
            case ("value_int", AttributeProto.INT) | ("value_ints", AttributeProto.INTS):
                return tensor_type(TensorProto.INT64, np.shape(value)), np.asarray(value, np.int64)
            case ("value_float", AttributeProto.FLOAT) | ("value_floats", AttributeProto.FLOATS):
                return tensor_type(TensorProto.FLOAT, np.shape(value)), np.asarray(value, np.float32)
            case ("value_string", AttributeProto.STRING) | ("value_strings", AttributeProto.STRINGS):
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
