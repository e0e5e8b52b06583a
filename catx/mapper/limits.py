"""Constraints on the mappings of one einsum, as numbers that searches obey; and which of them conflict."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.legality import axis_dims
from catx.costmodel.rates import rate_for
from catx.errors import CatxError, OptionError
from catx.ir.accelerator import Accelerator, Fanout, Memory
from catx.ir.constraints import Constraint, Constraints, Keep, Order, Range, Tile, Unroll
from catx.ir.einsum import OUTPUT, ROLES, Einsum
from catx.names import nearest

Ints = NDArray[np.int64]

BOTH = 2
"""A memory must keep a role, and must not."""

Conflicting = Callable[[Constraints], bool]
"""Whether no mapping obeys some constraints."""


@dataclass(frozen=True, slots=True, eq=False)
class Limits:
    """What each constraint of an einsum leaves, by position of memory, role, axis and dim.

    Attributes:
        kept: 1 where a memory must keep a role, 0 where it must not, -1 where it may, BOTH where it must and
            must not, (memories, roles).
        tile: least and most extent of a dim in a tile, (memories, roles, dims, 2).
        factor: least and most instances of a dim along an axis, (axes, dims, 2).
        order: place of a dim among the ordered loops inside a tile, -1: anywhere, (memories, roles, dims).
        binding: whether there are constraints at all.
    """

    kept: Ints
    tile: Ints
    factor: Ints
    order: Ints
    binding: bool

    @property
    def ordered(self) -> bool:
        """Whether some order is given."""
        return bool(np.any(self.order >= 0))

    def most(self, m: int, role: str, einsum: Einsum, dim: str) -> int:
        """The largest extent of a dim in a memory's tile."""
        return int(self.tile[m, ROLES.index(role), list(einsum.extents).index(dim), 1])

    def obey(self, unrolling: tuple[tuple[int, int, int], ...]) -> bool:
        """Whether the spatial loops (axis, dim, factor) use the instances that they must and may."""
        used = np.ones(self.factor.shape[:2], np.int64)
        for axis, d, factor in unrolling:
            used[axis, d] *= factor
        return bool(np.all((self.factor[..., 0] <= used) & (used <= self.factor[..., 1])))


def limits_of(
    einsum: Einsum, accelerator: Accelerator, constraints: Constraints, among: Constraints | None = None
) -> Limits:
    """The constraints as numbers; where they are some of a user's, `among` are all of those.

    A constraint on "any other dim" is on the same dims then, whichever of the others are left out.

    Raises:
        OptionError: one names what does not exist, asks for what the accelerator does not allow, or no
            mapping obeys all of them for a reason that is plain to see; the message tells which conflict.
    """
    builder = _Builder(einsum, accelerator, constraints if among is None else among)
    for one in constraints:
        builder.check(one)
    builder.check_orders(constraints)
    limits = builder.build(constraints)
    if constraints and not _consistent(einsum, accelerator, limits):
        few = smallest(constraints, lambda some: not _consistent(einsum, accelerator, builder.build(some)))
        raise conflict(einsum, few)
    return limits


def conflict(einsum: Einsum, constraints: Constraints) -> OptionError:
    """The error that tells which constraints cannot hold together."""
    listed = "".join(f"\n    {one}  ({one.loc})" for one in constraints)
    who = einsum.name or "the einsum"
    if len(constraints) == 1:
        return OptionError(f"{who}: no mapping obeys this constraint:{listed}")
    hint = "without any one of them the others can be met: drop or widen one"
    return OptionError(f"{who}: no mapping obeys all of these constraints:{listed}", hint=hint)


def smallest(constraints: Constraints, conflicting: Conflicting) -> Constraints:
    """Constraints that conflict still, but would not if one of them were dropped."""
    kept = constraints
    for one in constraints:
        fewer = tuple(other for other in kept if other is not one)
        if conflicting(fewer):
            kept = fewer
    return kept


