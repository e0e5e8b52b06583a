"""The limits that docs/cost-model.md lists are those of the code."""

from pathlib import Path

import pytest

from catx.arguments import MAX_SIZE
from catx.costmodel import tiles_kernel
from catx.frontend.onnx.proto_types import MAX_ELEMENTS, MAX_RANK

PAGE = (Path(__file__).parents[2] / "docs" / "cost-model.md").read_text(encoding="utf-8")
LIMITS = {
    "dims of an einsum": tiles_kernel.MAX_DIMS,
    "memories of a machine": tiles_kernel.MAX_MEMORIES,
    "fanouts of a machine": tiles_kernel.MAX_LINKS,
    "axes of all fanouts": tiles_kernel.MAX_AXES,
    "nodes of a mapping": tiles_kernel.MAX_ROWS,
    "loops over one dim": tiles_kernel.MAX_LOOPS,
    "axes of a tensor": MAX_RANK,
}


@pytest.mark.parametrize("what", LIMITS)
def test_a_limit_is_documented(what: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {what}")]
    assert row.endswith(f"| {LIMITS[what]} |")


def test_sizes_are_documented() -> None:
    assert "| elements of a tensor, and the size of a dim | 2^48 |" in PAGE
    assert MAX_ELEMENTS == MAX_SIZE == 2**48
