"""The front of a tiny problem the dumb way: every legal and regular sequence of nodes, with nothing left out.

Only loops with a trip count of 1 are missing, which section 1 of docs/cost-model.md ignores, and other orders
of the first three nodes, the outermost stores. It knows no canonical form and no replaced nest, and leaves
rules to `tests.oracle.legality`.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import inf

from catx.ir.accelerator import Accelerator, Memory
from catx.ir.einsum import ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store
from tests.oracle.batch_cost import BatchCost
from tests.oracle.enumerate_nests import Point, thinned
from tests.oracle.legality import broken, illegal
from tests.oracle.loop_runs import TooManyNestsError
from tests.oracle.regular import regular


def every_sequence(einsum: Einsum, accelerator: Accelerator) -> Iterator[Mapping]:
    """Every legal mapping without trivial loops, but for capacity."""
    outer, *inner = accelerator.memories
    pool: list[Node] = [Store(memory.name, role) for memory in inner for role in ROLES]
    places = [("", ""), *((fanout.name, axis.name) for fanout in accelerator.fanouts for axis in fanout.axes)]
    for dim, extent in einsum.dims:
        pool += [Loop(dim, tile, *place) for tile in range(1, extent) for place in places]

    def grow(nodes: tuple[Node, ...], nominal: dict[str, int]) -> Iterator[Mapping]:
        mapping = Mapping(nodes)
        if broken(einsum, mapping, accelerator) or not regular(mapping):
            return
        if all(extent == 1 for extent in nominal.values()) and not illegal(einsum, mapping, boundless):
            yield mapping
        for node in pool:
            if isinstance(node, Store):
                if node not in nodes:
                    yield from grow((*nodes, node), nominal)
            elif node.tile < nominal[node.dim]:
                yield from grow((*nodes, node), {**nominal, node.dim: node.tile})

    boundless = _boundless(accelerator)
    yield from grow(tuple(Store(outer.name, role) for role in ROLES), einsum.extents)


def _boundless(accelerator: Accelerator) -> Accelerator:
    """The accelerator with room for everything: the kernel tells what fits, sooner than the oracle."""
    levels = (
        replace(level, capacity_bytes=inf) if isinstance(level, Memory) else level
        for level in accelerator.levels
    )
    return replace(accelerator, levels=tuple(levels))


def dumb_front(einsum: Einsum, accelerator: Accelerator, *, limit: int) -> list[Point]:
    """What `exhaustive_front` answers; raises where there are more than `limit` sequences."""
    costs, nests = BatchCost(einsum, accelerator), list[bytes]()
    for mapping in every_sequence(einsum, accelerator):
        nests.append(costs.encode(*mapping.nodes))
        if len(nests) > limit:
            raise TooManyNestsError(f"more than {limit} sequences")
    energies, latencies = costs.costs(nests)
    rows = [row for row in range(len(nests)) if latencies[row] < inf]
    return thinned([(float(energies[i]), float(latencies[i]), costs.decode(nests[i])) for i in rows])
