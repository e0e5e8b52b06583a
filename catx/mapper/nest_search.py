"""Search for a mapping: structured tilings over many unrollings, then free moves on the best."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.evaluate import evaluate
from catx.costmodel.pack import new_bench
from catx.costmodel.tiles_kernel import SPATIAL, STORE, Bench
from catx.errors import MappingError
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import OUTPUT, ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store
from catx.mapper import nests_kernel
from catx.mapper.mapspace import Unrolling, new_state, put_tiles, thinned, tile_candidates, unrollings
from catx.mapper.nests_kernel import State

Rows = NDArray[np.int64]
"""A nest as the kernel's rows, (rows, 4)."""

COARSE = 1.3
"""Least ratio between candidate tiles of the structured search."""

COARSER = 1.9
"""The same ratio for pairs of tiles."""

ROUNDS = 3
"""Rounds of coordinate descent."""

N_UNROLLINGS = 32
"""Spatial unrollings that the structured search starts from."""

N_DESCENTS = 8
"""Unrollings that are searched further after the first round."""

N_CLIMBS = 3
"""Structured tilings that the free search improves."""

CLIMB_LIMIT = 6_000
"""Nests that one climb may cost."""

_STRUCTURE = ("tile", "order", "keeps", "spatial", "n_spatial")


def search_front(einsum: Einsum, accelerator: Accelerator) -> tuple[list[Mapping], int]:
    """Mappings that no other one found beats in both energy and latency, and how many nests were costed.

    They come by increasing latency. Raises as `mapper.map_einsum.map_front` says.
    """
    bench, state = new_bench(einsum, accelerator), new_state(einsum, accelerator)
    state["objective"] = nests_kernel.EDP
    state["static_w"], state["second"] = accelerator.static_w, 1.0 / accelerator.clock_hz
    candidates = tile_candidates(einsum, accelerator)
    put_tiles(state, [thinned(values, COARSE) for values in candidates])
    starts = _structured(einsum, accelerator, bench, state) or [_smallest(einsum, accelerator, bench, state)]
    for start in starts:
        start.put(state)
        put_tiles(state, [thinned(values, COARSER) for values in candidates])
        nests_kernel.descend_pairs(bench, state)
        put_tiles(state, [thinned(values, COARSE) for values in candidates])
        nests_kernel.descend(bench, state, ROUNDS)
        put_tiles(state, candidates)
        nests_kernel.climb(bench, state, CLIMB_LIMIT)
    for objective in (nests_kernel.ENERGY, nests_kernel.LATENCY):
        state["objective"] = objective
        costs = state["front_energy"] if objective == nests_kernel.ENERGY else state["front_time"]
        least = int(np.argmin(costs[: state["n_front"]]))
        rows = int(state["front_rows"][least])
        bench["nest"][:rows], bench["n_rows"] = state["front_nest"][least, :rows], rows
        nests_kernel.climb(bench, state, CLIMB_LIMIT)
    order = np.argsort(state["front_time"][: state["n_front"]], kind="stable")
    nests = [state["front_nest"][i, : state["front_rows"][i]] for i in order]
    return [_unpack(rows, einsum, accelerator) for rows in nests], int(state["evaluated"])


@dataclass(frozen=True, slots=True)
class _Structured:
    """A structured nest and its score: the fields of a search record that describe it."""

    score: nests_kernel.Score
    fields: dict[str, Any]

    @classmethod
    def of(cls, state: State, score: nests_kernel.Score) -> "_Structured":
        return cls(score, {name: state[name].copy() for name in _STRUCTURE})

    def put(self, state: State) -> None:
        for name, value in self.fields.items():
            state[name] = value


