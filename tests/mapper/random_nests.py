"""Random legal mappings over the whole mapspace: any tile, order, unrolling, place of stores, bypass."""

from math import ceil
from random import Random

from catx.costmodel.legality import axis_dims
from catx.ir.accelerator import Accelerator, Fanout
from catx.ir.einsum import ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store


def random_mapping(random: Random, einsum: Einsum, accelerator: Accelerator) -> Mapping:
    """One legal mapping but for capacity."""
    nominal = dict(einsum.dims)
    nodes: list[Node] = [Store(accelerator.memories[0].name, role) for role in ROLES]
    for level in accelerator.levels[1:]:
        if isinstance(level, Fanout):
            for axis in level.axes:
                room = axis.size
                dims = [dim for dim in einsum.extents if dim in axis_dims(einsum, axis)]
                for dim in random.sample(dims, random.randint(0, min(2, len(dims)))):
                    factor = random.randint(1, min(room, nominal[dim]))
                    tile = ceil(nominal[dim] / factor)
                    if tile < nominal[dim]:
                        nodes.append(Loop(dim, tile, level.name, axis.name))
                        room //= ceil(nominal[dim] / tile)
                        nominal[dim] = tile
            continue
        stored = [r for r in ROLES if r in level.keeps and (r not in level.optional or random.random() < 0.5)]
        block: list[Node] = [Store(level.name, role) for role in stored]
        block += [Loop(dim, 1) for dim in nominal if random.random() < 0.7]
        random.shuffle(block)
        for node in block:
            if isinstance(node, Loop):
                tile = random.randint(1, nominal[node.dim])
                if random.random() < 0.5:
                    tile = ceil(nominal[node.dim] / random.randint(1, nominal[node.dim]))
                nodes.append(Loop(node.dim, tile))
                nominal[node.dim] = tile
            else:
                nodes.append(node)
    last = [Loop(dim, 1) for dim, extent in nominal.items() if extent > 1]
    random.shuffle(last)
    return Mapping((*nodes, *last))