class _Builder:
    """Names of one einsum and accelerator, and what constraints say of them."""

    def __init__(self, einsum: Einsum, accelerator: Accelerator, every: Constraints) -> None:
        self.einsum, self.accelerator, self.every = einsum, accelerator, every
        self.memories = accelerator.memories
        self.dims = list(einsum.extents)
        self.axes = [(fanout.name, axis) for fanout in accelerator.fanouts for axis in fanout.axes]
        self.indexed = {role: op.dims for role, op in zip(ROLES, einsum.operands, strict=True)}

    # --- what a constraint may name ------------------------------------------------------------------------

    def check(self, one: Constraint) -> None:
        """Raise an OptionError if a constraint cannot be met, whatever the others are."""
        if isinstance(one, Unroll):
            self._check_unroll(one)
        elif isinstance(one, Keep):
            self._check_keep(one)
        else:
            self._check_tile(one)

    def _fail(self, one: Constraint, message: str, hint: str = "") -> CatxError:
        return OptionError(f"constraint `{one}`: {message}", loc=one.loc, hint=hint)

    def _dims(self, one: Constraint, names: tuple[str, ...]) -> None:
        for name in names:
            if name not in self.dims:
                hint = f"dims of {self.einsum.name or 'the einsum'}: {', '.join(self.dims)}"
                raise self._fail(one, f"unknown dim {name!r}{nearest(name, self.dims)}", hint)

    def _memory(self, one: Keep | Tile | Order) -> int:
        names = [memory.name for memory in self.memories]
        if one.memory not in names:
            hint = f"memories: {', '.join(names)}; of one tensor: MEMORY.ROLE, roles: {', '.join(ROLES)}"
            memory, _, role = one.memory.rpartition(".")
            if memory in names:
                raise self._fail(one, f"{role!r} is no role{nearest(role, ROLES)}", hint)
            raise self._fail(one, f"unknown memory {one.memory!r}{nearest(one.memory, names)}", hint)
        return names.index(one.memory)

    def _check_keep(self, one: Keep) -> None:
        memory = self.memories[self._memory(one)]
        if one.kept and one.role not in memory.keeps:
            raise self._fail(one, f"{memory.name} cannot keep {one.role}: see its `keeps` in the hw file")
        if not one.kept and one.role in memory.keeps - memory.optional:
            raise self._fail(one, f"{memory.name} must keep {one.role}", "only `optional` roles may bypass")

    def _check_unroll(self, one: Unroll) -> None:
        names = [f"{fanout}.{axis.name}" for fanout, axis in self.axes]
        name = f"{one.fanout}.{one.axis}"
        if name not in names:
            hint = f"axes: {', '.join(names)}" if names else "the accelerator has no fanout"
            raise self._fail(one, f"unknown axis {name!r}{nearest(name, names)}", hint)
        self._dims(one, () if one.dim is None else (one.dim,))
        axis = self.axes[names.index(name)][1]
        if one.dim is None or one.factor.least == 1:
            return
        allowed = axis_dims(self.einsum, axis)
        if one.dim not in allowed:
            hint = f"it takes {', '.join(sorted(allowed)) or 'none'} of this einsum"
            raise self._fail(one, f"{name} does not unroll {one.dim}", hint)
        most = min(axis.size, self.einsum.extents[one.dim])
        if one.factor.least > most:
            raise self._fail(one, f"at most {most} instances can work on {one.dim} there")

    def _check_tile(self, one: Tile | Order) -> None:
        position = self._memory(one)
        memory = self.memories[position]
        self._dims(one, (one.dim,) if isinstance(one, Tile) and one.dim else ())
        self._dims(one, one.dims if isinstance(one, Order) else ())
        if one.role is not None and one.role not in memory.keeps:
            raise self._fail(one, f"{memory.name} does not keep {one.role}")
        if isinstance(one, Order):
            return
        if position == 0:
            raise self._fail(one, f"{memory.name} is the outermost memory: it holds whole tensors")
        if one.dim is None:
            return
        roles = [one.role] if one.role else sorted(memory.keeps)
        if not any(one.dim in self.indexed[role] for role in roles):
            raise self._fail(one, f"{one.dim} is no dim of {' or '.join(roles)}")
        if one.extent.least > self.einsum.extents[one.dim]:
            raise self._fail(one, f"{one.dim} has {self.einsum.extents[one.dim]} elements in all")

    def check_orders(self, constraints: Constraints) -> None:
        """Raise an OptionError if the loops inside one tile have two orders."""
        first: dict[tuple[str, str | None], Order] = {}
        for one in constraints:
            if isinstance(one, Order):
                other = first.setdefault((one.memory, one.role), one)
                if other is not one:
                    raise self._fail(one, f"the order inside these tiles is given already ({other.loc})")

    # --- numbers -------------------------------------------------------------------------------------------

    def build(self, constraints: Constraints) -> Limits:
        """The limits that some constraints set."""
        extents = np.array(list(self.einsum.extents.values()), np.int64)
        shape = len(self.memories), len(ROLES), len(self.dims)
        kept = np.full(shape[:2], -1)
        tile = np.ones((*shape, 2), np.int64)
        tile[..., 1] = extents
        factor = np.ones((len(self.axes), len(self.dims), 2), np.int64)
        factor[..., 1] = np.minimum.outer(np.array([axis.size for _, axis in self.axes], np.int64), extents)
        order = np.full(shape, -1)
        for one in constraints:
            if isinstance(one, Keep):
                place = self._memory(one), ROLES.index(one.role)
                kept[place] = BOTH if kept[place] in (1 - one.kept, BOTH) else one.kept
            elif isinstance(one, Unroll):
                for axis, d in self._unrolled(one):
                    _narrow(factor[axis, d], one.factor)
            elif isinstance(one, Tile):
                for m, role, d in self._tiled(one):
                    _narrow(tile[m, role, d], one.extent)
        self._put_orders(constraints, order)
        if constraints:
            self._fit_factors(kept, tile, factor)
        return Limits(kept, tile, factor, order, bool(constraints))

    def _fit_factors(self, kept: Ints, tile: Ints, factor: Ints) -> None:
        """Let no more instances work on a dim than tiles further out and further in leave."""
        m, axis = -1, 0
        levels = list[tuple[int, int]]()  # of each axis: its position, and the last memory outside of it
        for level in self.accelerator.levels:
            if not isinstance(level, Fanout):
                m += 1
                continue
            levels += [(axis + i, m) for i in range(len(level.axes))]
            axis += len(level.axes)
        for position, memory in enumerate(self.memories):
            for r, role in enumerate(ROLES):
                if position == 0 or not surely_keeps(memory, role, int(kept[position, r])):
                    continue
                for d, dim in enumerate(self.dims):
                    if dim not in self.indexed[role]:
                        continue
                    least, most = tile[position, r, d].tolist()
                    left = (self.einsum.extents[dim] - 1) // least + 1
                    for place, outside in levels:
                        room = most if position <= outside else left
                        factor[place, d, 1] = min(factor[place, d, 1], room)

    def _unrolled(self, one: Unroll) -> Iterator[tuple[int, int]]:
        """Axis and dims that a constraint is about."""
        named = {
            other.dim
            for other in self.every
            if isinstance(other, Unroll) and (other.fanout, other.axis) == (one.fanout, one.axis)
        }
        for position, (fanout, axis) in enumerate(self.axes):
            if (fanout, axis.name) == (one.fanout, one.axis):
                for d, dim in enumerate(self.dims):
                    if dim == one.dim or (one.dim is None and dim not in named):
                        yield position, d

    def _tiled(self, one: Tile) -> Iterator[tuple[int, int, int]]:
        """Memory, roles and dims that a constraint is about."""
        named = {
            other.dim
            for other in self.every
            if isinstance(other, Tile) and (other.memory, other.role) == (one.memory, one.role)
        }
        for role, name in enumerate(ROLES):
            for d, dim in enumerate(self.dims):
                meant = dim == one.dim or (one.dim is None and dim not in named)
                if one.role in (None, name) and meant and dim in self.indexed[name]:
                    yield self._memory(one), role, d

    def _put_orders(self, constraints: Constraints, order: Ints) -> None:
        """Orders of single tensors go before those of all that a memory keeps."""
        orders = [one for one in constraints if isinstance(one, Order)]
        for one in sorted(orders, key=lambda one: one.role is not None):
            m = self._memory(one)
            for role, name in enumerate(ROLES):
                if one.role in (None, name) and name in self.memories[m].keeps:
                    order[m, role] = -1
                    for position, dim in enumerate(one.dims):
                        order[m, role, self.dims.index(dim)] = position


