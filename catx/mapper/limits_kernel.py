"""Compiled checks of a user's constraints: on tiles, on factors of spatial loops, and on orders of loops."""

from typing import Any

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import (
    MAX_AXES,
    MAX_DIMS,
    MAX_MEMORIES,
    N_ROLES,
    SPATIAL,
    STORE,
    TEMPORAL,
    Bench,
)
from catx.mapper.factor_kernel import ceil_div

LIMIT_FIELDS: list[Any] = [
    ("limited", "i8"),  # whether there are limits at all
    ("tile_least", "i8", (MAX_MEMORIES, N_ROLES, MAX_DIMS)),
    ("tile_most", "i8", (MAX_MEMORIES, N_ROLES, MAX_DIMS)),
    ("factor_least", "i8", (MAX_AXES, MAX_DIMS)),
    ("factor_most", "i8", (MAX_AXES, MAX_DIMS)),
    ("ordered", "i8"),  # whether orders of loops are given
    ("order", "i8", (MAX_MEMORIES, N_ROLES, MAX_DIMS)),  # place in the order inside a tile, -1: anywhere
    ("used_factor", "i8", (MAX_AXES, MAX_DIMS)),
    ("above", "i8", N_ROLES),  # memory of the tile of each role around a row
]
"""Fields of a search record."""

State = Any
"""A record with `LIMIT_FIELDS`, `kept`, `parent`, `inner` and `rows` of a tree."""


@kernel
def tile_fits(w: Bench, s: State, fr: Any, m: int, role: int) -> bool:
    """Whether some of a frame's extents are those of a tile that a memory may hold."""
    for d in range(w.n_dims):
        outside = fr.up[d] < s.tile_least[m, role, d] or fr.x[d] > s.tile_most[m, role, d]
        if outside and w.axis_of[role, d] >= 0:
            return False
    return True


@kernel
def in_order(w: Bench, s: State, n_rows: int, d: int) -> bool:
    """Whether a temporal loop over a dim may stand above the rows so far, which go from the inside out."""
    for role in range(N_ROLES):
        last, stored = n_rows - 1, False
        while last >= 0 and not stored:
            stored = s.rows[last, 0] == STORE and s.rows[last, 2] == role
            if not stored:
                last -= 1
        m = s.parent[s.rows[last, 1], role] if stored else s.inner[role]
        place = s.order[m, role, d]
        if place < 0:
            continue
        for i in range(last + 1, n_rows):
            if s.rows[i, 0] == TEMPORAL and 0 <= s.order[m, role, s.rows[i, 1]] < place:
                return False
    return True


@kernel
def clip_leaf(w: Bench, s: State, n_rows: int) -> bool:
    """Narrow the extents of a leaf's rows to those of tiles that memories may hold; False: none is left.

    They are in `s.box[0]`; a store's tile has the extents of the loops below it.
    """
    for i in range(n_rows):
        if s.rows[i, 0] != STORE:
            continue
        m, role = s.rows[i, 1], s.rows[i, 2]
        for d in range(w.n_dims):
            if w.axis_of[role, d] < 0:
                continue
            below = i - 1
            while below >= 0 and (s.rows[below, 0] == STORE or s.rows[below, 1] != d):
                below -= 1
            if below < 0:
                if s.tile_least[m, role, d] > 1:
                    return False
                continue
            s.box[0, below, 0] = max(s.box[0, below, 0], s.tile_least[m, role, d])
            s.box[0, below, 1] = min(s.box[0, below, 1], s.tile_most[m, role, d])
            if s.box[0, below, 0] > s.box[0, below, 1]:
                return False
    return True


@kernel
def sort_nest(w: Bench, s: State) -> None:
    """Bring temporal loops of the bench's nest that follow each other into the orders that are given."""
    for i in range(w.n_rows):
        if w.nest[i, 0] == STORE:
            s.above[w.nest[i, 3]] = w.nest[i, 1]
        at = i
        while at > 0 and w.nest[at, 0] == TEMPORAL and w.nest[at - 1, 0] == TEMPORAL:
            inside = False  # whether the loop around this one must stand inside it
            for role in range(N_ROLES):
                order = s.order[s.above[role], role]
                inside = inside or 0 <= order[w.nest[at, 1]] < order[w.nest[at - 1, 1]]
            if not inside:
                break
            for column in range(4):
                w.nest[at, column], w.nest[at - 1, column] = w.nest[at - 1, column], w.nest[at, column]
            at -= 1


@kernel
def _tile_obeys(w: Bench, s: State, m: int, role: int) -> bool:
    """Whether the extents `s.reach` are those of a tile that a memory may hold."""
    for d in range(w.n_dims):
        inside = s.tile_least[m, role, d] <= s.reach[d] <= s.tile_most[m, role, d]
        if not inside and w.axis_of[role, d] >= 0 and m > 0:
            return False
    return True


@kernel
def _loop_obeys(w: Bench, s: State, row: int) -> bool:
    """Whether no loop around a temporal one, inside the same tile of some tensor, should stand inside it."""
    d = w.nest[row, 1]
    for role in range(N_ROLES):
        place = s.order[s.above[role], role, d]
        i = row - 1
        while place >= 0 and i >= 0 and not (w.nest[i, 0] == STORE and w.nest[i, 3] == role):
            if w.nest[i, 0] == TEMPORAL and s.order[s.above[role], role, w.nest[i, 1]] > place:
                return False
            i -= 1
    return True


@kernel
def obeys(w: Bench, s: State) -> bool:
    """Whether the bench's nest, outermost row first, is within all limits."""
    for axis in range(w.n_axes):
        for d in range(w.n_dims):
            s.used_factor[axis, d] = 1
    for d in range(w.n_dims):
        s.reach[d] = w.extents[d]
    for i in range(w.n_rows):
        kind, d, tile, extra = w.nest[i, 0], w.nest[i, 1], w.nest[i, 2], w.nest[i, 3]
        if kind == STORE:
            s.above[extra] = d
            if not _tile_obeys(w, s, d, extra):
                return False
            continue
        if kind == SPATIAL:
            s.used_factor[extra, d] *= ceil_div(s.reach[d], tile)
        elif not _loop_obeys(w, s, i):
            return False
        s.reach[d] = tile
    for axis in range(w.n_axes):
        for d in range(w.n_dims):
            if not s.factor_least[axis, d] <= s.used_factor[axis, d] <= s.factor_most[axis, d]:
                return False
    return True
