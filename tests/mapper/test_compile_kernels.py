"""What is compiled before the first search is what searches call."""

import subprocess
import sys

import numba

from catx.frontend.hardware import load_accelerator
from catx.mapper.compile_kernels import dive_calls, proof_calls
from catx.mapper.forest import Forest
from catx.mapper.limits import limits_of
from tests.einsums import matmul


def test_a_search_needs_no_other_types() -> None:
    einsum, accelerator = matmul(12, 10, 8), load_accelerator("edge")
    forest = Forest(einsum, accelerator, limits_of(einsum, accelerator, ()))
    forest.dive()
    forest.prove(10_000)
    for kernel, arguments in [*proof_calls(), *dive_calls()]:
        types = tuple(numba.typeof(argument) for argument in arguments)
        assert [tuple(found) for found in kernel.signatures] == [types], kernel  # type: ignore[attr-defined]


def test_the_second_process_ends_well() -> None:
    done = subprocess.run([sys.executable, "-m", "catx.mapper.compile_kernels"], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
