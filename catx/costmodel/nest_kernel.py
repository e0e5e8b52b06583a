"""Compiled cost of one mapping: counts, cycles and energy (docs/cost-model.md)."""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import (
    ALL,
    BUSIEST,
    DISTINCT,
    DRAIN,
    EDGE_DRAIN,
    EDGE_MOVED,
    EDGE_READ,
    EDGE_WRITE,
    ELEMENTS,
    FILL,
    FIRST,
    FIRST_TILE,
    INNERMOST,
    LAST_TILE,
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
    TEMPORAL,
    TOTAL,
    UPDATE,
    VISITS,
    Ints,
    Machine,
    Problem,
    Result,
    Scratch,
    measure,
)


@kernel
def _mark_loops(nest: Ints, n_rows: int, problem: Problem, scratch: Scratch, result: Result) -> int:
    """Find loops with a trip count above 1, and nominal tiles; returns the innermost memory that stores."""
    scratch.nominal[:] = problem.extents
    innermost, spatial = 0, 0
    for i in range(n_rows):
        scratch.busy[i] = 0
        scratch.spatial[i] = spatial
        if nest[i, 0] != STORE:
            d, tile = nest[i, 1], nest[i, 2]
            scratch.busy[i] = 1 if tile < scratch.nominal[d] else 0
            spatial += scratch.busy[i] * (nest[i, 0] == SPATIAL)
            scratch.nominal[d] = tile
            continue
        memory, role = nest[i, 1], nest[i, 3]
        elements = 1
        for axis in range(problem.n_axes[role]):
            span = 1
            for d in range(problem.extents.shape[0]):
                if problem.axis_of[role, d] == axis:
                    span += problem.coeff[role, d] * (scratch.nominal[d] - 1)
            elements *= span
        result.tiles[memory, role] = elements
        innermost = max(innermost, memory)
    scratch.spatial[n_rows] = spatial
    return innermost


@kernel
def _mark_visits(nest: Ints, row: int, role: int, what: int, problem: Problem, scratch: Scratch) -> int:
    """Tell dropped temporal loops above `row` (FIRST) from visiting ones (ALL); returns the sliding row.

    `what` is VISITS for the matrix unit, which holds no tile.
    """
    slide, dropping, innermost = NONE, what == ELEMENTS, True
    for j in range(row - 1, -1, -1):
        if nest[j, 0] != TEMPORAL:
            continue
        if dropping and scratch.busy[j]:
            if problem.axis_of[role, nest[j, 1]] >= 0:
                dropping = False
                if innermost and role != OUT:
                    slide = j
            innermost = False
        scratch.visits[j] = FIRST if dropping else ALL
    if slide >= 0:
        dim = nest[slide, 1]
        for d in range(problem.extents.shape[0]):
            if d != dim and problem.axis_of[role, d] == problem.axis_of[role, dim]:
                return slide
    return NONE


@kernel
def _reduced(nest: Ints, row: int, link: int, problem: Problem, machine: Machine, scratch: Scratch) -> bool:
    """Whether results above `row` can be final on the parent's side of a fanout (NONE: of no fanout)."""
    for j in range(row):
        if nest[j, 0] == SPATIAL and scratch.busy[j] and problem.axis_of[OUT, nest[j, 1]] < 0:
            axis = machine.axes[nest[j, 3]]
            if link < 0 or axis.link < link or not (axis.shares >> OUT) & 1:
                return False
    return True


@kernel
def _write_rate(memory: Any) -> float:
    """Rate of writes alone [byte/cycle]."""
    rate: float = memory.read_rate if memory.shared else memory.write_rate
    return rate


