"""Records of the branch and bound: what is fixed, and loop nests that are complete up to some place.

A nest is built from the inside: in a zone (between two fanouts) dims grow by temporal loops, then a store is
placed. A store that is placed when its zone is left stays open until a dim that it indexes grows: what stands
above it till then keeps its tile in place (docs/mapper.md).
"""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import (
    MAX_AXES,
    MAX_DIMS,
    MAX_LINKS,
    MAX_LOOPS,
    MAX_MEMORIES,
    MAX_ROWS,
    N_ROLES,
    NONE,
    constant,
)
from catx.mapper.front_kernel import FRONT_FIELDS
from catx.mapper.limits_kernel import LIMIT_FIELDS
from catx.mapper.low_kernel import low_fields

MAX_DEPTH = MAX_ROWS + 2
"""Frames of a search; what would need more becomes a bound."""

MISSING, OPEN, CLOSED = constant(0), constant(1), constant(2)
"""A store that is not placed yet; placed, with more to come above it that it need not visit; done."""

AIMED, TEST = constant(MAX_DEPTH), constant(MAX_DEPTH + 1)
"""Frames beyond those of a search: with the target closed, and with stores that a next loop closes."""

N_FRAMES = MAX_DEPTH + 2
"""Frames that a search needs."""

CHOOSE, LEAVE = constant(-2), constant(-1)
"""What a gap of loops leads to, but for stores (memory * N_ROLES + role): not chosen yet; the zone's end."""

START, ACT = constant(-2), constant(-1)
"""What is tried next of a target, but for growing a dim: whether it may be aimed at; reaching it."""

REACH, GROW, SPREAD = constant(0), constant(1), constant(2)
"""Steps: the target is reached; a temporal loop; a spatial loop."""

FRAME = np.dtype(
    [
        # the nest so far
        ("x", "i8", MAX_DIMS),  # extents that one instance of the zone sees, at least
        ("up", "i8", MAX_DIMS),  # and at most
        ("zone", "i8"),  # fanouts further out
        ("spatial", "i8"),  # row of the unrolling that comes next, -1: none
        ("placed", "i8", (MAX_MEMORIES, N_ROLES)),
        ("used", "f8", MAX_MEMORIES),  # [byte], both buffers
        ("energy", "f8"),  # [J] of what is closed, and at least of the rest
        ("read", "f8", MAX_MEMORIES),  # [byte] in the busiest instance, likewise
        ("written", "f8", MAX_MEMORIES),
        ("crossed", "f8", MAX_LINKS),
        ("edges", "f8"),  # [cycle] that cannot overlap
        ("steps", "f8"),  # of the busiest matrix unit, at least
        ("changes", "f8"),  # least visits of a closed store of the memory `stopping`
        ("final", "i8", MAX_MEMORIES),  # whether all results that reach a memory are final, as far as known
        ("n_rows", "i8"),
        # the gap of loops above the last stores, or above the zone's inner end; sets are bits
        ("target", "i8"),
        ("gap", "i8"),  # dims of its loops
        ("loose", "i8"),  # those that may as well be its outermost: they commute with what comes next
        ("only", "i8"),  # loose ones with no other loop over their dim further in
        ("shut", "i8"),  # roles that such loops took the last tiles from that were kept
        ("last", "i8"),  # dim of its outermost loop
        ("low", "i8"),  # roles of the stores directly below, 0 at the zone's inner end
        ("group", "i8"),  # the last of these stores, -1: none
        ("below", "i8"),  # dims that could be the loop directly below these stores
        ("stopped", "i8"),  # roles that the memory `stopping` stores there
        ("needs", "i8"),  # roles whose tiles the next loop must keep in place
        ("slides", "i8"),  # roles whose tiles it must keep in place, or let slide
        # what is tried next
        ("aim", "i8"),
        ("stage", "i8"),
        ("next_up", "i8"),  # largest extent that is still to be tried, -1: none was yet
        ("step", "i8"),
        ("dim", "i8"),
        ("to", "i8"),
        ("to_up", "i8"),
        # what a dive tries next
        ("grows", "i8"),  # dims that grow, as bits
        ("fills", "i8"),  # dims that grow to all of their extent, or not at all
        ("extents", "i8", MAX_DIMS),  # that the next store is placed at
        ("vain", "i8", MAX_DIMS),  # dims whose smaller growth is known to be hopeless, but for none at all
        # what no completion beats
        ("least_j", "f8"),
        ("least_s", "f8"),
    ]
)
"""A nest that is complete up to some place."""

