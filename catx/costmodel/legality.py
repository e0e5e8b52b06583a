"""Whether a mapping is legal for an einsum on an accelerator: rules 1 to 6 of docs/cost-model.md.

Capacity (rule 7) depends on where partial sums live and is checked with the counts.
"""

from functools import lru_cache
from math import ceil, prod

from catx.errors import MappingError
from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis
from catx.ir.einsum import ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store

DIM_CLASSES = {
    "input_output": (True, False, True),
    "weight_output": (False, True, True),
    "reduction": (True, True, False),
    "batch": (True, True, True),
}
"""Classes of dims by which of input, weight and output they index."""

_Placed = tuple[int, Node]
"""A node and its index in the mapping, which errors tell."""


@lru_cache(maxsize=4096)
def axis_dims(einsum: Einsum, axis: FanoutAxis) -> frozenset[str]:
    """Dims of an einsum that may be unrolled along an axis, its dim classes resolved."""
    if not axis.dims:
        return frozenset(einsum.extents)
    indexed = {dim: tuple(dim in operand.dims for operand in einsum.operands) for dim in einsum.extents}
    return frozenset(
        dim
        for dim in einsum.extents
        if dim in axis.dims
        or any(DIM_CLASSES[name] == indexed[dim] for name in axis.dims & DIM_CLASSES.keys())
    )


def check_legal(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> None:
    """Raise a MappingError that names the first rule that the mapping breaks, and the node that breaks it."""
    nodes = _busy_nodes(einsum, mapping, accelerator)
    _check_stores(nodes, accelerator)
    _check_unrolling(einsum, nodes, accelerator)


def _busy_nodes(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> list[_Placed]:
    """The nodes without loops that split nothing; every loop must name what exists and shrink its dim."""
    nominal = dict(einsum.dims)
    last: dict[str, int] = {}
    nodes: list[_Placed] = []
    for index, node in enumerate(mapping.nodes):
        if isinstance(node, Store):
            nodes.append((index, node))
            continue
        if node.dim not in nominal:
            hint = f"its dims are {', '.join(nominal)}"
            raise MappingError(f"{node} loops over no dim of the einsum", hint=hint, node=index)
        if not 1 <= node.tile <= nominal[node.dim]:
            raise MappingError(f"{node}: the tile must lie in 1..{nominal[node.dim]}", node=index)
        if node.spatial:
            _find_axis(accelerator, index, node)
        if node.tile < nominal[node.dim]:
            nodes.append((index, node))
        nominal[node.dim] = node.tile
        last[node.dim] = index
    if left := {dim: extent for dim, extent in nominal.items() if extent > 1}:
        rests = ", ".join(f"{dim} ends at {extent}" for dim, extent in left.items())
        raise MappingError(
            f"every dim needs loops down to a tile of 1: {rests}", node=last.get(next(iter(left)))
        )
    return nodes


def _check_stores(nodes: list[_Placed], accelerator: Accelerator) -> None:
    outer = accelerator.memories[0].name
    memories = {memory.name: memory for memory in accelerator.memories}
    depth = {level.name: index for index, level in enumerate(accelerator.levels)}
    deepest: dict[str, int] = {}
    looped = False
    for index, node in nodes:
        if not isinstance(node, Store):
            looped = True
            continue
        memory = memories.get(node.memory)
        if memory is None:
            raise MappingError(
                f"{node} names no memory of {accelerator.name}",
                hint=f"its memories are {', '.join(memories)}",
                node=index,
            )
        if node.role not in memory.keeps:
            raise MappingError(
                f"{memory.name} does not keep the {node.role}",
                hint=f"it keeps {', '.join(role for role in ROLES if role in memory.keeps) or 'nothing'}",
                node=index,
            )
        if depth[node.memory] < deepest.get(node.role, 0):
            raise MappingError(
                f"the {node.role} in {memory.name} stands below a memory further in", node=index
            )
        deepest[node.role] = depth[node.memory]
        if node.memory == outer and looped:
            raise MappingError(
                f"a loop stands above the {node.role} in {outer}, where operands start and end", node=index
            )
    for memory in accelerator.memories:
        stored = {node.role for _, node in nodes if isinstance(node, Store) and node.memory == memory.name}
        if missing := [role for role in ROLES if role in memory.keeps - memory.optional - stored]:
            raise MappingError(
                f"{memory.name} must keep the {' and the '.join(missing)}",
                hint="list a role as `optional` in the accelerator to let it bypass the memory",
            )


def _check_unrolling(einsum: Einsum, nodes: list[_Placed], accelerator: Accelerator) -> None:
    nominal = dict(einsum.dims)
    trips: dict[tuple[str, str], list[int]] = {}
    for index, node in nodes:
        if isinstance(node, Store):
            continue
        if node.spatial:
            _check_place(einsum, nodes, accelerator, index, node)
            factors = trips.setdefault((node.fanout, node.axis), [])
            factors.append(ceil(nominal[node.dim] / node.tile))
            _, axis = _find_axis(accelerator, index, node)
            if prod(factors) > axis.size:
                raise MappingError(
                    f"{node}: the loops down to here use {prod(factors)} instances along "
                    f"{node.fanout}.{node.axis}, which has {axis.size}",
                    node=index,
                )
        nominal[node.dim] = node.tile


def _find_axis(accelerator: Accelerator, index: int, loop: Loop) -> tuple[Fanout, FanoutAxis]:
    for level in accelerator.fanouts:
        for candidate in level.axes:
            if (level.name, candidate.name) == (loop.fanout, loop.axis):
                return level, candidate
    known = ", ".join(f"{level.name}.{a.name}" for level in accelerator.fanouts for a in level.axes)
    raise MappingError(
        f"{accelerator.name} has no fanout axis {loop.fanout}.{loop.axis}",
        hint=f"it has {known or 'none'}",
        node=index,
    )


def _check_place(
    einsum: Einsum, nodes: list[_Placed], accelerator: Accelerator, index: int, loop: Loop
) -> None:
    fanout, axis = _find_axis(accelerator, index, loop)
    allowed = axis_dims(einsum, axis)
    if loop.dim not in allowed:
        named = [dim for dim in einsum.extents if dim in allowed]
        raise MappingError(
            f"{loop}: {fanout.name}.{axis.name} does not take {loop.dim}",
            hint=f"of this einsum it takes {', '.join(named) or 'no dim'} ({', '.join(sorted(axis.dims))})",
            node=index,
        )
    depth = {level.name: place for place, level in enumerate(accelerator.levels)}
    for other, node in nodes:
        name = node.memory if isinstance(node, Store) else node.fanout
        if not name or name not in depth or name == fanout.name:
            continue
        if (depth[name] < depth[fanout.name]) != (other < index):
            side = "below" if depth[name] < depth[fanout.name] else "above"
            raise MappingError(f"{loop} must stand {side} {node}", node=index)