@kernel
def _count_edges(
    nest: Ints, row: int, parent_row: int, role: int, problem: Problem, machine: Machine, scratch: Scratch,
    result: Result,
) -> None:  # fmt: skip
    """First fill or last drain between a store and its parent: own times, and loads on parents and links."""
    child, parent = nest[row, 1], nest[parent_row, 1]
    memories, links = machine.memories, machine.links
    counting = LAST_TILE if role == OUT else FIRST_TILE
    width, accumulator = problem.bits[role] / 8.0, problem.bits[3] / 8.0
    final = _reduced(nest, row, NONE, problem, machine, scratch)
    parent_final = _reduced(nest, parent_row, NONE, problem, machine, scratch)
    own = measure(nest, row, role, counting, INNERMOST, FIRST, NONE, ELEMENTS, problem, machine, scratch)
    level = memories[parent].level
    across = measure(nest, row, role, counting, level, FIRST, NONE, ELEMENTS, problem, machine, scratch)
    if role == OUT:
        result.edge[child, EDGE_READ] = own * (width if final else accumulator) / memories[child].read_rate
        wait = across * (width if parent_final else accumulator) / _write_rate(memories[parent])
        result.edge[child, EDGE_DRAIN] = max(result.edge[child, EDGE_READ], wait)
    else:
        result.edge[child, EDGE_WRITE] += own * width / _write_rate(memories[child])
        result.edge_parent[child, parent] += across * width
    for f in range(links.shape[0]):
        if level < links[f].level < memories[child].level:
            crossing = measure(
                nest, row, role, counting, links[f].level, FIRST, NONE, ELEMENTS, problem, machine, scratch
            )
            if role == OUT:
                done = _reduced(nest, row, f, problem, machine, scratch)
                wait = crossing * (width if done else accumulator) / links[f].rate
                result.edge[child, EDGE_DRAIN] = max(result.edge[child, EDGE_DRAIN], wait)
            else:
                result.edge_link[child, f] += crossing * width


@kernel
def _count_links(
    nest: Ints, row: int, parent: int, role: int, slide: int, what: int, purpose: int, problem: Problem,
    machine: Machine, scratch: Scratch, result: Result,
) -> None:  # fmt: skip
    """Bytes that cross each fanout between a parent and its child."""
    links = machine.links
    inner = machine.memories[nest[row, 1]].level if what == ELEMENTS else INNERMOST
    width, accumulator = problem.bits[role] / 8.0, problem.bits[3] / 8.0
    for f in range(links.shape[0]):
        if not machine.memories[parent].level < links[f].level < inner:
            continue
        if purpose == SEARCH and links[f].rate == np.inf and links[f].j == 0.0:
            continue
        for scope in range(2):
            outer = ALL if scope == TOTAL else FIRST
            pivot = links[f].level
            crossed = measure(nest, row, role, STEPS, pivot, outer, slide, what, problem, machine, scratch)
            if role != OUT:
                result.link_bytes[f, scope] += crossed * width
                continue
            known = measure(nest, row, role, DISTINCT, pivot, outer, NONE, what, problem, machine, scratch)
            done = known if _reduced(nest, row, f, problem, machine, scratch) else 0
            result.link_bytes[f, scope] += (2 * crossed - known - done) * accumulator + done * width


@kernel
def _sides(
    nest: Ints, row: int, parent: int, parent_row: int, role: int, slide: int, what: int, problem: Problem,
    machine: Machine, scratch: Scratch,
) -> tuple[int, int, int, int]:  # fmt: skip
    """V at the child (total, busiest) and at its parent (total, busiest)."""
    visited = measure(nest, row, role, STEPS, INNERMOST, ALL, slide, what, problem, machine, scratch)
    visited_busiest, served = visited, visited
    if scratch.spatial[row] > 0:
        visited_busiest = measure(
            nest, row, role, STEPS, INNERMOST, FIRST, slide, what, problem, machine, scratch
        )
    served_busiest = visited_busiest
    if scratch.spatial[row] > scratch.spatial[parent_row]:
        level = machine.memories[parent].level
        served = measure(nest, row, role, STEPS, level, ALL, slide, what, problem, machine, scratch)
        served_busiest = served
        if scratch.spatial[parent_row] > 0:
            served_busiest = measure(
                nest, row, role, STEPS, level, FIRST, slide, what, problem, machine, scratch
            )
    return visited, visited_busiest, served, served_busiest


@kernel
def _distinct(nest: Ints, row: int, problem: Problem, machine: Machine, scratch: Scratch) -> tuple[int, int]:
    """D of docs/cost-model.md at a store of the output (total, busiest)."""
    every = measure(nest, row, OUT, DISTINCT, INNERMOST, ALL, NONE, ELEMENTS, problem, machine, scratch)
    if scratch.spatial[row] == 0:
        return every, every
    busiest = measure(nest, row, OUT, DISTINCT, INNERMOST, FIRST, NONE, ELEMENTS, problem, machine, scratch)
    return every, busiest


@kernel
def _book_parent(
    parent: int, role: int, scope: int, served: int, held: int, done: int, problem: Problem, result: Result
) -> None:
    """Count what a parent serves: `held` distinct output elements, `done` of them final there."""
    width, accumulator = problem.bits[role] / 8.0, problem.bits[3] / 8.0
    counts, moved = result.counts[parent, role, scope], result.memory_bytes[parent]
    if role != OUT:
        counts[READ_CHILD] = served
        moved[0, scope] += served * width
        return
    counts[UPDATE], counts[READ_PSUM], counts[PARTIAL_UPDATE] = served, served - held, served - done
    moved[0, scope] += (served - held) * accumulator
    moved[1, scope] += (served - done) * accumulator + done * width


