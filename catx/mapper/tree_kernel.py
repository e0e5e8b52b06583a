"""Records of the branch and bound: what is fixed, and loop nests that are complete up to some place.

A nest is built from the inside: in a zone (between two fanouts) dims grow by temporal loops, then a store is
placed. A store that is placed when its zone is left stays open until a dim that it indexes grows: what stands
above it till then keeps its tile in place (docs/mapper.md).
"""

from typing import Any

import numpy as np

from catx.costmodel.tiles_kernel import (
    MAX_AXES,
    MAX_DIMS,
    MAX_LINKS,
    MAX_MEMORIES,
    MAX_ROWS,
    N_ROLES,
    constant,
)
from catx.mapper.front_kernel import FRONT_FIELDS

MAX_DEPTH = MAX_MEMORIES * N_ROLES + MAX_LINKS + 2
"""Frames of a search."""

MISSING, OPEN, CLOSED = constant(0), constant(1), constant(2)
"""A store that is not placed yet; placed, with more to come above it that it need not visit; done."""

FRAME = np.dtype(
    [
        ("x", "i8", MAX_DIMS),  # extents that one instance of the zone sees
        ("zone", "i8"),  # fanouts further out
        ("placed", "i8", (MAX_MEMORIES, N_ROLES)),
        ("used", "f8", MAX_MEMORIES),  # [byte], both buffers
        ("energy", "f8"),  # [J] of what is closed, and at least of the rest
        ("read", "f8", MAX_MEMORIES),  # [byte] in the busiest instance, likewise
        ("written", "f8", MAX_MEMORIES),
        ("crossed", "f8", MAX_LINKS),
        ("edges", "f8"),  # [cycle] that cannot overlap
        ("changes", "f8"),  # least visits of a closed store of the memory `stopping`
        ("final", "i8", MAX_MEMORIES),  # whether all results that reach a memory are final, as far as known
        ("n_rows", "i8"),
        ("to", "i8", MAX_DIMS),  # extents that the next store is tried at
        ("vain", "i8", MAX_DIMS),  # dims whose smaller growth is known to be hopeless, but for none at all
    ]
)
"""A nest that is complete up to some place."""

MAX_SPATIAL = 2 * MAX_AXES
"""Factors of an unrolling."""

MAX_WIDTH = 16
"""Continuations of a frame that there is room for."""

KIDS = np.dtype(
    [
        ("n", "i8"),
        ("cost", "f8", MAX_WIDTH),  # ascending
        ("memory", "i8", MAX_WIDTH),  # of the store that is placed, -1: the zone is left
        ("role", "i8", MAX_WIDTH),
        ("to", "i8", (MAX_WIDTH, MAX_DIMS)),  # extents that it is placed at
    ]
)
"""The most promising continuations of a frame."""

TREE = np.dtype(
    [
        # what is fixed
        ("kept", "i8", (MAX_MEMORIES, N_ROLES)),
        ("parent", "i8", (MAX_MEMORIES, N_ROLES)),  # next memory outwards that keeps the role
        ("inner", "i8", N_ROLES),  # innermost memory that keeps the role
        (
            "layer",
            "i8",
            (MAX_MEMORIES, N_ROLES),
        ),  # memory of the n-th store of a role from the outside, -1: none
        ("n_layers", "i8"),
        ("zone_of", "i8", MAX_MEMORIES),
        ("stopping", "i8"),  # memory whose changes of a tile empty the unit's pipeline, -1: none
        ("spatial", "i8", (MAX_SPATIAL, 3)),  # axis, dim, factor
        ("n_spatial", "i8"),
        ("factor", "f8", (MAX_LINKS, MAX_DIMS)),  # instances of each dim along a fanout
        ("spread", "f8", (MAX_LINKS + 1, MAX_DIMS)),  # instances of each dim outside of a zone
        ("shared", "f8", (MAX_LINKS, N_ROLES, MAX_DIMS)),  # those that one access of a tensor serves
        ("full", "i8", (MAX_LINKS + 1, MAX_DIMS)),  # extents that one instance of a zone sees at most
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
        ("static_w", "f8"),
        ("second", "f8"),  # [s/cycle]
        ("launch", "f8"),  # [cycle]
        ("compute", "f8"),  # [cycle]
        # bounds of each store: energy is at least max(slope / y + offset, least)
        ("least", "f8", (MAX_MEMORIES, N_ROLES)),
        ("slope", "f8", (MAX_MEMORIES, N_ROLES)),
        ("offset", "f8", (MAX_MEMORIES, N_ROLES)),
        ("least_read", "f8", (MAX_MEMORIES, N_ROLES, MAX_MEMORIES)),
        ("least_written", "f8", (MAX_MEMORIES, N_ROLES, MAX_MEMORIES)),
        ("least_crossed", "f8", (MAX_MEMORIES, N_ROLES, MAX_LINKS)),
        ("least_stopped", "f8", (MAX_MEMORIES, N_ROLES)),
        # what a search may take and has taken
        ("slack", "f8"),  # a nest must be better by this ratio
        ("ratio", "f8"),  # between tiles that are tried
        ("aim", "i8"),  # what makes a continuation promising
        ("width", "i8"),  # continuations of a frame that are followed, MAX_WIDTH at most
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
        # the missing stores of a layer, by role: what the dims that a role does not index have grown to and
        # can at most, bytes of a tile per product of the others, room, and energy: rise / y, or floor
        ("base", "f8", N_ROLES),
        ("most", "f8", N_ROLES),
        ("tile", "f8", N_ROLES),
        ("room", "f8", N_ROLES),
        ("rise", "f8", N_ROLES),
        ("floor", "f8", N_ROLES),
        ("at", "i8", MAX_DIMS),
        ("real", "i8"),  # counts are not rounded up
        ("any", "i8"),  # costs are of any smaller extents, too
        # rows from the inside out: kind, index, tile or extents reached, axis or role
        ("rows", "i8", (MAX_ROWS, 4)),
        ("reach", "i8", MAX_DIMS),
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
AIM_EDP, AIM_TIME, AIM_ENERGY = constant(0), constant(1), constant(2)
LEAST_J = 1e-30
"""Added to energies in products, so that latency counts where nothing costs energy [J]."""

LARGE = constant(1 << 60)
"""Larger than every coefficient."""
