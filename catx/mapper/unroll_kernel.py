"""Compiled list of promising spatial unrollings, by what they would cost if no capacity limited reuse."""

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
from catx.mapper.factor_kernel import ceil_div, clear_factors, spread_dim
from catx.mapper.tree_kernel import LEAST_J, NO, YES

BEAM, TOP, MAX_CHOICES = 256, 256, 1 << 10
"""Unrollings of some axes that are followed, unrollings of all that are kept, and ways to fill one axis."""

BY_EDP, BY_TIME, BY_ENERGY = constant(0), constant(1), constant(2)
"""What kept unrollings promise."""

UNROLL_STATE = np.dtype(
    [
        ("allowed", "i8", (MAX_AXES, MAX_DIMS)),  # dims that an axis may unroll
        ("may", "i8", (MAX_MEMORIES, N_ROLES)),  # roles that a memory may store
        ("touched", "f8", N_ROLES),  # elements of each tensor that some MAC touches
        ("static_w", "f8"),
        ("second", "f8"),  # [s/cycle]
        # the unrolling at hand, by axis: first dim, its factor, second dim, its factor; dim -1: none
        ("pick", "i8", (MAX_AXES, 4)),
        ("left", "i8", MAX_DIMS),  # extents that the other axes leave to an axis
        ("choices", "i8", (MAX_CHOICES, 4)),  # ways to fill an axis
        ("n_choices", "i8"),
        ("factor", "f8", (MAX_LINKS, MAX_DIMS)),  # instances of each dim along a fanout
        ("shared", "f8", (MAX_LINKS, N_ROLES, MAX_DIMS)),  # those that one access of a tensor serves
        # unrollings of the axes so far, and of one axis more
        ("beam", "i8", (2, BEAM, MAX_AXES, 4)),
        ("beam_cost", "f8", (2, BEAM)),
        ("n_beam", "i8", 2),
        # the best of all axes, by BY_EDP, BY_TIME, BY_ENERGY, in order
        ("top", "i8", (3, TOP, MAX_AXES, 4)),
        ("top_cost", "f8", (3, TOP, 2)),  # what ranks them, and what decides ties
        ("n_top", "i8", 3),
    ]
)
"""What may be unrolled, and what was found."""

State = Any
"""An UNROLL_STATE record."""

ZERO, ONE, TWO = constant(0), constant(1), constant(2)


@kernel
def _least_factor(extent: int, size: int) -> int:
    """The smallest trip count on `size` instances that leaves no more steps than all of them would."""
    return ceil_div(extent, ceil_div(extent, min(size, extent)))


@kernel
def _add_choice(s: State, first: int, factor: int, second: int, rest: int) -> None:
    """Note a way to fill an axis, once."""
    n, c = s.n_choices, s.choices
    if n == MAX_CHOICES:
        return
    for i in range(n):
        if c[i, 0] == first and c[i, 1] == factor and c[i, 2] == second and c[i, 3] == rest:
            return
    c[n, 0], c[n, 1], c[n, 2], c[n, 3] = first, factor, second, rest
    s.n_choices = n + 1


