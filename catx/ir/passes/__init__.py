"""Passes: pure functions from graph to graph; importing this package registers them all."""

from catx.ir.passes.absorb_transposes import absorb_transposes
from catx.ir.passes.canonicalize import canonicalize
from catx.ir.passes.drop_unit_dims import drop_unit_dims
from catx.ir.passes.fold_constants import fold_constants
from catx.ir.passes.fuse_elementwise import fuse_elementwise
from catx.ir.passes.merge_dims import merge_dims
from catx.ir.passes.registry import PASSES
from catx.ir.passes.remove_dead import remove_dead
from catx.ir.passes.set_precision import set_precision
from catx.ir.passes.simplify_axes import simplify_axes

__all__ = [
    "PASSES",
    "absorb_transposes",
    "canonicalize",
    "drop_unit_dims",
    "fold_constants",
    "fuse_elementwise",
    "merge_dims",
    "remove_dead",
    "set_precision",
    "simplify_axes",
]
