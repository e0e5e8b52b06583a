"""Pass drop-unit-dims: remove dims with one iteration, and axes that no dim indexes.

They change neither what is computed nor what is touched. Invariant: elements, multiply-accumulates,
footprints.
"""

from functools import lru_cache

from catx.ir.graph import Graph
from catx.ir.passes.registry import register
from catx.ir.passes.structure import Structure, restructure


@register("drop-unit-dims")
def drop_unit_dims(graph: Graph) -> Graph:
    """Remove dims of extent 1 from every op."""
    return restructure(graph, _without_units)


@lru_cache(maxsize=4096)
def _without_units(old: Structure) -> Structure:
    kept = {dim for dim, extent in old.dims if extent > 1}
    operands = tuple(
        tuple(axis for axis in (tuple(term for term in axis if term[0] in kept) for axis in operand) if axis)
        for operand in old.operands
    )
    dims = tuple(dim for dim in old.dims if dim[0] in kept)
    return Structure(dims, operands, tuple(dim for dim in old.reduced if dim in kept), old.einsum)
