"""Types of ONNX values: element types, shapes, and the limits that a sane model keeps."""

from collections.abc import Iterable
from math import prod

from onnx import TensorProto, TypeProto

from catx.arguments import MAX_SIZE
from catx.errors import Loc, ModelError
from catx.frontend.onnx.names import shown
from catx.ir.dtype import DType

MAX_ELEMENTS = MAX_SIZE
"""Elements of the largest tensor that is believed: 256 TiB of bytes is a damaged or hostile file."""
MAX_RANK = 64
SMALL = 65_536
"""Elements up to which a constant's values are kept and computed with."""

DTYPES = {
    TensorProto.FLOAT: DType.FP32,
    TensorProto.UINT8: DType.UINT8,
    TensorProto.INT8: DType.INT8,
    TensorProto.UINT16: DType.UINT16,
    TensorProto.INT16: DType.INT16,
    TensorProto.INT32: DType.INT32,
    TensorProto.INT64: DType.INT64,
    TensorProto.BOOL: DType.BOOL,
    TensorProto.FLOAT16: DType.FP16,
    TensorProto.DOUBLE: DType.FP64,
    TensorProto.UINT32: DType.UINT32,
    TensorProto.UINT64: DType.UINT64,
    TensorProto.BFLOAT16: DType.BF16,
    TensorProto.FLOAT8E4M3FN: DType.FP8,
    TensorProto.FLOAT8E4M3FNUZ: DType.FP8,
    TensorProto.FLOAT8E5M2: DType.FP8,
    TensorProto.FLOAT8E5M2FNUZ: DType.FP8,
    TensorProto.UINT4: DType.UINT4,
    TensorProto.INT4: DType.INT4,
    23: DType.FP4,  # FLOAT4E2M1, younger than the oldest onnx package that catx runs with
    24: DType.FP8,  # FLOAT8E8M0
    25: DType.UINT2,
    26: DType.INT2,
}
"""What catx has a width for; strings and complex numbers are missing on purpose."""

FLOATS = frozenset(elem for elem, dtype in DTYPES.items() if dtype.is_float)


def tensor_type(elem_type: int, shape: Iterable[int]) -> TypeProto:
    """The type of a tensor with a known shape."""
    made = TypeProto()
    made.tensor_type.elem_type = elem_type
    dims = made.tensor_type.shape.dim
    made.tensor_type.shape.SetInParent()
    for extent in shape:
        dims.add().dim_value = extent
    return made


def shape_of(value: TypeProto) -> tuple[int, ...] | None:
    """The shape of a tensor type, or None where any part of it is unknown."""
    tensor = value.tensor_type
    if not tensor.HasField("shape"):
        return None
    dims = tensor.shape.dim
    shape = tuple(dim.dim_value for dim in dims)
    if 0 in shape and not all(dim.HasField("dim_value") for dim in dims):
        return None
    return shape


def checked_shape(name: str, shape: Iterable[int], loc: Loc) -> tuple[int, ...]:
    """The shape, if a tensor can have it.

    Raises:
        ModelError: negative extents, too many axes, or more than `MAX_ELEMENTS` elements (zeros aside).
    """
    shape = tuple(shape)
    if len(shape) > MAX_RANK:
        raise ModelError(f"tensor {shown(name)} has {len(shape)} axes; the limit is {MAX_RANK}", loc=loc)
    if min(shape, default=0) < 0:
        raise ModelError(f"tensor {shown(name)} has a negative extent: {list(shape)}", loc=loc)
    if prod(extent or 1 for extent in shape) > MAX_ELEMENTS:
        raise ModelError(
            f"tensor {shown(name)} of shape {list(shape)} has more than 2^48 elements",
            loc=loc,
            hint="the file is damaged, or a dimension was given a wrong value",
        )
    return shape