def surely_keeps(memory: Memory, role: str, kept: int) -> bool:
    """Whether a memory keeps a role in every mapping; `kept` is what limits say."""
    return role in memory.keeps and (kept == 1 or role not in memory.optional)


def _narrow(bounds: Ints, to: Range) -> None:
    """Narrow a least and a most value."""
    bounds[0] = max(bounds[0], to.least)
    if to.most is not None:
        bounds[1] = min(bounds[1], to.most)


def _consistent(einsum: Einsum, accelerator: Accelerator, limits: Limits) -> bool:
    """Whether least and most values leave something, from the inside out, and least tiles have room.

    A necessary condition alone: results count as narrow as they can be.
    """
    sizes = np.array([axis.size for fanout in accelerator.fanouts for axis in fanout.axes], np.int64)
    least, most = limits.factor[..., 0], limits.factor[..., 1]
    if np.any(limits.kept == BOTH) or np.any(least > most) or np.any(np.prod(least, axis=1) > sizes):
        return False
    room = [memory.capacity_bytes for memory in accelerator.memories]
    accumulator = rate_for(einsum, accelerator).accumulator.bits
    for operand, role in zip(einsum.operands, ROLES, strict=True):
        for m, tile in _least_tiles(einsum, accelerator, limits, role):
            if any(tile[dim] > limits.most(m, role, einsum, dim) for dim in operand.dims):
                return False
            bits = min(operand.dtype.bits, accumulator) if role == OUTPUT else operand.dtype.bits
            buffers = 2 if accelerator.memories[m].double_buffered else 1
            room[m] -= operand.elements(tile) * bits / 8 * buffers
    return min(room) >= 0


