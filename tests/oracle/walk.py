"""Slow oracle of the cost model: an independent twin of the kernel, from docs/cost-model.md alone."""

from catx.ir.accelerator import Accelerator
from catx.ir.counts import Counts
from catx.ir.einsum import Einsum
from catx.ir.mapping import Mapping
from tests.oracle.legality import illegal
from tests.oracle.nest import walk_nest
from tests.oracle.tally import tally

__all__ = ["illegal", "walk"]


def walk(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> Counts:
    """Cost a legal mapping by walking it; the result is what `catx.costmodel.evaluate` must answer."""
    return tally(walk_nest(einsum, mapping, accelerator))
