"""Compiled list of spatial unrollings, each with what it costs at least where no capacity limits reuse."""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import (
    INNERMOST,
    MAX_AXES,
    MAX_DIMS,
    MAX_LINKS,
    MAX_MEMORIES,
    N_ROLES,
    NONE,
    OUT,
    Bench,
    constant,
)

MAX_FOUND, MAX_CHOICES = 1 << 15, 1 << 10
"""Unrollings, and ways to fill one axis, that a record has room for; later ones are left out."""

UNROLL_STATE = np.dtype(
    [
        ("allowed", "i8", (MAX_AXES, MAX_DIMS)),  # dims that an axis may unroll
        ("may", "i8", (MAX_MEMORIES, N_ROLES)),  # roles that a memory may store
        ("must", "i8", (MAX_MEMORIES, N_ROLES)),
        ("touched", "f8", N_ROLES),  # elements of each tensor that some MAC touches
        # the unrolling at hand
        ("left", "i8", (MAX_AXES + 1, MAX_DIMS)),  # extents before each axis is unrolled
        (
            "choices",
            "i8",
            (MAX_AXES, MAX_CHOICES, 4),
        ),  # first dim, its factor, second dim (-1: none), its factor
        ("n_choices", "i8", MAX_AXES),
        ("at", "i8", MAX_AXES),
        ("spread", "f8", (MAX_LINKS, MAX_DIMS)),  # instances of each dim along a fanout
        ("shared", "f8", (MAX_LINKS, N_ROLES, MAX_DIMS)),  # those that one access of a tensor serves
        # what was found
        ("n_found", "i8"),
        ("found", "i4", (MAX_FOUND, MAX_AXES, 4)),
        ("energy", "f8", MAX_FOUND),  # [J]
        ("cycles", "f8", MAX_FOUND),
    ]
)
"""What may be unrolled, and what was found."""

State = Any
"""An UNROLL_STATE record."""

ZERO, ONE, TWO = constant(0), constant(1), constant(2)


@kernel
def _least_factor(extent: int, size: int) -> int:
    """The smallest trip count on `size` instances that leaves no more steps than all of them would."""
    steps = (extent + min(size, extent) - 1) // min(size, extent)
    return (extent + steps - 1) // steps


@kernel
def _add_choice(s: State, axis: int, first: int, factor: int, second: int, rest: int) -> None:
    """Note a way to fill an axis, once."""
    n = s.n_choices[axis]
    if n == MAX_CHOICES:
        return
    c = s.choices
    for i in range(n):
        same = c[axis, i, 0] == first and c[axis, i, 1] == factor
        if same and c[axis, i, 2] == second and c[axis, i, 3] == rest:
            return
    c[axis, n, 0], c[axis, n, 1], c[axis, n, 2], c[axis, n, 3] = first, factor, second, rest
    s.n_choices[axis] = n + 1


