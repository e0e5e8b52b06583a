"""Compiled cost of one mapping: counts, cycles and energy (docs/cost-model.md)."""

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import (
    ALL,
    BUSIEST,
    DISTINCT,
    DRAIN,
    ELEMENTS,
    FILL,
    FIRST,
    FIRST_TILE,
    INNERMOST,
    N_ROLES,
    NONE,
    OUT,
    PARTIAL_DRAIN,
    PARTIAL_UPDATE,
    READ_CHILD,
    READ_PSUM,
    REPORT,
    SEARCH,
    SPATIAL,
    STEPS,
    STORE,
    SUM_DRAIN,
    SUM_ENERGY,
    SUM_FILL,
    SUM_LATENCY,
    SUM_OPS,
    SUM_PIPELINE,
    SUM_STEADY,
    SUM_UNHIDDEN,
    SUM_UNITS,
    TOTAL,
    UPDATE,
    VISITS,
    Bench,
    measure,
)


@kernel
def _clear(w: Bench) -> None:
    """Forget the results of the nest before."""
    for i in range(9):
        w.summary[i] = 0.0
    for f in range(w.n_links):
        w.link_bytes[f, TOTAL] = w.link_bytes[f, BUSIEST] = 0.0
    for m in range(w.n_memories):
        for i in range(4):
            w.memory_bytes[m, i // 2, i % 2] = 0.0
        for role in range(N_ROLES):
            w.tiles[m, role] = -1
            for scope in range(2):
                for cause in range(7):
                    w.counts[m, role, scope, cause] = 0


@kernel
def _mark_loops(w: Bench) -> int:
    """List loops with a trip count above 1 and nominal tiles; returns the innermost memory that stores."""
    for d in range(w.n_dims):
        w.nominal[d] = w.extents[d]
    innermost, loops, spatial = 0, 0, 0
    for row in range(w.n_rows):
        w.above[row], w.spatial_above[row] = loops, spatial
        if w.nest[row, 0] != STORE:
            d, tile = w.nest[row, 1], w.nest[row, 2]
            if tile < w.nominal[d]:
                w.nominal[d] = tile
                w.loop_dim[loops], w.loop_tile[loops] = d, tile
                w.loop_axis[loops] = w.nest[row, 3] if w.nest[row, 0] == SPATIAL else NONE
                spatial += w.nest[row, 0] == SPATIAL
                loops += 1
            continue
        memory, role = w.nest[row, 1], w.nest[row, 3]
        elements = 1
        for axis in range(w.n_tensor_axes[role]):
            span = 1
            for d in range(w.n_dims):
                if w.axis_of[role, d] == axis:
                    span += w.coeff[role, d] * (w.nominal[d] - 1)
            elements *= span
        w.tiles[memory, role] = elements
        innermost = max(innermost, memory)
    w.above[w.n_rows], w.spatial_above[w.n_rows] = loops, spatial
    return innermost


@kernel
def _mark_visits(w: Bench, row: int, role: int, what: int) -> int:
    """Tell dropped temporal loops above `row` (FIRST) from visiting ones (ALL); returns the sliding loop.

    `what` is VISITS for the matrix unit, which holds no tile.
    """
    slide, dropping, innermost = NONE, what == ELEMENTS, True
    for k in range(w.above[row] - 1, -1, -1):
        if w.loop_axis[k] >= 0:
            continue
        if dropping:
            if w.axis_of[role, w.loop_dim[k]] >= 0:
                dropping = False
                if innermost and role != OUT:
                    slide = k
            innermost = False
        w.loop_visits[k] = FIRST if dropping else ALL
    if slide >= 0:
        dim = w.loop_dim[slide]
        for d in range(w.n_dims):
            if d != dim and w.axis_of[role, d] == w.axis_of[role, dim]:
                return slide
    return NONE


@kernel
def _reduced(w: Bench, row: int, link: int) -> bool:
    """Whether results above `row` can be final on the parent's side of a fanout (NONE: of no fanout)."""
    for k in range(w.above[row]):
        axis = w.loop_axis[k]
        if axis < 0 or w.axis_of[OUT, w.loop_dim[k]] >= 0:
            continue
        if link < 0 or w.axis_link[axis] < link or not (w.axis_shares[axis] >> OUT) & 1:
            return False
    return True


@kernel
def _count_edges(w: Bench, row: int, parent_row: int, role: int) -> None:
    """First fill or last drain of a store: a full tile on its way from or to the parent."""
    child, parent = w.nest[row, 1], w.nest[parent_row, 1]
    width, wide = w.width[role], w.accumulator
    own = measure(w, row, role, FIRST_TILE, INNERMOST, FIRST, NONE, ELEMENTS)
    across = measure(w, row, role, FIRST_TILE, w.level[parent], FIRST, NONE, ELEMENTS)
    if role == OUT:
        alone = own * (width if _reduced(w, row, NONE) else wide) / w.read_rate[child]
        wait = max(alone, across * (width if _reduced(w, parent_row, NONE) else wide) / w.write_rate[parent])
    else:
        alone = own * width / w.write_rate[child]
        wait = max(alone, across * width / w.read_rate[parent])
    for f in range(w.n_links):
        if not w.level[parent] < w.link_level[f] < w.level[child] or w.link_rate[f] == np.inf:
            continue
        crossing = measure(w, row, role, FIRST_TILE, w.link_level[f], FIRST, NONE, ELEMENTS)
        wait = max(
            wait, crossing * (wide if role == OUT and not _reduced(w, row, f) else width) / w.link_rate[f]
        )
    w.summary[SUM_DRAIN if role == OUT else SUM_FILL] += wait
    if not w.double[child]:
        w.summary[SUM_UNHIDDEN] -= alone


@kernel
def _count_links(w: Bench, row: int, parent: int, role: int, slide: int, what: int, purpose: int) -> None:
    """Bytes that cross each fanout between a parent and its child."""
    inner = w.level[w.nest[row, 1]] if what == ELEMENTS else INNERMOST
    width, wide = w.width[role], w.accumulator
    for f in range(w.n_links):
        pivot = w.link_level[f]
        if not w.level[parent] < pivot < inner:
            continue
        if purpose == SEARCH and w.link_rate[f] == np.inf and w.link_j[f] == 0.0:
            continue
        for scope in range(2):
            outer = ALL if scope == TOTAL else FIRST
            crossed = measure(w, row, role, STEPS, pivot, outer, slide, what)
            if role != OUT:
                w.link_bytes[f, scope] += crossed * width
                continue
            known = measure(w, row, role, DISTINCT, pivot, outer, NONE, what)
            done = known if _reduced(w, row, f) else 0
            w.link_bytes[f, scope] += (2 * crossed - known - done) * wide + done * width


@kernel
def _sides(
    w: Bench, row: int, parent_row: int, role: int, slide: int, what: int
) -> tuple[int, int, int, int]:
    """V at the child (total, busiest) and at its parent (total, busiest)."""
    visited = measure(w, row, role, STEPS, INNERMOST, ALL, slide, what)
    visited_busiest, served = visited, visited
    if w.spatial_above[row] > 0:
        visited_busiest = measure(w, row, role, STEPS, INNERMOST, FIRST, slide, what)
    served_busiest = visited_busiest
    if w.spatial_above[row] > w.spatial_above[parent_row]:
        level = w.level[w.nest[parent_row, 1]]
        served = measure(w, row, role, STEPS, level, ALL, slide, what)
        served_busiest = served
        if w.spatial_above[parent_row] > 0:
            served_busiest = measure(w, row, role, STEPS, level, FIRST, slide, what)
    return visited, visited_busiest, served, served_busiest


@kernel
def _distinct(w: Bench, row: int) -> tuple[int, int]:
    """D of docs/cost-model.md at a store of the output (total, busiest)."""
    every = measure(w, row, OUT, DISTINCT, INNERMOST, ALL, NONE, ELEMENTS)
    if w.spatial_above[row] == 0:
        return every, every
    return every, measure(w, row, OUT, DISTINCT, INNERMOST, FIRST, NONE, ELEMENTS)


@kernel
def _book_parent(w: Bench, parent: int, role: int, scope: int, served: int, held: int, done: int) -> None:
    """Count what a parent serves: `held` distinct output elements, `done` of them final there."""
    width, wide = w.width[role], w.accumulator
    if role != OUT:
        w.counts[parent, role, scope, READ_CHILD] = served
        w.memory_bytes[parent, 0, scope] += served * width
        return
    w.counts[parent, role, scope, UPDATE] = served
    w.counts[parent, role, scope, READ_PSUM] = served - held
    w.counts[parent, role, scope, PARTIAL_UPDATE] = served - done
    w.memory_bytes[parent, 0, scope] += (served - held) * wide
    w.memory_bytes[parent, 1, scope] += (served - done) * wide + done * width


@kernel
def _book_child(w: Bench, child: int, role: int, scope: int, visited: int, held: int, done: int) -> None:
    """Count fills and drains of a store, and how long they stop one without a second buffer."""
    width, wide = w.width[role], w.accumulator
    if role != OUT:
        w.counts[child, role, scope, FILL] = visited
        written, read = visited * width, 0.0
    else:
        w.counts[child, role, scope, FILL] = visited - held
        w.counts[child, role, scope, DRAIN] = visited
        w.counts[child, role, scope, PARTIAL_DRAIN] = visited - done
        written, read = (visited - held) * wide, (visited - done) * wide + done * width
    w.memory_bytes[child, 0, scope] += read
    w.memory_bytes[child, 1, scope] += written
    if scope == BUSIEST and not w.double[child] and w.overlap_only == 0:
        w.summary[SUM_UNHIDDEN] += written / w.write_rate[child] + read / w.read_rate[child]


@kernel
def _count_role(w: Bench, role: int, innermost: int, purpose: int) -> float:
    """Counts of one tensor at all its stores; returns its visits at memory `innermost`, or infinity."""
    parent_row = NONE
    parent_held, held = (0, 0), (0, 0)
    parent_final, final = True, True
    stationary = np.inf
    for row in range(w.n_rows + 1):
        keeps = row < w.n_rows
        if keeps and (w.nest[row, 0] != STORE or w.nest[row, 3] != role):
            continue
        what = ELEMENTS if keeps else VISITS
        child = w.nest[row, 1] if keeps else NONE
        slide = _mark_visits(w, row, role, what)
        if keeps and role == OUT:
            held = _distinct(w, row)
            final = _reduced(w, row, NONE)
        if child == innermost and w.overlap_only == 0 and w.unit_pipeline > 0.0:
            stationary = float(measure(w, row, role, STEPS, INNERMOST, FIRST, NONE, VISITS))
        if parent_row >= 0:
            parent = w.nest[parent_row, 1]
            visited, visited_busiest, served, served_busiest = _sides(w, row, parent_row, role, slide, what)
            for scope in range(2):
                above = parent_held[scope]
                amount = served if scope == TOTAL else served_busiest
                _book_parent(w, parent, role, scope, amount, above, above if parent_final else 0)
                if keeps:
                    here = held[scope]
                    amount = visited if scope == TOTAL else visited_busiest
                    _book_child(w, child, role, scope, amount, here, here if final else 0)
            _count_links(w, row, parent, role, slide, what, purpose)
            if keeps and w.overlap_only == 0:
                _count_edges(w, row, parent_row, role)
        parent_row, parent_held, parent_final = row, held, final
    return stationary


@kernel
def _count_instances(w: Bench) -> None:
    """Used instances of each store and of the matrix unit."""
    for row in range(w.n_rows):
        if w.nest[row, 0] == STORE:
            w.instances[w.nest[row, 1], w.nest[row, 3]] = measure(
                w, row, w.nest[row, 3], FIRST_TILE, INNERMOST, ALL, NONE, VISITS
            )
    w.summary[SUM_UNITS] = measure(w, w.n_rows, OUT, FIRST_TILE, INNERMOST, ALL, NONE, VISITS)


@kernel
def _surely_overflows(w: Bench) -> bool:
    """Whether some memory cannot hold its tiles even if all sums were final: known before counting."""
    for m in range(w.n_memories):
        held = 0.0
        for role in range(N_ROLES):
            if w.tiles[m, role] >= 0:
                width = min(w.width[role], w.accumulator) if role == OUT else w.width[role]
                held += w.tiles[m, role] * width
        if held * (2.0 if w.double[m] else 1.0) > w.capacity[m]:
            return True
    return False


@kernel
def _fits(w: Bench) -> bool:
    """Whether every memory holds its tiles."""
    for m in range(w.n_memories):
        held = 0.0
        for role in range(N_ROLES):
            if w.tiles[m, role] >= 0:
                partial = role == OUT and w.counts[m, OUT, TOTAL, PARTIAL_UPDATE] > 0
                held += w.tiles[m, role] * (w.accumulator if partial else w.width[role])
        if held * (2.0 if w.double[m] else 1.0) > w.capacity[m]:
            return False
    return True


@kernel
def _add_up(w: Bench) -> None:
    """Loads, steady state and dynamic energy from bytes and operations."""
    energy = w.summary[SUM_OPS] * w.unit_j
    steady = w.unit_load
    for m in range(w.n_memories):
        read, write = w.memory_bytes[m, 0, BUSIEST], w.memory_bytes[m, 1, BUSIEST]
        if w.shared[m]:
            w.memory_load[m] = (read + write) / w.read_rate[m]
        else:
            w.memory_load[m] = max(read / w.read_rate[m], write / w.write_rate[m])
        steady = max(steady, w.memory_load[m])
        energy += w.memory_bytes[m, 0, TOTAL] * w.read_j[m] + w.memory_bytes[m, 1, TOTAL] * w.write_j[m]
    for f in range(w.n_links):
        w.link_load[f] = w.link_bytes[f, BUSIEST] / w.link_rate[f]
        steady = max(steady, w.link_load[f])
        energy += w.link_bytes[f, TOTAL] * w.link_j[f]
    w.summary[SUM_ENERGY], w.summary[SUM_STEADY], w.summary[SUM_LATENCY] = energy, steady, steady


@kernel
def _add_edges(w: Bench, innermost: int, stationary: float) -> None:
    """What cannot overlap: first fill, last drain, memories without double buffering, the unit's pipeline."""
    if w.unit_pipeline > 0.0:
        w.summary[SUM_PIPELINE] = w.unit_pipeline * (1.0 if w.double[innermost] else stationary)
    w.summary[SUM_UNHIDDEN] = max(w.summary[SUM_UNHIDDEN], 0.0)  # differences of nearly equal times
    w.summary[SUM_LATENCY] += w.summary[SUM_FILL] + w.summary[SUM_DRAIN]
    w.summary[SUM_LATENCY] += w.summary[SUM_UNHIDDEN] + w.summary[SUM_PIPELINE]


@kernel
def evaluate_nest(w: Bench, purpose: int) -> bool:
    """Counts, cycles and energy of the bench's nest, legal but for capacity; False if a memory overflows.

    With `purpose` REPORT everything is counted, with SEARCH only what latency and dynamic energy depend on.
    """
    _clear(w)
    innermost = _mark_loops(w)
    if purpose == SEARCH and _surely_overflows(w):
        return False
    stationary = np.inf
    for role in range(N_ROLES):
        stationary = min(stationary, _count_role(w, role, innermost, purpose))
    if purpose == REPORT:
        _count_instances(w)
    if not _fits(w):
        return False
    operations = 1
    for d in range(w.n_dims):
        operations *= w.extents[d]
    w.summary[SUM_OPS] = operations
    _mark_visits(w, w.n_rows, OUT, VISITS)
    w.unit_load = measure(w, w.n_rows, OUT, STEPS, INNERMOST, FIRST, NONE, VISITS) / w.unit_rate
    _add_up(w)
    if w.overlap_only == 0:
        _add_edges(w, innermost, stationary)
    return True
