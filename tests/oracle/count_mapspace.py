"""The mapspace's size the dumb way: every nest is written down, node by node, and asked whether it counts.

What counts is written in docs/mapper.md, "Size of the mapspace". Rules of the cost model are left to
`tests.oracle.legality`. Nothing is shared with `catx.mapper`.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil, inf, prod

from catx.ir.accelerator import Accelerator, Memory
from catx.ir.einsum import ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store
from tests.oracle.legality import broken, illegal
from tests.oracle.loop_runs import TooManyNestsError


def count_mapspace(einsum: Einsum, accelerator: Accelerator, *, limit: int) -> int:
    """How many nests count. Raises where more than `limit` beginnings of nests have to be looked at."""
    return sum(1 for _ in _Writer(einsum, accelerator, limit).nests())


class _Writer:
    def __init__(self, einsum: Einsum, accelerator: Accelerator, limit: int) -> None:
        levels = tuple(
            replace(level, capacity_bytes=inf) if isinstance(level, Memory) else level
            for level in accelerator.levels
        )
        self.einsum, self.accelerator, self.left = einsum, replace(accelerator, levels=levels), limit
        self.axes = [(fanout.name, axis.name) for fanout in accelerator.fanouts for axis in fanout.axes]
        self.pool: list[Node] = [Store(m.name, role) for m in accelerator.memories[1:] for role in ROLES]
        for dim, extent in einsum.dims:
            for tile in range(1, extent):
                self.pool += [Loop(dim, tile, *place) for place in [("", ""), *self.axes]]

    def nests(self) -> Iterator[tuple[Node, ...]]:
        top = tuple(Store(self.accelerator.memories[0].name, role) for role in ROLES)
        yield from self._grown(top, self.einsum.extents)

    def _grown(self, nodes: tuple[Node, ...], nominal: dict[str, int]) -> Iterator[tuple[Node, ...]]:
        self.left -= 1
        if self.left < 0:
            raise TooManyNestsError("too many beginnings of nests")
        if all(extent == 1 for extent in nominal.values()) and self._counts(nodes):
            yield nodes
        for node in self.pool:
            if node in nodes and isinstance(node, Store):
                continue
            if isinstance(node, Loop) and node.tile >= nominal[node.dim]:
                continue
            if not self._may_follow(node, nodes):
                continue
            if broken(self.einsum, Mapping((*nodes, node)), self.accelerator):
                continue
            after = nominal if isinstance(node, Store) else {**nominal, node.dim: node.tile}
            yield from self._grown((*nodes, node), after)

    def _may_follow(self, node: Node, nodes: tuple[Node, ...]) -> bool:
        """Whether this is how a nest is written that counts, as far as it goes."""
        if isinstance(node, Store):  # one order of stores at one place; the outermost are always the first
            before = nodes[-1]
            return len(nodes) == 3 or not isinstance(before, Store) or self._rank(before) < self._rank(node)
        if not node.spatial:
            gap = list[Loop]()
            while isinstance(last := nodes[-1 - len(gap)], Loop) and not last.spatial:
                gap.append(last)
            return node.dim not in {loop.dim for loop in gap}
        here = self.axes.index((node.fanout, node.axis))
        for index, other in enumerate(nodes):
            if isinstance(other, Loop) and other.fanout == node.fanout:
                together = all(isinstance(lp, Loop) and lp.fanout == node.fanout for lp in nodes[index:])
                if not together or self.axes.index((other.fanout, other.axis)) >= here:
                    return False
        return True

    def _rank(self, store: Store) -> int:
        return self.pool.index(store)

    def _counts(self, nodes: tuple[Node, ...]) -> bool:
        if illegal(self.einsum, Mapping(nodes), self.accelerator):
            return False
        return all(
            _whole_tiles([node for node in nodes if isinstance(node, Loop) and node.dim == dim], extent)
            for dim, extent in self.einsum.dims
        )


def _whole_tiles(loops: list[Loop], extent: int) -> bool:
    """Whether tiles above spatial loops are whole multiples, and no instance is there in vain."""
    above = [extent, *(loop.tile for loop in loops)]
    trips = [ceil(above[i] / loop.tile) for i, loop in enumerate(loops)]
    spatial = [i for i, loop in enumerate(loops) if loop.spatial]
    if not spatial:
        return True
    instances = prod(trips[i] for i in spatial)
    own = ceil(extent / instances)
    fewer = instances // trips[spatial[0]] * (trips[spatial[0]] - 1)
    if ceil(extent / fewer) == own:
        return False
    for i in spatial:
        inner = prod(trips[k] for k in spatial if k > i)
        if above[i] == extent:
            if loops[i].tile != own * inner:
                return False
        elif above[i] != trips[i] * loops[i].tile:
            return False
    return all(loop.tile % prod(trips[k] for k in spatial if k > i) == 0 for i, loop in enumerate(loops))
