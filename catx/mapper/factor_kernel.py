"""Compiled bookkeeping of spatial factors, for every record that has `factor` and `shared`."""

from typing import Any

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import N_ROLES, Bench


@kernel
def ceil_div(a: int, b: int) -> int:
    """Quotient, rounded up."""
    return (a + b - 1) // b


@kernel
def clear_factors(w: Bench, s: Any) -> None:
    """No dim is spread over any fanout."""
    for f in range(w.n_links):
        for d in range(w.n_dims):
            s.factor[f, d] = 1.0
            for role in range(N_ROLES):
                s.shared[f, role, d] = 1.0


@kernel
def spread_dim(w: Bench, s: Any, axis: int, d: int, factor: int) -> None:
    """Spread a dim along an axis: instances, and those that one access of a tensor serves."""
    link = w.axis_link[axis]
    s.factor[link, d] *= factor
    for role in range(N_ROLES):
        if w.axis_of[role, d] < 0 and (w.axis_shares[axis] >> role) & 1:
            s.shared[link, role, d] *= factor
