"""The exact front of (energy, latency) over all legal mappings of a small einsum, by going through them all.

Written from section 1 of docs/cost-model.md; it shares nothing with `catx.mapper`. A mapping is blocks of
stores with runs of loops (`loop_runs`) between them:

- Stores with no loop between them commute: a cost depends on the loops above each store, and stores of one
  tensor have one order (rule 3). So a block is a set, and blocks below the first are not empty.
- Spatial loops of one fanout are all in one run: a store between two of them would stand below a loop of the
  fanout, so it would be of a memory further in, and above another, so it would not (rule 4).
- A run may hold loops of exactly those fanouts whose outer memories have stored all above it, and whose inner
  memories have stored nothing (rule 4); a fanout without loops forbids nothing.
- The outermost memory's stores are the first (rule 1). Stores of other memories of the first block commute
  with them.

Every mapping is one of these, or costs as much as one, or is replaced by one as `loop_runs` tells. Nothing is
left out because it seems bad: no bound, no objective, no choice of tiles.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations, product
from math import inf
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.evaluate import evaluate
from catx.costmodel.rates import rate_for
from catx.ir.accelerator import Accelerator, Memory
from catx.ir.einsum import OUTPUT, ROLES, Einsum
from catx.ir.mapping import Mapping, Store
from tests.oracle.batch_cost import BatchCost
from tests.oracle.loop_runs import LoopRuns, TooManyNestsError

Point = tuple[float, float, Mapping]
"""Energy with static power [J], latency with launch [s], a mapping that costs both."""

SAME = 1e-12
"""Relative difference below which two costs are one: sums of the same numbers in other orders differ less."""

CHUNK = 50_000
"""Nests that are costed at once."""

T = TypeVar("T")


def exhaustive_front(
    einsum: Einsum,
    accelerator: Accelerator,
    *,
    limit: int = 300_000,
    among: Callable[[Mapping], bool] | None = None,
) -> list[Point]:
    """The Pareto front of (energy, latency) over all legal mappings, by increasing latency.

    Empty if no mapping fits.

    Args:
        limit: how many nests are costed at most.
        among: which mappings count; then no order of loops stands for another one.

    Raises:
        TooManyNestsError: there are more.
        MappingError: the matrix unit does not compute the einsum's element types.
    """
    space = NestSpace(einsum, accelerator, limit, all_orders=among is not None)
    nests = space.nests()
    if among is not None:
        nests = [nest for nest in nests if among(space.costs.decode(nest))]
    best: list[tuple[float, float, bytes]] = []
    for begin in range(0, len(nests), CHUNK):
        chunk = nests[begin : begin + CHUNK]
        energies, latencies = space.costs.costs(chunk)
        rows = _undominated(energies, latencies)
        best = thinned(best + [(float(energies[row]), float(latencies[row]), chunk[row]) for row in rows])
    points = list[Point]()
    for _, _, nest in best:
        mapping = space.costs.decode(nest)
        counts = evaluate(einsum, mapping, accelerator)  # raises where it is not legal
        latency_s = counts.cycles.latency_cycles / accelerator.clock_hz + accelerator.launch_s
        points.append((counts.dynamic_energy_j + accelerator.static_w * latency_s, latency_s, mapping))
    return points


def count_nests(einsum: Einsum, accelerator: Accelerator, *, limit: int = 300_000) -> int:
    """How many nests `exhaustive_front` goes through. Raises where `limit` does not suffice to count them."""
    return NestSpace(einsum, accelerator, limit).size()


def thinned(points: list[tuple[float, float, T]]) -> list[tuple[float, float, T]]:
    """The points that no other one beats in both costs, one of equal ones, by increasing latency."""
    kept = list[tuple[float, float, T]]()
    for point in sorted(points, key=lambda point: (point[1], point[0])):
        if kept and point[0] >= kept[-1][0] * (1.0 - SAME):
            continue
        if kept and point[1] <= kept[-1][1] * (1.0 + SAME):
            kept.pop()
        kept.append(point)
    return kept


def _undominated(energies: NDArray[np.float64], latencies: NDArray[np.float64]) -> list[int]:
    """Rows that no row before them in order of (latency, energy) beats in energy; those that fit."""
    order = np.lexsort((energies, latencies))
    least, rows = inf, list[int]()
    for row in order.tolist():
        if energies[row] < least and latencies[row] < inf:
            least = float(energies[row])
            rows.append(row)
    return rows


Stores = tuple[tuple[str, ...], ...]
"""The memories that store each role, from the outside in, without the outermost."""


@dataclass(frozen=True, slots=True)
class _State:
    """What the part of a nest above a block of stores leaves for the rest of the nest.

    `nominal` extents by dim; of the `stores`, how many of each role are `placed` above; the bytes of `room`
    left in each inner memory; roles `barred` from the block. Only the first block may be empty.
    """

    nominal: tuple[int, ...]
    stores: Stores
    placed: tuple[int, ...]
    room: tuple[float, ...]
    barred: frozenset[str] = frozenset()
    first: bool = False


class NestSpace:
    """All nests of one einsum on one accelerator, as strings of `costs`; at most `limit` of them."""

    def __init__(
        self, einsum: Einsum, accelerator: Accelerator, limit: int, *, all_orders: bool = False
    ) -> None:
        self.einsum, self.accelerator, self.limit = einsum, accelerator, limit
        self.costs = BatchCost(einsum, accelerator)
        self.runs = LoopRuns(einsum, accelerator, limit, all_orders=all_orders)
        self.outer, *self.inner = accelerator.memories
        self.names = [memory.name for memory in self.inner]
        self.depth = {level.name: depth for depth, level in enumerate(accelerator.levels)}
        accumulator = rate_for(einsum, accelerator).accumulator.bits
        self.least_bits = {r: o.dtype.bits for r, o in zip(ROLES, einsum.operands, strict=True)}
        self.least_bits[OUTPUT] = min(accumulator, self.least_bits[OUTPUT])
        self.n_steps = 0
        self.steps = cache(self._steps)
        self.count = cache(self._count)
        self.rests = cache(self._rests)

    def starts(self) -> list[_State]:
        """What the outermost stores leave, for every choice of what the inner memories store."""
        extents = tuple(self.einsum.extents.values())
        room = tuple(memory.capacity_bytes for memory in self.inner)
        found = list[_State]()
        for keeps in product(*(_choices(memory) for memory in self.inner)):
            stores = tuple(
                tuple(name for name, roles in zip(self.names, keeps, strict=True) if role in roles)
                for role in ROLES
            )
            found.append(_State(extents, stores, (0, 0, 0), room, first=True))
        return found

    def size(self) -> int:
        """How many nests there are."""
        return sum(self.count(start) for start in self.starts())

    def nests(self) -> list[bytes]:
        """Every nest that is legal, but for capacities that only partial sums exceed."""
        if (size := self.size()) > self.limit:
            raise TooManyNestsError(f"{size} nests, more than {self.limit}")
        top = self.costs.encode(*(Store(self.outer.name, role) for role in ROLES))
        return [top + nest for start in self.starts() for nest in self.rests(start)]

    def _count(self, state: _State) -> int:
        return sum(self.count(after) if after else 1 for _, after in self.steps(state))

    def _rests(self, state: _State) -> list[bytes]:
        """All that may follow: a block of stores, a run, a block, and so on, and a last run."""
        found = list[bytes]()
        for step, after in self.steps(state):
            found += [step + rest for rest in self.rests(after)] if after else [step]
        return found

    def _steps(self, state: _State) -> list[tuple[bytes, _State | None]]:
        """Each block of stores with each run that may follow, and the state below; None below the last."""
        found = list[tuple[bytes, _State | None]]()
        for block, rest in self._blocks(state):
            begin = self.costs.encode(*block)
            below = tuple(
                role
                for role, count, names in zip(ROLES, rest.placed, rest.stores, strict=True)
                if count < len(names)
            )
            for run in self.runs.find(rest.nominal, self._fanouts(rest), below):
                after = replace(rest, nominal=run.nominal, barred=run.barred) if below else None
                found.append((begin + self.costs.encode(*run.loops), after))
        self.n_steps += len(found)
        if self.n_steps > self.limit:  # each begins a nest, unless no tile fits further in
            raise TooManyNestsError(f"more than {self.limit} beginnings of nests")
        return found

    def _blocks(self, state: _State) -> Iterator[tuple[list[Store], _State]]:
        """The sets of stores that may stand next, and the state below them."""
        options = [
            range(count, count + 1 if role in state.barred else len(names) + 1)
            for role, count, names in zip(ROLES, state.placed, state.stores, strict=True)
        ]
        for placed in product(*options):
            block = [
                Store(name, role)
                for role, names, start, stop in zip(ROLES, state.stores, state.placed, placed, strict=True)
                for name in names[start:stop]
            ]
            room = self._room(block, state)
            if (block or state.first) and room is not None:
                yield block, _State(state.nominal, state.stores, placed, room)

    def _room(self, block: list[Store], state: _State) -> tuple[float, ...] | None:
        """Bytes left in each memory below a block; None if one surely overflows, whatever comes below.

        Tiles depend on loops above alone. The output counts as narrow as it can be; with what partial sums
        add, and to the last bit, the kernel tells what fits.
        """
        tile = dict(zip(self.einsum.extents, state.nominal, strict=True))
        left = dict(zip(self.names, state.room, strict=True))
        doubled = {memory.name for memory in self.inner if memory.double_buffered}
        for store in block:
            elements = self.einsum.operands[ROLES.index(store.role)].elements(tile)
            size = elements * self.least_bits[store.role] / 8
            left[store.memory] -= size * (2 if store.memory in doubled else 1)
        return None if min(left.values(), default=0.0) < -1e-6 else tuple(left.values())

    def _fanouts(self, state: _State) -> tuple[str, ...]:
        """Fanouts whose loops may stand in the next run."""
        pairs = list(zip(state.stores, state.placed, strict=True))
        done = {self.depth[name] for names, count in pairs for name in names[:count]}
        todo = {self.depth[name] for names, count in pairs for name in names[count:]}
        return tuple(
            fanout.name
            for fanout in self.accelerator.fanouts
            if max(done, default=0) < self.depth[fanout.name] < min(todo, default=inf)
        )


def _choices(memory: Memory) -> list[frozenset[str]]:
    """The sets of roles that a memory may store."""
    free = sorted(memory.optional)
    return [memory.keeps - set(left) for count in range(len(free) + 1) for left in combinations(free, count)]
