from dataclasses import replace

import pytest

from catx.costmodel.rates import rate_for
from catx.errors import MappingError
from catx.ir.accelerator import Accelerator, MacRate, MatrixUnit, Memory, Technology
from catx.ir.dtype import DType
from catx.ir.einsum import INPUT, OUTPUT, WEIGHT, Einsum
from catx.ir.operand import Operand


def matmul(left: DType, right: DType) -> Einsum:
    return Einsum(
        name="product",
        op="MatMul",
        dims=(("m", 2), ("k", 3), ("n", 4)),
        inputs=(
            Operand(INPUT, ((("m", 1),), (("k", 1),)), left),
            Operand(WEIGHT, ((("k", 1),), (("n", 1),)), right),
        ),
        output=Operand(OUTPUT, ((("m", 1),), (("n", 1),)), DType.FP32),
    )


def machine(*dtypes: DType) -> Accelerator:
    rates = tuple(
        MacRate(dtype=dtype, macs_per_cycle=1, j_per_mac=1e-12, accumulator=DType.FP32) for dtype in dtypes
    )
    return Accelerator(
        name="chip",
        levels=(Memory(name="DRAM"),),
        matrix=MatrixUnit(name="MAC", rates=rates),
        vector=None,
        clock_hz=1e9,
        technology=Technology(node_nm=22),
    )


def test_the_wider_factor_or_the_next_wider_type_decides() -> None:
    chip = machine(DType.INT8, DType.INT16, DType.FP16, DType.FP32)
    assert rate_for(matmul(DType.INT8, DType.INT8), chip).dtype is DType.INT8
    assert rate_for(matmul(DType.INT4, DType.INT4), chip).dtype is DType.INT8
    assert rate_for(matmul(DType.INT8, DType.INT16), chip).dtype is DType.INT16
    assert rate_for(matmul(DType.FP16, DType.INT8), chip).dtype is DType.FP16


def test_float_factors_are_told_to_set_the_precision() -> None:
    with pytest.raises(MappingError, match="multiplies fp32, but MAC of chip computes int8, fp16") as caught:
        rate_for(matmul(DType.FP32, DType.FP16), machine(DType.INT8, DType.FP16))
    assert caught.value.hint.startswith(
        "set `precision:` of the accelerator to one of int8, fp16, or add a rate"
    )


def test_integer_factors_are_not_told_to_set_the_precision() -> None:
    with pytest.raises(MappingError, match="multiplies int16, but MAC of chip computes int8, fp16") as caught:
        rate_for(matmul(DType.INT16, DType.INT8), machine(DType.INT8, DType.FP16))
    assert caught.value.hint.startswith("add a rate for int16 to `rates:`")
    assert "set `precision:`" not in caught.value.hint
    assert "`precision:` changes floats only" in caught.value.hint


def test_no_name_at_all_is_no_obstacle() -> None:
    with pytest.raises(MappingError, match="an einsum multiplies"):
        rate_for(replace(matmul(DType.FP32, DType.FP32), name=""), machine(DType.INT8))