@kernel
def _list_choices(w: Bench, s: State, axis: int) -> None:
    """Ways to fill an axis: nothing, one dim, or two; the first takes a power of two or all it can."""
    size, left = w.axis_size[axis], s.left
    s.n_choices = 0
    _add_choice(s, NONE, ONE, NONE, ONE)
    for first in range(w.n_dims):
        if not s.allowed[axis, first] or left[first] == 1:
            continue
        part = size
        while part > 1:
            _add_choice(s, first, _least_factor(left[first], part), NONE, ONE)
            part = (part + 1) // 2
        for second in range(w.n_dims):
            if second == first or not s.allowed[axis, second] or left[second] == 1:
                continue
            wanted = TWO
            while True:
                factor = _least_factor(left[first], min(wanted, left[first]))
                if factor > 1 and factor * 2 <= size:
                    _add_choice(s, first, factor, second, _least_factor(left[second], size // factor))
                if wanted >= left[first] or wanted * 2 > size:
                    break
                wanted *= 2


@kernel
def _set_factors(w: Bench, s: State) -> None:
    """Instances per fanout and dim of the unrolling at hand."""
    clear_factors(w, s)
    for axis in range(w.n_axes):
        for i in (0, 2):
            if s.pick[axis, i] >= 0:
                spread_dim(w, s, axis, s.pick[axis, i], s.pick[axis, i + 1])


@kernel
def _served(w: Bench, s: State, role: int, pivot: int, inner: int, outer: int, each: int) -> float:
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
                above *= s.factor[f, d]
            elif w.link_level[f] < inner:
                sharing *= s.shared[f, role, d]
                between *= s.factor[f, d]
        indexes = w.axis_of[role, d] >= 0
        if each == YES and indexes:
            total /= 1.0 if outer == YES else above
        elif each == YES:
            total *= (above if outer == YES else 1.0) * between / sharing
        else:
            served = sharing if outer == YES else sharing * above
            total *= np.ceil(w.extents[d] / served)
    return float(total)


@kernel
def _known(w: Bench, s: State, level: int, outer: int) -> float:
    """Distinct output elements at a level: over all instances that add up their own sums, or in one."""
    total = s.touched[OUT]
    for d in range(w.n_dims):
        for f in range(w.n_links):
            if w.link_level[f] >= level:
                continue
            if w.axis_of[OUT, d] < 0 and outer == YES:
                total *= s.factor[f, d]
            elif w.axis_of[OUT, d] >= 0 and outer == NO:
                total /= s.factor[f, d]
    return float(total)


@kernel
def _split_sums(w: Bench, s: State, level: int) -> bool:
    """Whether instances above a level share the sum of one output element."""
    for d in range(w.n_dims):
        for f in range(w.n_links):
            if w.link_level[f] < level and w.axis_of[OUT, d] < 0 and s.factor[f, d] > 1.0:
                return True
    return False


@kernel
def _parent_bytes(
    w: Bench, s: State, role: int, parent: int, inner: int, outer: int, each: int
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
def _child_bytes(w: Bench, s: State, role: int, child: int, outer: int) -> tuple[float, float]:
    """Bytes read and written at a memory on its parent's side, if it holds every tile as long as it can."""
    level = w.level[child]
    if role != OUT:
        return 0.0, _served(w, s, role, level, level, outer, YES) * w.width[role]
    width = w.accumulator if _split_sums(w, s, level) else w.width[OUT]
    return _known(w, s, level, outer) * width, 0.0


@kernel
def bound_unrolling(w: Bench, s: State) -> tuple[float, float]:
    """Dynamic energy [J] and cycles of the unrolling at hand if no capacity limited reuse.

    Every memory that may store a tensor does; bypassing one can be cheaper.
    """
    _set_factors(w, s)
    energy, cycles, steps = w.unit_j, 0.0, 1.0
    for d in range(w.n_dims):
        energy *= w.extents[d]
        together = 1.0
        for f in range(w.n_links):
            together *= s.factor[f, d]
        steps *= np.ceil(w.extents[d] / together)
    cycles = steps / w.unit_rate
    for m in range(w.n_memories):
        read, written, busy_read, busy_written = 0.0, 0.0, 0.0, 0.0
        for role in range(N_ROLES):
            if not s.may[m, role]:
                continue
            inner, each = INNERMOST, NO
            for further in range(w.n_memories - 1, m, -1):
                if s.may[further, role]:
                    inner, each = w.level[further], YES
            reads, writes = _parent_bytes(w, s, role, m, inner, YES, each)
            busy_reads, busy_writes = _parent_bytes(w, s, role, m, inner, NO, each)
            read, written = read + reads, written + writes
            busy_read, busy_written = busy_read + busy_reads, busy_written + busy_writes
            if m > 0:
                reads, writes = _child_bytes(w, s, role, m, YES)
                busy_reads, busy_writes = _child_bytes(w, s, role, m, NO)
                read, written = read + reads, written + writes
                busy_read, busy_written = busy_read + busy_reads, busy_written + busy_writes
            for f in range(w.n_links):
                if w.level[m] < w.link_level[f] < inner and w.link_j[f] > 0.0:
                    crossed = _served(w, s, role, w.link_level[f], inner, YES, each)
                    energy += crossed * w.width[role] * w.link_j[f]
        energy += read * w.read_j[m] + written * w.write_j[m]
        if w.shared[m]:
            cycles = max(cycles, (busy_read + busy_written) / w.read_rate[m])
        else:
            cycles = max(cycles, max(busy_read / w.read_rate[m], busy_written / w.write_rate[m]))
    return energy, cycles


@kernel
def _copy_pick(w: Bench, source: Any, target: Any) -> None:
    """Copy an unrolling, (axes, 4)."""
    for axis in range(w.n_axes):
        for column in range(4):
            target[axis, column] = source[axis, column]


@kernel
def _enter_beam(w: Bench, s: State, side: int, cost: float) -> None:
    """Keep the unrolling at hand if it is among the best; of equal ones the first."""
    n = s.n_beam[side]
    at = n
    if n == BEAM:
        at = ZERO
        for i in range(BEAM):
            if s.beam_cost[side, i] >= s.beam_cost[side, at]:
                at = i
        if cost >= s.beam_cost[side, at]:
            return
    else:
        s.n_beam[side] = n + 1
    s.beam_cost[side, at] = cost
    _copy_pick(w, s.pick, s.beam[side, at])


@kernel
def _enter_top(w: Bench, s: State, by: int, cost: float, tie: float) -> None:
    """Keep the unrolling at hand in order of cost, if it is among the best; equal ones keep their order."""
    n, costs = s.n_top[by], s.top_cost
    if n == TOP:
        if (cost, tie) >= (costs[by, n - 1, 0], costs[by, n - 1, 1]):
            return
        n -= 1
    else:
        s.n_top[by] = n + 1
    while n > 0 and (cost, tie) < (costs[by, n - 1, 0], costs[by, n - 1, 1]):
        costs[by, n, 0], costs[by, n, 1] = costs[by, n - 1, 0], costs[by, n - 1, 1]
        _copy_pick(w, s.top[by, n - 1], s.top[by, n])
        n -= 1
    costs[by, n, 0], costs[by, n, 1] = cost, tie
    _copy_pick(w, s.pick, s.top[by, n])


@kernel
def _judge(w: Bench, s: State, side: int, last: bool) -> None:
    """Cost the unrolling at hand, and keep it where it is good."""
    energy, cycles = bound_unrolling(w, s)
    time = cycles * s.second
    energy += s.static_w * time
    if not last:
        _enter_beam(w, s, side, (energy + LEAST_J) * time)
        return
    _enter_top(w, s, BY_EDP, (energy + LEAST_J) * time, time)
    _enter_top(w, s, BY_TIME, time, energy)
    _enter_top(w, s, BY_ENERGY, energy, time)


@kernel
def _leave(w: Bench, s: State) -> None:
    """What the axes of the unrolling at hand leave of each dim."""
    for d in range(w.n_dims):
        s.left[d] = w.extents[d]
    for axis in range(w.n_axes):
        for i in (0, 2):
            d, factor = s.pick[axis, i], s.pick[axis, i + 1]
            if d >= 0:
                s.left[d] = ceil_div(s.left[d], factor)


@kernel
def list_unrollings(w: Bench, s: State, order: Any) -> None:
    """Keep the best unrollings of all axes; from axis to axis, the best ones of the axes so far are followed.

    Args:
        w: the einsum and the accelerator.
        s: what may be unrolled; gets what was found.
        order: axes, the first to be filled first.
    """
    side = ZERO
    s.n_beam[0] = 1
    for by in range(3):
        s.n_top[by] = 0
    for axis in range(w.n_axes):
        s.beam[0, 0, axis, 0] = s.beam[0, 0, axis, 2] = NONE
        s.beam[0, 0, axis, 1] = s.beam[0, 0, axis, 3] = ONE
    for place in range(w.n_axes):
        axis, other = order[place], 1 - side
        s.n_beam[other] = 0
        for i in range(s.n_beam[side]):
            _copy_pick(w, s.beam[side, i], s.pick)
            _leave(w, s)
            _list_choices(w, s, axis)
            for choice in range(s.n_choices):
                for column in range(4):
                    s.pick[axis, column] = s.choices[choice, column]
                _judge(w, s, other, place == w.n_axes - 1)
        side = other