@kernel
def _book_child(
    child: int, role: int, scope: int, visited: int, held: int, done: int, problem: Problem, machine: Machine,
    result: Result,
) -> None:  # fmt: skip
    """Count fills and drains of a store, and the time that they take by themselves."""
    width, accumulator = problem.bits[role] / 8.0, problem.bits[3] / 8.0
    counts, moved = result.counts[child, role, scope], result.memory_bytes[child]
    if role != OUT:
        counts[FILL] = visited
        written, read = visited * width, 0.0
    else:
        counts[FILL], counts[DRAIN], counts[PARTIAL_DRAIN] = visited - held, visited, visited - done
        written, read = (visited - held) * accumulator, (visited - done) * accumulator + done * width
    moved[0, scope] += read
    moved[1, scope] += written
    if scope == BUSIEST:
        memory = machine.memories[child]
        result.edge[child, EDGE_MOVED] += written / _write_rate(memory) + read / memory.read_rate


@kernel
def _count_role(
    nest: Ints, n_rows: int, role: int, innermost: int, purpose: int, problem: Problem, machine: Machine,
    scratch: Scratch, result: Result,
) -> float:  # fmt: skip
    """Counts of one tensor at all its stores; returns its visits at memory `innermost`, or infinity."""
    parent, parent_row = NONE, NONE
    parent_held, held = (0, 0), (0, 0)
    parent_final, final = True, True
    edges = machine.unit[0].overlap_only == 0
    stationary = np.inf
    for row in range(n_rows + 1):
        keeps = row < n_rows
        if keeps and (nest[row, 0] != STORE or nest[row, 3] != role):
            continue
        what = ELEMENTS if keeps else VISITS
        slide = _mark_visits(nest, row, role, what, problem, scratch)
        child = nest[row, 1] if keeps else NONE
        final = _reduced(nest, row, NONE, problem, machine, scratch)
        if keeps and role == OUT:
            held = _distinct(nest, row, problem, machine, scratch)
        if child == innermost and edges and machine.unit[0].pipeline > 0.0:
            stationary = float(
                measure(nest, row, role, STEPS, INNERMOST, FIRST, NONE, VISITS, problem, machine, scratch)
            )
        if parent >= 0:
            visited, visited_busiest, served, served_busiest = _sides(
                nest, row, parent, parent_row, role, slide, what, problem, machine, scratch
            )
            for scope in range(2):
                above = parent_held[scope]
                amount = served if scope == TOTAL else served_busiest
                _book_parent(
                    parent, role, scope, amount, above, above if parent_final else 0, problem, result
                )
                if keeps:
                    here = held[scope]
                    amount = visited if scope == TOTAL else visited_busiest
                    _book_child(
                        child, role, scope, amount, here, here if final else 0, problem, machine, result
                    )
            _count_links(nest, row, parent, role, slide, what, purpose, problem, machine, scratch, result)
            if keeps and edges:
                _count_edges(nest, row, parent_row, role, problem, machine, scratch, result)
        parent, parent_row, parent_held, parent_final = child, row, held, final
    return stationary


@kernel
def _count_instances(
    nest: Ints, n_rows: int, problem: Problem, machine: Machine, scratch: Scratch, result: Result
) -> None:
    """Used instances of each store and of the matrix unit."""
    for row in range(n_rows):
        if nest[row, 0] == STORE:
            result.instances[nest[row, 1], nest[row, 3]] = measure(
                nest, row, nest[row, 3], FIRST_TILE, INNERMOST, ALL, NONE, VISITS, problem, machine, scratch
            )
    result.summary[SUM_UNITS] = measure(
        nest, n_rows, OUT, FIRST_TILE, INNERMOST, ALL, NONE, VISITS, problem, machine, scratch
    )


@kernel
def _fits(problem: Problem, machine: Machine, result: Result) -> bool:
    """Whether every memory holds its tiles."""
    for m in range(machine.memories.shape[0]):
        held = 0.0
        for role in range(N_ROLES):
            if result.tiles[m, role] >= 0:
                partial = role == OUT and result.counts[m, OUT, TOTAL, PARTIAL_UPDATE] > 0
                held += result.tiles[m, role] * (problem.bits[3] if partial else problem.bits[role]) / 8.0
        if held * (2.0 if machine.memories[m].double else 1.0) > machine.memories[m].capacity:
            return False
    return True