def _least_tiles(
    einsum: Einsum, accelerator: Accelerator, limits: Limits, role: str
) -> Iterator[tuple[int, dict[str, int]]]:
    """The least tile of a tensor in each memory that surely keeps it, from the inside, and in the outermost.

    Where `f` instances work on `x` elements each, the last one on 1 at least, there are (f - 1) x + 1.
    """
    operand, r = einsum.operands[ROLES.index(role)], ROLES.index(role)
    tile = dict.fromkeys(einsum.extents, 1)
    m, axis = len(accelerator.memories), int(limits.factor.shape[0])
    for level in reversed(accelerator.levels):
        if isinstance(level, Fanout):
            axis -= len(level.axes)
            factors = limits.factor[axis : axis + len(level.axes), :, 0]
            for d, dim in enumerate(tile):  # in any order; the least is that with most steps innermost
                for factor in sorted(factors[:, d].tolist(), reverse=True):
                    tile[dim] = max(tile[dim], (factor - 1) * tile[dim] + 1)
            continue
        m -= 1
        surely = surely_keeps(level, role, int(limits.kept[m, r]))
        if surely and m > 0:
            for d, dim in enumerate(einsum.extents):
                if dim in operand.dims:
                    tile[dim] = max(tile[dim], int(limits.tile[m, r, d, 0]))
        if surely:
            yield m, dict(tile)