@kernel
def _list_choices(w: Bench, s: State, axis: int) -> None:
    """Ways to fill an axis: nothing, one dim, or two, where the first takes a power of two or all it can."""
    size = w.axis_size[axis]
    s.n_choices[axis] = 0
    _add_choice(s, axis, NONE, ONE, NONE, ONE)
    for first in range(w.n_dims):
        if not s.allowed[axis, first] or s.left[axis, first] == 1:
            continue
        _add_choice(s, axis, first, _least_factor(s.left[axis, first], size), NONE, ONE)
        for second in range(w.n_dims):
            if second == first or not s.allowed[axis, second] or s.left[axis, second] == 1:
                continue
            wanted = TWO
            while True:
                factor = _least_factor(s.left[axis, first], min(wanted, s.left[axis, first]))
                if factor > 1 and factor * 2 <= size:
                    rest = _least_factor(s.left[axis, second], size // factor)
                    _add_choice(s, axis, first, factor, second, rest)
                if wanted >= s.left[axis, first] or wanted * 2 > size:
                    break
                wanted *= 2


@kernel
def _spread_out(w: Bench, s: State, axis: int) -> None:
    """Multiply the factors of an axis' present choice into those of its fanout."""
    link = w.axis_link[axis]
    for i in (0, 2):
        d, factor = s.choices[axis, s.at[axis], i], s.choices[axis, s.at[axis], i + 1]
        if d < 0:
            continue
        s.spread[link, d] *= factor
        for role in range(N_ROLES):
            if w.axis_of[role, d] < 0 and (w.axis_shares[axis] >> role) & 1:
                s.shared[link, role, d] *= factor


@kernel
def _mark_spread(w: Bench, s: State) -> None:
    """Instances per fanout and dim of the unrolling at hand."""
    for f in range(w.n_links):
        for d in range(w.n_dims):
            s.spread[f, d] = 1.0
            for role in range(N_ROLES):
                s.shared[f, role, d] = 1.0
    for axis in range(w.n_axes):
        _spread_out(w, s, axis)


@kernel
def _served(w: Bench, s: State, role: int, pivot: int, inner: int, outer: bool, each: bool) -> float:
    """Accesses of a tensor at level `pivot` for its children at level `inner`, at least.

    Args:
        w: the einsum and the accelerator.
        s: the unrolling.
        role: the tensor.
        pivot: level where the accesses are counted; fanouts between it and `inner` follow the sharing rule.
        inner: level of the children; INNERMOST for the matrix unit, which repeats every access.
        outer: over all instances, else in the busiest one.
        each: the children hold their tiles for as long as they can, else they access at every operation.
    """
    total: float = s.touched[role] if each else 1.0
    for d in range(w.n_dims):
        above, sharing, between = 1.0, 1.0, 1.0
        for f in range(w.n_links):
            if w.link_level[f] < pivot:
                above *= s.spread[f, d]
            elif w.link_level[f] < inner:
                sharing *= s.shared[f, role, d]
                between *= s.spread[f, d]
        indexes = w.axis_of[role, d] >= 0
        if each and indexes:
            total /= 1.0 if outer else above
        elif each:
            total *= (above if outer else 1.0) * between / sharing
        else:
            served = sharing if outer else sharing * above
            total *= np.ceil(w.extents[d] / served)
    return float(total)


@kernel
def _known(w: Bench, s: State, level: int, outer: bool) -> float:
    """Distinct output elements at a level: over all instances that add up their own sums, or in one."""
    total = s.touched[OUT]
    for d in range(w.n_dims):
        for f in range(w.n_links):
            if w.link_level[f] >= level:
                continue
            if w.axis_of[OUT, d] < 0 and outer:
                total *= s.spread[f, d]
            elif w.axis_of[OUT, d] >= 0 and not outer:
                total /= s.spread[f, d]
    return float(total)


@kernel
def _split_sums(w: Bench, s: State, level: int) -> bool:
    """Whether instances above a level share the sum of one output element."""
    for d in range(w.n_dims):
        for f in range(w.n_links):
            if w.link_level[f] < level and w.axis_of[OUT, d] < 0 and s.spread[f, d] > 1.0:
                return True
    return False


@kernel
def _parent_bytes(
    w: Bench, s: State, role: int, parent: int, inner: int, outer: bool, each: bool
) -> tuple[float, float]:
    """Bytes read and written at a memory for its children at level `inner`."""
    level, width, wide = w.level[parent], w.width[role], w.accumulator
    served = _served(w, s, role, level, inner, outer, each)
    if role != OUT:
        return served * width, 0.0
    known = min(served, _known(w, s, level, outer))
    done = 0.0 if _split_sums(w, s, level) else known
    return (served - known) * wide, (served - done) * wide + done * width


@kernel
def _child_bytes(w: Bench, s: State, role: int, child: int, outer: bool) -> tuple[float, float]:
    """Bytes read and written at a memory on its parent's side, if it holds every tile as long as it can."""
    level = w.level[child]
    if role != OUT:
        return 0.0, _served(w, s, role, level, level, outer, True) * w.width[role]
    width = w.accumulator if _split_sums(w, s, level) else w.width[OUT]
    return _known(w, s, level, outer) * width, 0.0


@kernel
def bound_unrolling(w: Bench, s: State) -> tuple[float, float]:
    """Dynamic energy [J] and cycles of the unrolling at hand if no capacity limited reuse.

    Every memory that may store a tensor does.
    """
    _mark_spread(w, s)
    energy, cycles, steps = w.unit_j, 0.0, 1.0
    for d in range(w.n_dims):
        energy *= w.extents[d]
        together = 1.0
        for f in range(w.n_links):
            together *= s.spread[f, d]
        steps *= np.ceil(w.extents[d] / together)
    cycles = steps / w.unit_rate
    for m in range(w.n_memories):
        read, written, busy_read, busy_written = 0.0, 0.0, 0.0, 0.0
        for role in range(N_ROLES):
            if not s.may[m, role]:
                continue
            inner, each = INNERMOST, False
            for further in range(w.n_memories - 1, m, -1):
                if s.may[further, role]:
                    inner, each = w.level[further], True
            reads, writes = _parent_bytes(w, s, role, m, inner, True, each)
            busy_reads, busy_writes = _parent_bytes(w, s, role, m, inner, False, each)
            read, written = read + reads, written + writes
            busy_read, busy_written = busy_read + busy_reads, busy_written + busy_writes
            if m > 0:
                reads, writes = _child_bytes(w, s, role, m, True)
                busy_reads, busy_writes = _child_bytes(w, s, role, m, False)
                read, written = read + reads, written + writes
                busy_read, busy_written = busy_read + busy_reads, busy_written + busy_writes
            for f in range(w.n_links):
                if w.level[m] < w.link_level[f] < inner and w.link_j[f] > 0.0:
                    crossed = _served(w, s, role, w.link_level[f], inner, True, each)
                    energy += crossed * w.width[role] * w.link_j[f]
        energy += read * w.read_j[m] + written * w.write_j[m]
        if w.shared[m]:
            cycles = max(cycles, (busy_read + busy_written) / w.read_rate[m])
        else:
            cycles = max(cycles, max(busy_read / w.read_rate[m], busy_written / w.write_rate[m]))
    return energy, cycles


@kernel
def list_unrollings(w: Bench, s: State) -> None:
    """Every choice for every axis, the outermost axis first, each with its bound."""
    s.n_found = 0
    axis = ZERO
    for d in range(w.n_dims):
        s.left[0, d] = w.extents[d]
    if w.n_axes > 0:
        _list_choices(w, s, ZERO)
    for i in range(w.n_axes):
        s.at[i] = ZERO
    while axis >= 0:
        if axis < w.n_axes and s.at[axis] < s.n_choices[axis]:
            for d in range(w.n_dims):
                s.left[axis + 1, d] = s.left[axis, d]
            for i in (0, 2):
                d, factor = s.choices[axis, s.at[axis], i], s.choices[axis, s.at[axis], i + 1]
                if d >= 0:
                    s.left[axis + 1, d] = (s.left[axis, d] + factor - 1) // factor
            axis += 1
            if axis < w.n_axes:
                _list_choices(w, s, axis)
                s.at[axis] = ZERO
                continue
        if axis == w.n_axes:
            n = s.n_found
            if n == MAX_FOUND:
                return
            s.energy[n], s.cycles[n] = bound_unrolling(w, s)
            for i in range(w.n_axes):
                for column in range(4):
                    s.found[n, i, column] = s.choices[i, s.at[i], column]
            s.n_found = n + 1
        axis -= 1
        if axis >= 0:
            s.at[axis] += 1