@kernel
def _add_up(machine: Machine, result: Result) -> None:
    """Loads, steady state and dynamic energy from bytes and operations."""
    memories, links, moved = machine.memories, machine.links, result.memory_bytes
    n_memories = memories.shape[0]
    energy = result.summary[SUM_OPS] * machine.unit[0].j
    for m in range(n_memories):
        read, write = moved[m, 0, BUSIEST], moved[m, 1, BUSIEST]
        if memories[m].shared:
            result.loads[1 + m] = (read + write) / memories[m].read_rate
        else:
            result.loads[1 + m] = max(read / memories[m].read_rate, write / memories[m].write_rate)
        energy += moved[m, 0, TOTAL] * memories[m].read_j + moved[m, 1, TOTAL] * memories[m].write_j
    for f in range(links.shape[0]):
        result.loads[1 + n_memories + f] = result.link_bytes[f, BUSIEST] / links[f].rate
        energy += result.link_bytes[f, TOTAL] * links[f].j
    result.summary[SUM_ENERGY] = energy
    result.summary[SUM_STEADY] = np.max(result.loads)
    result.summary[SUM_LATENCY] = result.summary[SUM_STEADY]


@kernel
def _add_edges(innermost: int, stationary: float, machine: Machine, result: Result) -> None:
    """What cannot overlap: first fill, last drain, memories without double buffering, the unit's pipeline."""
    memories, links, edge, total = machine.memories, machine.links, result.edge, result.summary
    for m in range(memories.shape[0]):
        wait = edge[m, EDGE_WRITE]
        for p in range(memories.shape[0]):
            wait = max(wait, result.edge_parent[m, p] / memories[p].read_rate)
        for f in range(links.shape[0]):
            wait = max(wait, result.edge_link[m, f] / links[f].rate)
        total[SUM_FILL] += wait
        total[SUM_DRAIN] += edge[m, EDGE_DRAIN]
        if m > 0 and not memories[m].double:
            total[SUM_UNHIDDEN] += max(0.0, edge[m, EDGE_MOVED] - edge[m, EDGE_WRITE] - edge[m, EDGE_READ])
    if machine.unit[0].pipeline > 0.0:
        changes = 1.0 if memories[innermost].double else stationary
        total[SUM_PIPELINE] = machine.unit[0].pipeline * changes
    total[SUM_LATENCY] += total[SUM_FILL] + total[SUM_DRAIN] + total[SUM_UNHIDDEN] + total[SUM_PIPELINE]


@kernel
def evaluate_nest(
    nest: Ints,
    n_rows: int,
    purpose: int,
    problem: Problem,
    machine: Machine,
    scratch: Scratch,
    result: Result,
) -> bool:
    """Counts, cycles and energy of one mapping that is legal but for capacity; False if a memory overflows.

    `nest` (n, 4) holds rows as described at TEMPORAL, the first `n_rows` of them used. With `purpose` REPORT
    everything is counted, with SEARCH only what latency and dynamic energy depend on.
    """
    result.memory_bytes[:] = 0.0
    result.link_bytes[:] = 0.0
    result.edge[:] = 0.0
    result.edge_parent[:] = 0.0
    result.edge_link[:] = 0.0
    result.summary[:] = 0.0
    result.counts[:] = 0
    result.tiles[:] = -1
    result.instances[:] = 0
    innermost = _mark_loops(nest, n_rows, problem, scratch, result)
    stationary = np.inf
    for role in range(N_ROLES):
        visits = _count_role(nest, n_rows, role, innermost, purpose, problem, machine, scratch, result)
        stationary = min(stationary, visits)
    if purpose == REPORT:
        _count_instances(nest, n_rows, problem, machine, scratch, result)
    if not _fits(problem, machine, result):
        return False
    operations = 1
    for d in range(problem.extents.shape[0]):
        operations *= problem.extents[d]
    result.summary[SUM_OPS] = operations
    _mark_visits(nest, n_rows, OUT, VISITS, problem, scratch)
    steps = measure(nest, n_rows, OUT, STEPS, INNERMOST, FIRST, NONE, VISITS, problem, machine, scratch)
    result.loads[0] = steps / machine.unit[0].rate
    _add_up(machine, result)
    if machine.unit[0].overlap_only == 0:
        _add_edges(innermost, stationary, machine, result)
    return True
