"""The rules of docs/cost-model.md for a legal mapping, one after the other, in plain Python."""

from math import inf, prod

from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis
from catx.ir.einsum import INPUT, OUTPUT, ROLES, WEIGHT, Einsum
from catx.ir.mapping import Loop, Mapping, Store
from tests.oracle.nest import mac_rate, walk_nest
from tests.oracle.tally import tally


def illegal(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> str | None:
    """Why the mapping is illegal, or None if it is legal."""
    return (
        _types(einsum, accelerator)
        or _names(einsum, mapping, accelerator)
        or _tiles(einsum, mapping)
        or _stored(mapping, accelerator)
        or _order(_real(einsum, mapping), accelerator)
        or _spatial(einsum, mapping, accelerator)
        or _capacity(einsum, mapping, accelerator)
    )


def broken(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> str | None:
    """Why the beginning of a nest is no beginning of a legal one, by the rules that no further node mends."""
    return (
        _names(einsum, mapping, accelerator)
        or _stored_amiss(mapping, accelerator)
        or _order(_real(einsum, mapping), accelerator)
        or _spatial(einsum, mapping, accelerator)
    )


def _types(einsum: Einsum, accelerator: Accelerator) -> str | None:
    return None if mac_rate(einsum, accelerator) else "the matrix unit does not compute this type"


def _names(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> str | None:
    memories = {memory.name for memory in accelerator.memories}
    axes = {(fanout.name, axis.name) for fanout in accelerator.fanouts for axis in fanout.axes}
    for node in mapping.nodes:
        if isinstance(node, Store):
            if node.memory not in memories or node.role not in ROLES:
                return f"{node} names nothing"
        elif node.dim not in einsum.extents or (node.fanout and (node.fanout, node.axis) not in axes):
            return f"{node} names nothing"
    return None


def _tiles(einsum: Einsum, mapping: Mapping) -> str | None:
    nominal = einsum.extents
    for node in mapping.nodes:
        if isinstance(node, Loop):
            if not 1 <= node.tile <= nominal[node.dim]:
                return f"{node} does not fit into {nominal[node.dim]}"
            nominal[node.dim] = node.tile
    left = {dim: extent for dim, extent in nominal.items() if extent != 1}
    return f"what is left is more than one operation: {left}" if left else None


def _real(einsum: Einsum, mapping: Mapping) -> list[Loop | Store]:
    """The nodes without loops of a single iteration, which no rule looks at."""
    nominal, nodes = einsum.extents, list[Loop | Store]()
    for node in mapping.nodes:
        if isinstance(node, Store) or node.tile < nominal[node.dim]:
            nodes.append(node)
        if isinstance(node, Loop):
            nominal[node.dim] = node.tile
    return nodes


def _stored(mapping: Mapping, accelerator: Accelerator) -> str | None:
    for memory in accelerator.memories:
        roles = [n.role for n in mapping.nodes if isinstance(n, Store) and n.memory == memory.name]
        for role in ROLES:
            if role not in roles and role in memory.keeps - memory.optional:
                return f"{memory.name} must store {role}"
    return _stored_amiss(mapping, accelerator)


def _stored_amiss(mapping: Mapping, accelerator: Accelerator) -> str | None:
    stored = [(node.memory, node.role) for node in mapping.nodes if isinstance(node, Store)]
    keeps = {memory.name: memory.keeps for memory in accelerator.memories}
    for name, role in stored:
        if stored.count((name, role)) > 1:
            return f"{name} stores {role} twice"
        if role not in keeps[name]:
            return f"{name} must not store {role}"
    return None


def _order(nodes: list[Loop | Store], accelerator: Accelerator) -> str | None:
    levels = [level.name for level in accelerator.levels]
    for i, outer in enumerate(nodes):
        for inner in nodes[i + 1 :]:
            if isinstance(outer, Loop) and isinstance(inner, Store) and inner.memory == levels[0]:
                return f"{outer} stands above {inner}"
            both_store = isinstance(outer, Store) and isinstance(inner, Store)
            if both_store and outer.role != inner.role:  # type: ignore[union-attr]
                continue
            depth = [
                levels.index(n.memory if isinstance(n, Store) else n.fanout)
                for n in (outer, inner)
                if isinstance(n, Store) or n.fanout
            ]
            if len(depth) == 2 and depth[0] > depth[1]:
                return f"{outer} stands above {inner}"
    return None


def _allows(axis: FanoutAxis, dim: str, einsum: Einsum) -> bool:
    roles = {role for role, operand in zip(ROLES, einsum.operands, strict=True) if dim in operand.dims}
    classes = {
        "input_output": {INPUT, OUTPUT},
        "weight_output": {WEIGHT, OUTPUT},
        "reduction": {INPUT, WEIGHT},
        "batch": {INPUT, WEIGHT, OUTPUT},
    }
    return not axis.dims or dim in axis.dims or any(classes.get(name) == roles for name in axis.dims)


def _spatial(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> str | None:
    axes = {
        (level.name, axis.name): axis
        for level in accelerator.levels
        if isinstance(level, Fanout)
        for axis in level.axes
    }
    nominal, trips = einsum.extents, dict[tuple[str, str], list[int]]()
    for node in mapping.nodes:
        if isinstance(node, Loop):
            trip = len(range(0, nominal[node.dim], node.tile))
            nominal[node.dim] = node.tile
            if node.fanout and trip > 1:
                axis = axes[node.fanout, node.axis]
                trips.setdefault((node.fanout, node.axis), []).append(trip)
                if not _allows(axis, node.dim, einsum):
                    return f"{axis.name} does not unroll {node.dim}"
                if prod(trips[node.fanout, node.axis]) > axis.size:
                    return f"{trips} tiles do not fit on {axis.size} instances of {axis.name}"
    return None


def needed_bytes(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> dict[str, float]:
    """Bytes that the mapping needs in one instance of every memory."""
    counts = tally(walk_nest(einsum, mapping, accelerator))
    need = dict.fromkeys((memory.name for memory in accelerator.memories), 0.0)
    for row in counts.stores:
        need[row.memory] += row.tile_bytes
    return {m.name: need[m.name] * (2 if m.double_buffered else 1) for m in accelerator.memories}


def _capacity(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> str | None:
    if all(memory.capacity_bytes == inf for memory in accelerator.memories):
        return None
    need = needed_bytes(einsum, mapping, accelerator)
    for memory in accelerator.memories:
        if need[memory.name] > memory.capacity_bytes:
            return f"{memory.name} needs {need[memory.name]} bytes and has {memory.capacity_bytes}"
    return None
