"""Element types and their real bit widths."""

from enum import StrEnum


class DType(StrEnum):
    """An element type. Its value is its name in reports and files; `bits` is its width in memory."""

    BOOL = "bool"
    INT1 = "int1"
    INT2 = "int2"
    INT4 = "int4"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT2 = "uint2"
    UINT4 = "uint4"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    FP4 = "fp4"
    FP8 = "fp8"
    FP16 = "fp16"
    BF16 = "bf16"
    FP32 = "fp32"
    FP64 = "fp64"

    @property
    def bits(self) -> int:
        """Width of one element in memory [bit]; a bool takes a byte, as in ONNX."""
        return _BITS[self]

    @property
    def is_float(self) -> bool:
        """Whether the type is a floating-point type."""
        return self.value.startswith(("fp", "bf"))


_BITS = {
    dtype: 8 if dtype is DType.BOOL else int("".join(c for c in dtype if c.isdigit())) for dtype in DType
}
