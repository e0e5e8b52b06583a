"""Einsums that several tests map."""

from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.operand import Operand, plain_axes


def matmul(m: int, k: int, n: int, batch: int = 1, dtype: DType = DType.INT8) -> Einsum:
    """A matrix product, (m, k) by (k, n), in each of a batch."""
    b = ("b",) if batch > 1 else ()
    return Einsum(
        name="matmul",
        op="MatMul",
        dims=((("b", batch),) if b else ()) + (("m", m), ("k", k), ("n", n)),
        inputs=(Operand("a", plain_axes(*b, "m", "k"), dtype), Operand("b", plain_axes(*b, "k", "n"), dtype)),
        output=Operand("c", plain_axes(*b, "m", "n"), dtype),
    )