def _structured(einsum: Einsum, accelerator: Accelerator, bench: Bench, state: State) -> list[_Structured]:
    """The best structured nests of the most promising unrollings, best first.

    A first round of descent over many unrollings tells which are worth more.
    """
    candidates = unrollings(einsum, accelerator, bench, N_UNROLLINGS)
    first = [_descend(einsum, accelerator, unrolling, 1, bench, state) for unrolling in candidates]
    ranked = sorted(range(len(candidates)), key=lambda index: (first[index].score, index))[:N_DESCENTS]
    found = [_descend(einsum, accelerator, candidates[index], ROUNDS, bench, state) for index in ranked]
    fitting = (entry for entry in found if entry.score[0] < np.inf)
    return sorted(fitting, key=lambda entry: entry.score)[:N_CLIMBS]


def _descend(
    einsum: Einsum, accelerator: Accelerator, unrolling: Unrolling, rounds: int, bench: Bench, state: State
) -> _Structured:
    """The best nest that descents from an unrolling reach, one for each role held still."""
    state["n_spatial"] = len(unrolling)
    state["spatial"][: len(unrolling)] = np.array(unrolling).reshape(-1, 3)
    least = _least_tiles(einsum, accelerator, unrolling)
    best: _Structured | None = None
    for still in range(len(ROLES)):
        state["order"] = still
        state["keeps"] = state["may"]
        state["tile"][: least.shape[0], : least.shape[1]] = least
        score = nests_kernel.descend(bench, state, rounds)
        if best is None or nests_kernel.better(score, best.score):
            best = _Structured.of(state, score)
    assert best is not None
    return best


def _smallest(einsum: Einsum, accelerator: Accelerator, bench: Bench, state: State) -> _Structured:
    """The nest that needs the least room: one element of what must be kept, sums finished in one place.

    Raises:
        MappingError: even this does not fit; the message names the memory, its tensors and the missing bytes.
    """
    state["n_spatial"] = 0
    state["order"] = ROLES.index(OUTPUT)
    state["keeps"] = state["must"]
    state["tile"] = 1
    score = nests_kernel.descend(bench, state, 0)
    if score[0] < np.inf:
        return _Structured.of(state, score)
    mapping = _unpack(bench["nest"][: bench["n_rows"]], einsum, accelerator)
    try:
        evaluate(einsum, mapping, accelerator)
    except MappingError as error:
        raise MappingError(
            f"{einsum.name or 'the einsum'} does not fit {accelerator.name}, not even one element of each "
            f"tensor: {error.args[0]}",
            loc=einsum.loc,
        ) from None
    raise AssertionError("the kernel rejected a nest that fits")


def _least_tiles(einsum: Einsum, accelerator: Accelerator, unrolling: Unrolling) -> NDArray[np.int64]:
    """The smallest tile at each memory that still feeds every instance further in, (memories, dims)."""
    fanout_of = [f for f, fanout in enumerate(accelerator.fanouts) for _ in fanout.axes]
    depth = {level.name: index for index, level in enumerate(accelerator.levels)}
    extents = list(einsum.extents.values())
    tiles = np.ones((len(accelerator.memories), len(extents)), np.int64)
    for m, memory in enumerate(accelerator.memories):
        for axis, d, factor in unrolling:
            if depth[accelerator.fanouts[fanout_of[axis]].name] > depth[memory.name]:
                tiles[m, d] = min(tiles[m, d] * factor, extents[d])
    return tiles


def _unpack(rows: Rows, einsum: Einsum, accelerator: Accelerator) -> Mapping:
    dims = list(einsum.extents)
    axes = [(fanout.name, axis.name) for fanout in accelerator.fanouts for axis in fanout.axes]
    nodes: list[Node] = []
    for kind, index, tile, extra in rows.tolist():
        if kind == STORE:
            nodes.append(Store(accelerator.memories[index].name, ROLES[extra]))
        elif kind == SPATIAL:
            nodes.append(Loop(dims[index], tile, *axes[extra]))
        else:
            nodes.append(Loop(dims[index], tile))
    return Mapping(tuple(nodes))
