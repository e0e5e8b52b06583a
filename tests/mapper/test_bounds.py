"""Bounds hold for every legal mapping, and what fits is found."""

from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings

from catx.costmodel.evaluate import evaluate
from catx.errors import MappingError
from catx.ir.accelerator import Accelerator
from catx.ir.counts import Counts
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.operand import Operand, plain_axes
from catx.mapper.bounds import compulsory_bytes, energy_bound_j, roofline_cycles
from catx.mapper.tree_search import search_front
from tests.einsums import matmul
from tests.mapper.random_nests import random_mapping
from tests.mapper.test_map_einsum import CASES, machine
from tests.strategies import Case, cases


def _with_energy(accelerator: Accelerator) -> Accelerator:
    """The accelerator with an energy at every place, cheaper further in."""
    levels = tuple(
        replace(level, read_j_per_byte=1.0 / (depth + 1), write_j_per_byte=1.5 / (depth + 1))
        if level in accelerator.memories
        else level
        for depth, level in enumerate(accelerator.levels)
    )
    return replace(accelerator, levels=levels)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_no_mapping_beats_the_bounds(case: Case) -> None:
    accelerator = _with_energy(case.accelerator)
    with suppress(MappingError):  # memories of random cases are sometimes too small
        _check_bounds(case.einsum, accelerator, evaluate(case.einsum, case.mapping, accelerator))


def _check_bounds(einsum: Einsum, accelerator: Accelerator, counts: Counts) -> None:
    slack = 1 + 1e-12
    assert roofline_cycles(einsum, accelerator) <= counts.cycles.latency_cycles * slack
    assert energy_bound_j(einsum, accelerator) <= counts.dynamic_energy_j * slack


def test_holes_are_not_compulsory() -> None:
    axis = (("x", 4), ("s", 1))
    einsum = Einsum(
        name="holes",
        op="Conv",
        dims=(("x", 4), ("s", 1)),
        inputs=(Operand("i", (axis,), DType.INT8), Operand("w", plain_axes("s"), DType.INT8)),
        output=Operand("o", plain_axes("x"), DType.INT8),
    )
    assert compulsory_bytes(einsum) == (4 + 1, 4)


@pytest.mark.parametrize("capacity", range(8, 40, 4))
def test_what_fits_is_found(capacity: int) -> None:
    accelerator = machine(glb=capacity)
    random = Random(capacity)
    fits = False
    for _ in range(300):
        with suppress(MappingError):
            evaluate(CASES["conv"], random_mapping(random, CASES["conv"], accelerator), accelerator)
            fits = True
    if fits or capacity >= 12:
        search_front(CASES["conv"], accelerator, 1_000)
    else:
        with pytest.raises(MappingError, match="glb overflows by"):
            search_front(CASES["conv"], accelerator, 1_000)


def test_counts_that_64_bits_cannot_hold_are_refused() -> None:
    with pytest.raises(MappingError, match="more than 64-bit counts can hold"):
        search_front(matmul(2**21, 2**21, 2**21), machine(), 0)
