"""Quantization: do scales and zero points fit what they convert?"""

from math import prod

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.fits.expect import has_shape, integer, known_shapes, misfit, per_channel


def conversion(call: Call) -> None:
    """DequantizeLinear, QuantizeLinear: one scale, one per place along an axis, or one per block."""
    found = known_shapes(call, 0, 1)
    if found is None:
        return
    x, scale = found
    has_shape(call, 2, "zero point", _same_numbers(scale), "as many as scales")
    if scale in ((), (1,)):
        return
    axis = integer(call, "axis", 1)
    if not -len(x) <= axis < len(x):
        raise call.error(
            f"axis {axis} of x, which has shape {list(x)} and {len(scale)}-D scales {list(scale)}"
        )
    axis %= len(x)
    if len(scale) == 1:
        has_shape(
            call, 1, "scale", [(x[axis],)], f"one number, or one per place along axis {axis} of x {list(x)}"
        )
        return
    block = integer(call, "block_size", 0)
    if block > 0:
        expected = (*x[:axis], -(-x[axis] // block), *x[axis + 1 :])
        meaning = f"one number per block of {block} along axis {axis} of x {list(x)}"
        has_shape(call, 1, "scale", [expected], meaning)


def _same_numbers(scale: tuple[int, ...]) -> list[tuple[int, ...]]:
    return [(), (1,)] if scale in ((), (1,)) else [scale]


def qlinear_matmul(call: Call) -> None:
    """QLinearMatMul: scales of the rows of a and the columns of b."""
    _sides(call, a=(0, (1, 2)), b=(3, (4, 5)))


def matmul_integer(call: Call) -> None:
    """MatMulInteger: zero points of the rows of a and the columns of b."""
    _sides(call, a=(0, (2,)), b=(1, (3,)))


def matmul_integer_to_float(call: Call) -> None:
    """MatMulIntegerToFloat: scales and zero points of both factors."""
    _sides(call, a=(0, (2, 4)), b=(1, (3, 5)))


def _sides(call: Call, a: tuple[int, tuple[int, ...]], b: tuple[int, tuple[int, ...]]) -> None:
    for side, (factor, places) in (("row", a), ("column", b)):
        found = known_shapes(call, factor)
        if not found or not found[0]:
            continue
        shape = found[0]
        extent = shape[-1] if side == "column" else shape[-2] if len(shape) > 1 else 1
        for place in places:
            role = f"the scale or zero point of {'a' if side == 'row' else 'b'}"
            per_channel(call, place, role, extent, f"{side} of {list(shape)}")


def matmul_n_bits(call: Call) -> None:
    """MatMulNBits: packed weights, and a scale per column and block."""
    bits, n, k = integer(call, "bits", 4), integer(call, "N", 0), integer(call, "K", 0)
    block = integer(call, "block_size", 0)
    if min(bits, n, k, block) < 1:
        return
    blocks = -(-k // block)
    found = known_shapes(call, 1)
    packed = n * blocks * (block * bits // 8)
    if found and prod(found[0]) != packed:
        raise misfit(
            call,
            1,
            "weights",
            f"{packed} bytes: N = {n} columns of {blocks} blocks of {block} numbers of {bits} bits",
        )
    scales = known_shapes(call, 2)
    if scales and prod(scales[0]) != n * blocks:
        raise misfit(call, 2, "scales", f"{n * blocks} numbers: one per column and block, {n} x {blocks}")