MAX_SPATIAL = 2 * MAX_AXES
"""Factors of an unrolling."""

MAX_TREE_LOWS = 8
"""Bounds of what a search of one tree leaves that there is room for."""

MAX_SPLITS = constant(256)
"""Boxes of a leaf that there is room for at once."""

MAX_WIDTH = 16
"""Continuations of a frame that there is room for."""

KIDS = np.dtype(
    [
        ("n", "i8"),
        ("cost", "f8", MAX_WIDTH),  # ascending
        ("memory", "i8", MAX_WIDTH),  # of the store that is placed, -1: the zone is left
        ("role", "i8", MAX_WIDTH),
        ("extents", "i8", (MAX_WIDTH, MAX_DIMS)),  # that it is placed at
    ]
)
"""The most promising continuations of a frame of a dive."""

WHOLE, SHARE = constant(0), constant(1)
"""How extents outside of fanouts are known: as they are, or from what one of their instances has."""

OUTSIDE, INSIDE, TOGETHER, N_LAYERINGS = constant(0), constant(1), constant(2), 3
"""How stores make layers: the n-th ones of each tensor from the outside, or inside; those of one memory."""

KEPT_FIELDS: list[Any] = [
    ("kept", "i8", (MAX_MEMORIES, N_ROLES)),
    ("parent", "i8", (MAX_MEMORIES, N_ROLES)),  # next memory outwards that keeps the role
    ("inner", "i8", N_ROLES),  # innermost memory that keeps the role
    ("layer", "i8", (N_LAYERINGS, MAX_MEMORIES, N_ROLES)),  # memory of a role's store in a layer, -1: none
    ("n_layers", "i8"),
    ("one_layering", "i8"),  # whether all three ways to make layers are the same
]
"""A choice of what memories keep, and what follows from it."""

KEPT = np.dtype(KEPT_FIELDS)

ROOT = np.dtype(
    [
        ("kept", "i8"),  # what memories keep: index of one of the search's choices
        ("n_spatial", "i8"),
        ("spatial", "i8", (MAX_SPATIAL, 3)),
        ("energy", "f8"),  # [J] that no nest beats
        ("time", "f8"),  # [s]
        # what was not searched, once a search ran out of steps
        ("done", "i8"),  # whether more steps would not help
        ("steps", "i8"),  # that the last search took
        *low_fields(MAX_TREE_LOWS),
    ]
)
"""What a tree starts from."""

