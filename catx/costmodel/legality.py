"""Whether a mapping is legal for an einsum on an accelerator: rules 1 to 6 of docs/cost-model.md.

Capacity (rule 7) depends on where partial sums live and is checked with the counts.
"""

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


def _busy_nodes(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> list[Node]:
    """The nodes without loops that split nothing; every loop must name what exists and shrink its dim."""
    nominal = dict(einsum.dims)
    nodes: list[Node] = []
    for node in mapping.nodes:
        if isinstance(node, Store):
            nodes.append(node)
            continue
        if node.dim not in nominal:
            raise MappingError(
                f"{node} loops over no dim of the einsum", hint=f"its dims are {', '.join(nominal)}"
            )
        if not 1 <= node.tile <= nominal[node.dim]:
            raise MappingError(f"{node}: the tile must lie in 1..{nominal[node.dim]}")
        if node.spatial:
            _find_axis(accelerator, node.fanout, node.axis)
        if node.tile < nominal[node.dim]:
            nodes.append(node)
        nominal[node.dim] = node.tile
    if left := {dim: extent for dim, extent in nominal.items() if extent > 1}:
        raise MappingError(f"no loop takes these dims down to 1: {left}")
    return nodes


def _check_stores(nodes: list[Node], accelerator: Accelerator) -> None:
    outer = accelerator.memories[0].name
    memories = {memory.name: memory for memory in accelerator.memories}
    depth = {level.name: index for index, level in enumerate(accelerator.levels)}
    deepest: dict[str, int] = {}
    for position, node in enumerate(nodes):
        if not isinstance(node, Store):
            continue
        memory = memories.get(node.memory)
        if memory is None:
            raise MappingError(
                f"{node} names no memory of {accelerator.name}",
                hint=f"its memories are {', '.join(memories)}",
            )
        if node.role not in memory.keeps:
            raise MappingError(f"{memory.name} does not keep the {node.role}")
        if depth[node.memory] < deepest.get(node.role, 0):
            raise MappingError(f"the {node.role} in {memory.name} stands below a memory further in")
        deepest[node.role] = depth[node.memory]
        if node.memory == outer and any(isinstance(above, Loop) for above in nodes[:position]):
            raise MappingError(
                f"a loop stands above the {node.role} in {outer}, where operands start and end"
            )
    for memory in accelerator.memories:
        stored = {node.role for node in nodes if isinstance(node, Store) and node.memory == memory.name}
        if missing := [role for role in ROLES if role in memory.keeps - memory.optional - stored]:
            raise MappingError(
                f"{memory.name} must keep the {' and the '.join(missing)}",
                hint="list a role as `optional` in the accelerator to let it bypass the memory",
            )


def _check_unrolling(einsum: Einsum, nodes: list[Node], accelerator: Accelerator) -> None:
    nominal = dict(einsum.dims)
    trips: dict[tuple[str, str], list[int]] = {}
    for position, node in enumerate(nodes):
        if isinstance(node, Store):
            continue
        if node.spatial:
            trips.setdefault((node.fanout, node.axis), []).append(ceil(nominal[node.dim] / node.tile))
            _check_place(einsum, nodes, accelerator, position, node)
        nominal[node.dim] = node.tile
    for (name, axis_name), factors in trips.items():
        _, axis = _find_axis(accelerator, name, axis_name)
        if prod(factors) > axis.size:
            raise MappingError(f"{name}.{axis_name} has {axis.size} instances, the loops use {prod(factors)}")


def _find_axis(accelerator: Accelerator, fanout: str, axis: str) -> tuple[Fanout, FanoutAxis]:
    for level in accelerator.fanouts:
        for candidate in level.axes:
            if (level.name, candidate.name) == (fanout, axis):
                return level, candidate
    known = ", ".join(f"{level.name}.{a.name}" for level in accelerator.fanouts for a in level.axes)
    raise MappingError(
        f"{accelerator.name} has no fanout axis {fanout}.{axis}", hint=f"it has {known or 'none'}"
    )


def _check_place(
    einsum: Einsum, nodes: list[Node], accelerator: Accelerator, position: int, loop: Loop
) -> None:
    fanout, axis = _find_axis(accelerator, loop.fanout, loop.axis)
    if loop.dim not in axis_dims(einsum, axis):
        raise MappingError(f"{loop}: {fanout.name}.{axis.name} allows only {', '.join(sorted(axis.dims))}")
    depth = {level.name: index for index, level in enumerate(accelerator.levels)}
    for other, node in enumerate(nodes):
        name = node.memory if isinstance(node, Store) else node.fanout
        if not name or name not in depth or name == fanout.name:
            continue
        if (depth[name] < depth[fanout.name]) != (other < position):
            side = "below" if depth[name] < depth[fanout.name] else "above"
            raise MappingError(f"{loop} of fanout {fanout.name} must stand {side} {node}")
