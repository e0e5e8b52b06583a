"""Errors that onnx's compiled code raises on malformed input: they have no base class of their own."""

from onnx.checker import ValidationError
from onnx.defs import SchemaError
from onnx.shape_inference import InferenceError
from onnx.version_converter import ConvertError

FOREIGN_ERRORS = (
    ConvertError,
    InferenceError,
    SchemaError,
    ValidationError,
    LookupError,
    MemoryError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)