TREE = np.dtype(
    [
        # what is fixed
        *KEPT_FIELDS,
        ("fanouts", "i8", MAX_MEMORIES),  # above a memory
        ("outer", "i8", MAX_LINKS + 1),  # the outermost zone with no used fanout between it and a zone
        ("zone_of", "i8", MAX_MEMORIES),
        ("stopping", "i8"),  # memory whose changes of a tile empty the unit's pipeline, -1: none
        ("spatial", "i8", (MAX_SPATIAL, 3)),  # axis, dim, factor
        ("n_spatial", "i8"),
        ("factor", "f8", (MAX_LINKS, MAX_DIMS)),  # instances of each dim along a fanout
        ("spread", "f8", (MAX_LINKS + 1, MAX_DIMS)),  # instances of each dim outside of a zone
        ("sure", "f8", (MAX_LINKS + 1, MAX_DIMS)),  # those with whole tiles: the last one may have less
        ("spread_most", "f8", (MAX_LINKS + 1, MAX_DIMS)),  # with axes that are still free
        ("shared", "f8", (MAX_LINKS, N_ROLES, MAX_DIMS)),  # those that one access of a tensor serves
        # of axes that an unrolling may still use, at most: instances of each dim, those served by one access
        ("free", "f8", (MAX_LINKS, MAX_DIMS)),
        ("free_shared", "f8", (MAX_LINKS, N_ROLES, MAX_DIMS)),
        ("free_units", "f8"),
        # of n things in one instance, n * mul + add at least are in all that a fanout feeds (EVERY), or in
        # those of them that do not share accesses of a tensor: the last one in line may have a single thing
        ("mul", "f8", (MAX_LINKS, N_ROLES + 1, MAX_DIMS)),
        ("add", "f8", (MAX_LINKS, N_ROLES + 1, MAX_DIMS)),
        ("full", "i8", (MAX_LINKS + 1, MAX_DIMS)),  # what the busiest instance of a zone works on at least
        ("cap", "i8", (MAX_LINKS + 1, MAX_DIMS)),  # extents that an instance of a zone can have
        ("inside", "i8", (MAX_LINKS + 1, MAX_DIMS)),  # the same below tiles that a user bounds
        ("row_cap", "i8", MAX_SPATIAL),  # the same outside of a spatial loop
        ("entered", "i8", (MAX_LINKS + 1, MAX_DIMS)),  # extents at most where a zone is entered
        ("left", "i8", (MAX_LINKS + 1, MAX_DIMS)),  # extents at most where a zone was left
        ("size", "f8", (N_ROLES, MAX_LINKS + 1, 2)),  # elements touched: by all, by an instance of a zone
        (
            "along",
            "f8",
            (N_ROLES, MAX_DIMS, MAX_LINKS + 1),
        ),  # the same along an axis, by an instance of a zone
        (
            "windows",
            "i8",
            (N_ROLES, MAX_DIMS),
        ),  # axes of several dims: DENSE, or STRIDED with holes
        ("group", "i8", MAX_DIMS),  # the one role that does not index a dim, -1: none, or not one alone
        ("halo", "i8", (N_ROLES, MAX_DIMS)),  # dims that share an axis with others
        ("windowed", "i8"),  # roles with such axes, as bits
        ("static_w", "f8"),
        ("second", "f8"),  # [s/cycle]
        ("launch", "f8"),  # [cycle]
        # bounds of each store: energy is at least max(slope / y + offset, least)
        ("least", "f8", (MAX_MEMORIES, N_ROLES)),
        ("slope", "f8", (MAX_MEMORIES, N_ROLES)),
        ("offset", "f8", (MAX_MEMORIES, N_ROLES)),
        ("least_read", "f8", (MAX_MEMORIES, N_ROLES, MAX_MEMORIES)),
        ("least_written", "f8", (MAX_MEMORIES, N_ROLES, MAX_MEMORIES)),
        ("least_crossed", "f8", (MAX_MEMORIES, N_ROLES, MAX_LINKS)),
        # the same of the busiest port of its parent [cycle]
        ("load_slope", "f8", (MAX_MEMORIES, N_ROLES)),
        ("load_offset", "f8", (MAX_MEMORIES, N_ROLES)),
        # and of what stops the matrix unit [cycle]
        ("stop_slope", "f8", (MAX_MEMORIES, N_ROLES)),
        ("stop_offset", "f8", (MAX_MEMORIES, N_ROLES)),
        ("idle", "i8", (MAX_MEMORIES, N_ROLES)),  # whether some instances may have less to do than others
        ("split", "i8", (MAX_MEMORIES, N_ROLES)),  # whether dims that the role does not index are spread
        ("across", "f8", (MAX_MEMORIES, N_ROLES, N_ROLES, 2)),  # tiles that the parent serves at once
        ("edge_of", "f8", (MAX_MEMORIES, N_ROLES)),  # cycles of first or last tiles of missing stores
        ("waits", "f8"),  # their sum
        ("least_stopped", "f8", (MAX_MEMORIES, N_ROLES)),
        # what a search may take and has taken
        ("slack", "f8"),  # a nest must be better by this ratio
        ("ratio", "f8"),  # between tiles that are tried
        ("aim", "i8"),  # what makes a continuation promising
        ("fills", "i8"),  # whether dives let dims grow to all of their extent below an open store
        ("width", "i8"),  # continuations of a frame that a dive follows, MAX_WIDTH at most
        ("budget", "i8"),
        ("nodes", "i8"),
        ("evaluated", "i8"),
        # costs of one close
        ("part_energy", "f8"),
        ("part_read", "f8", MAX_MEMORIES),
        ("part_written", "f8", MAX_MEMORIES),
        ("part_crossed", "f8", MAX_LINKS),
        ("part_stopped", "f8"),  # [cycle] that the moves of a single buffer take
        ("part_final", "i8"),
        ("promise", "f8"),  # what `hopeless` found at last: energy, latency or their product, at least
        ("promise_j", "f8"),
        ("promise_s", "f8"),
        # the missing stores of a layer, by role: what the dims that a role does not index have grown to and
        # can at most, bytes of a tile per product of the others, room, and energy: rise / y, or floor
        ("base", "f8", N_ROLES),
        ("most", "f8", N_ROLES),
        ("tile", "f8", N_ROLES),
        ("room", "f8", N_ROLES),
        ("rise", "f8", N_ROLES),
        ("floor", "f8", N_ROLES),
        ("tied", "f8", (N_ROLES, N_ROLES)),  # what dims that a role lacks grow to below another tile
        ("ties", "i8"),  # whether bounds make use of that: only in proofs, as dives find less so
        ("layering", "i8"),  # how stores make layers
        ("rest", "f8"),  # energy [J] of layers beyond `least`
        ("layer_rest", "f8", MAX_MEMORIES),
        # and in cycles: first or last tiles per product, and as known; loads of parents likewise; their ports
        ("wait", "f8", N_ROLES),
        ("known_wait", "f8", N_ROLES),
        ("load_rise", "f8", N_ROLES),
        ("load_floor", "f8", N_ROLES),
        ("port", "f8", N_ROLES),
        ("stop_rise", "f8", N_ROLES),
        ("stop_floor", "f8", N_ROLES),
        ("instances", "f8", N_ROLES),  # of dims that a role does not index; 0: some may be idle
        ("at", "i8", MAX_DIMS),
        ("real", "i8"),  # counts are not rounded up
        ("any", "i8"),  # costs are of any smaller extents, too
        # rows from the inside out: kind, index, axis or role, extents reached at least and at most
        ("rows", "i8", (MAX_ROWS, 5)),
        # a leaf: its loops, and a box of extents that they reach
        ("links", "i8", (MAX_DIMS, MAX_LOOPS)),  # rows over a dim, from the inside
        ("n_of", "i8", MAX_DIMS),
        ("trips", "i8", MAX_ROWS),  # of spatial rows
        ("lo", "i8", MAX_ROWS),
        ("hi", "i8", MAX_ROWS),
        ("box", "i8", (MAX_SPLITS, MAX_ROWS, 2)),  # those that are still to be searched
        ("value", "i8", MAX_ROWS),  # tile of a row
        ("chained", "i8"),  # counts are of a leaf's store, below and above which there are so many loops
        ("below", "i8", MAX_DIMS),
        ("closed", "i8", MAX_DIMS),
        ("plain_size", "f8", (N_ROLES, MAX_LINKS + 1)),  # `size` of the busiest instance, whatever its loops
        ("reach", "i8", MAX_DIMS),
        ("largest", "i8", MAX_DIMS),
        *LIMIT_FIELDS,
        *FRONT_FIELDS,
    ]
)
"""What a search stands on."""

Tree = Any
"""A TREE record."""

Frame = Any
"""A FRAME record."""

ZERO, ONE = constant(0), constant(1)
YES, NO = constant(1), constant(0)
DENSE, STRIDED = constant(1), constant(2)
EVERY = constant(N_ROLES)
"""All instances, whatever they share."""

AIM_EDP, AIM_TIME, AIM_ENERGY = constant(0), constant(1), constant(2)
LEAST_J = 1e-30
"""Added to energies in products, so that latency counts where nothing costs energy [J]."""

LARGE = constant(1 << 60)
"""Larger than every coefficient."""


@kernel
def start_gap(fr: Frame) -> None:
    """No loop stands above the last stores yet."""
    fr.target, fr.gap, fr.last = CHOOSE, ZERO, NONE
    fr.loose = fr.only = fr.shut = ZERO


@kernel
def start_zone(fr: Frame) -> None:
    """No loop and no store stands in the zone yet."""
    fr.low, fr.group, fr.below, fr.stopped = ZERO, NONE, ZERO, ZERO
    start_gap(fr)
