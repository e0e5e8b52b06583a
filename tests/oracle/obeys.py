"""Whether a mapping obeys constraints, from their description alone."""

from math import ceil

from catx.ir.accelerator import Accelerator
from catx.ir.constraints import Constraints, Keep, Order, Tile, Unroll
from catx.ir.einsum import ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Store


def obeys(einsum: Einsum, accelerator: Accelerator, mapping: Mapping, constraints: Constraints) -> bool:
    """Whether every constraint holds."""
    return all(_holds(einsum, accelerator, mapping, one, constraints) for one in constraints)


def _holds(
    einsum: Einsum,
    accelerator: Accelerator,
    mapping: Mapping,
    one: Keep | Unroll | Tile | Order,
    constraints: Constraints,
) -> bool:
    if isinstance(one, Keep):
        return (Store(one.memory, one.role) in mapping.nodes) == one.kept
    if isinstance(one, Unroll):
        named = {
            other.dim
            for other in constraints
            if isinstance(other, Unroll) and (other.fanout, other.axis) == (one.fanout, one.axis)
        }
        dims = [one.dim] if one.dim else [dim for dim in einsum.extents if dim not in named]
        used = _factors(einsum, mapping, one.fanout, one.axis)
        return all(used.get(dim, 1) in one.factor for dim in dims)
    indexed = {role: op.dims for role, op in zip(ROLES, einsum.operands, strict=True)}
    roles = [one.role] if one.role else list(ROLES)
    if isinstance(one, Order):
        own = {o.role for o in constraints if isinstance(o, Order) and o.memory == one.memory and o.role}
        return all(_ordered(mapping, one, role) for role in roles if one.role or role not in own)
    named = {
        other.dim
        for other in constraints
        if isinstance(other, Tile) and (other.memory, other.role) == (one.memory, one.role)
    }
    for role in roles:
        tile = _tile(einsum, mapping, Store(one.memory, role))
        for dim, extent in tile.items():
            meant = dim == one.dim or (one.dim is None and dim not in named)
            if meant and dim in indexed[role] and extent not in one.extent:
                return False
    return True


def _factors(einsum: Einsum, mapping: Mapping, fanout: str, axis: str) -> dict[str, int]:
    used, now = dict[str, int](), einsum.extents
    for node in mapping.nodes:
        if isinstance(node, Loop):
            if (node.fanout, node.axis) == (fanout, axis):
                used[node.dim] = used.get(node.dim, 1) * ceil(now[node.dim] / node.tile)
            now[node.dim] = node.tile
    return used


def _tile(einsum: Einsum, mapping: Mapping, store: Store) -> dict[str, int]:
    """Extents of a store's tile; nothing if there is no such store."""
    now = einsum.extents
    for node in mapping.nodes:
        if node == store:
            return now
        if isinstance(node, Loop):
            now[node.dim] = node.tile
    return {}


def _ordered(mapping: Mapping, one: Order, role: str) -> bool:
    """Whether loops inside the tile come in the order, as far as it names them."""
    inside, places = False, list[int]()
    for node in mapping.nodes:
        if isinstance(node, Store) and node.role == role:
            inside = node.memory == one.memory
        elif inside and isinstance(node, Loop) and not node.spatial and node.dim in one.dims:
            places.append(one.dims.index(node.dim))
    return places == sorted(places)
