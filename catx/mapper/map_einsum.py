"""Find a mapping of one einsum on one accelerator for one objective, with a certificate of how good it is."""

from dataclasses import dataclass

import numpy as np

from catx.costmodel.evaluate import evaluate
from catx.costmodel.pack import pack_machine, pack_problem
from catx.costmodel.tiles_kernel import SPATIAL, STORE, Ints, new_result, new_scratch
from catx.errors import MappingError
from catx.ir.accelerator import Accelerator
from catx.ir.counts import Counts
from catx.ir.einsum import ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store
from catx.ir.report import Certificate
from catx.mapper import nests_kernel
from catx.mapper.bounds import energy_bound_j, roofline_cycles
from catx.mapper.mapspace import Unrolling, space, thinned, tile_candidates, unrollings
from catx.mapper.misfit import explain_misfit
from catx.mapper.nests_kernel import Desk, Goal, Tiling
from catx.mapper.objective import Objective
from catx.mapper.store import load_mapping, save_mapping

N_UNROLLINGS = 12
"""Spatial unrollings that the structured search starts from."""

N_CLIMBS = 4
"""Structured tilings that the free search improves."""

CLIMB_LIMIT = 12_000
"""Nests that one climb may cost."""

N_ROWS = 64
"""Rows that a nest may have."""

_KINDS = {
    "latency": nests_kernel.LATENCY,
    "energy": nests_kernel.ENERGY,
    "edp": nests_kernel.EDP,
    "carbon": nests_kernel.LINEAR,
}


@dataclass(frozen=True, slots=True)
class MappedEinsum:
    """A mapping, what it costs, and how good it is known to be."""

    mapping: Mapping
    counts: Counts
    certificate: Certificate


def map_einsum(einsum: Einsum, accelerator: Accelerator, objective: Objective) -> MappedEinsum:
    """A good mapping: deterministic, never worse than the structured tilings that it starts from.

    Results are kept on disk by content and found again there.

    Raises:
        MappingError: no mapping fits (the message tells which tensor, which memory, how many bytes are
            missing), or the matrix unit does not compute the einsum's element types.
    """
    stored = load_mapping(einsum, accelerator, objective)
    mapping, evaluated = stored or _search(einsum, accelerator, objective)
    counts = evaluate(einsum, mapping, accelerator)
    if stored is None:
        save_mapping(einsum, accelerator, objective, mapping, evaluated)
    return MappedEinsum(mapping, counts, certify(einsum, accelerator, objective, counts, evaluated))


def _search(einsum: Einsum, accelerator: Accelerator, objective: Objective) -> tuple[Mapping, int]:
    desk = _desk(einsum, accelerator, objective)
    starts = _structured(einsum, accelerator, desk)
    if not starts:
        raise MappingError(explain_misfit(einsum, accelerator), loc=einsum.loc)
    free = desk._replace(space=space(einsum, accelerator, tile_candidates(einsum, accelerator)))
    best: tuple[tuple[float, float], Ints] | None = None
    for _, start in starts[:N_CLIMBS]:
        nest, trial = np.zeros((N_ROWS, 4), np.int64), np.zeros((N_ROWS, 4), np.int64)
        nest[: len(start)] = start
        n, value, tie = nests_kernel.climb(nest, len(start), trial, CLIMB_LIMIT, free)
        if best is None or nests_kernel.better((value, tie), best[0]):
            best = (value, tie), nest[:n].copy()
    assert best is not None
    return _unpack(best[1], einsum, accelerator), int(desk.evaluated[0])


def _desk(einsum: Einsum, accelerator: Accelerator, objective: Objective) -> Desk:
    coarse = [thinned(values, 1.3) for values in tile_candidates(einsum, accelerator)]
    machine = pack_machine(einsum, accelerator)
    return Desk(
        problem=pack_problem(einsum, accelerator),
        machine=machine,
        space=space(einsum, accelerator, coarse),
        goal=Goal(
            _KINDS[objective.name],
            accelerator.static_w,
            1.0 / accelerator.clock_hz,
            objective.gco2e_per_j,
            objective.gco2e_per_s,
        ),
        scratch=new_scratch(len(einsum.dims), N_ROWS),
        result=new_result(len(machine.memories), len(machine.links)),
        evaluated=np.zeros(1, np.int64),
    )


def _structured(
    einsum: Einsum, accelerator: Accelerator, desk: Desk
) -> list[tuple[tuple[float, float], Ints]]:
    """The best structured tiling of each unrolling, best first."""
    found: dict[Unrolling, tuple[tuple[float, float], Ints]] = {}
    nest = np.zeros((N_ROWS, 4), np.int64)
    for unrolling in unrollings(einsum, accelerator, N_UNROLLINGS):
        for still in range(len(ROLES)):
            tiling = Tiling(
                tiles=_least_tiles(einsum, accelerator, unrolling),
                order=np.full(len(accelerator.memories), still, np.int64),
                keeps=desk.space.may.copy(),
                spatial=np.array(unrolling, np.int64).reshape(-1, 3),
            )
            score = nests_kernel.descend(nest, tiling, 3, desk)
            if score[0] < np.inf:
                n = nests_kernel.build(nest, tiling, desk)
                if unrolling not in found or nests_kernel.better(score, found[unrolling][0]):
                    found[unrolling] = score, nest[:n].copy()
    return sorted(found.values(), key=lambda entry: entry[0])


def _least_tiles(einsum: Einsum, accelerator: Accelerator, unrolling: Unrolling) -> Ints:
    """The smallest tile at each memory that still feeds every instance further in."""
    fanout_of = [f for f, fanout in enumerate(accelerator.fanouts) for _ in fanout.axes]
    depth = {level.name: index for index, level in enumerate(accelerator.levels)}
    extents = list(einsum.extents.values())
    tiles = np.ones((len(accelerator.memories), len(extents)), np.int64)
    for m, memory in enumerate(accelerator.memories):
        for axis, d, factor in unrolling:
            if depth[accelerator.fanouts[fanout_of[axis]].name] > depth[memory.name]:
                tiles[m, d] = min(tiles[m, d] * factor, extents[d])
    return tiles


def _unpack(nest: Ints, einsum: Einsum, accelerator: Accelerator) -> Mapping:
    dims = list(einsum.extents)
    axes = [(fanout.name, axis.name) for fanout in accelerator.fanouts for axis in fanout.axes]
    nodes: list[Node] = []
    for kind, index, tile, extra in nest.tolist():
        if kind == STORE:
            nodes.append(Store(accelerator.memories[index].name, ROLES[extra]))
        elif kind == SPATIAL:
            nodes.append(Loop(dims[index], tile, *axes[extra]))
        else:
            nodes.append(Loop(dims[index], tile))
    return Mapping(tuple(nodes))


def certify(
    einsum: Einsum, accelerator: Accelerator, objective: Objective, counts: Counts, evaluated: int
) -> Certificate:
    """How far a mapping is from what no mapping can beat."""
    latency_s = counts.cycles.latency_cycles / accelerator.clock_hz
    energy_j = counts.dynamic_energy_j + accelerator.static_w * latency_s
    least_s = roofline_cycles(einsum, accelerator) / accelerator.clock_hz
    least_j = energy_bound_j(einsum, accelerator) + accelerator.static_w * least_s
    value, bound = objective.value(energy_j, latency_s), objective.value(least_j, least_s)
    gap = value / bound - 1.0 if bound > 0 else 0.0 if value == 0 else float("inf")
    status = "proved" if gap <= 1e-12 else "gap"
    return Certificate(status=status, gap=max(gap, 0.0), bound=bound, evaluated=evaluated)
