"""Random constraints on small problems, most of which leave some mappings."""

from random import Random

from catx.costmodel.legality import axis_dims
from catx.ir.constraints import Constraint, Constraints, Keep, Order, Range, Tile, Unroll
from catx.ir.einsum import ROLES
from tests.oracle.small_problems import Problem


def random_constraints(problem: Problem, random: Random, *, orders: bool) -> Constraints:
    """One to three constraints of any kind; orders of loops only if asked for."""
    makers = [_keep, _unroll, _tile, _tile] + ([_order] * 3 if orders else [])
    found: list[Constraint] = []
    for _ in range(random.randint(1, 3)):
        one = random.choice(makers)(problem, random)
        if one is not None and not any(_twice(one, other) for other in found):
            found.append(one)
    return tuple(found)


def _twice(one: Constraint, other: Constraint) -> bool:
    """Whether both give the order of the same loops, which is refused."""
    orders = isinstance(one, Order) and isinstance(other, Order)
    return orders and (one.memory, one.role) == (other.memory, other.role)


def _range(random: Random, most: int) -> Range:
    least = random.randint(1, most)
    return random.choice([Range(least=least, most=least), Range(most=least), Range(least=least)])


def _keep(problem: Problem, random: Random) -> Constraint | None:
    memories = problem.accelerator.memories
    choices = [(memory.name, role) for memory in memories for role in sorted(memory.optional)]
    if not choices:
        return None
    memory, role = random.choice(choices)
    return Keep(memory=memory, role=role, kept=random.random() < 0.5)


def _unroll(problem: Problem, random: Random) -> Constraint | None:
    axes = [(fanout.name, axis) for fanout in problem.accelerator.fanouts for axis in fanout.axes]
    if not axes:
        return None
    fanout, axis = random.choice(axes)
    allowed = sorted(axis_dims(problem.einsum, axis))
    if not allowed or random.random() < 0.2:
        return Unroll(fanout=fanout, axis=axis.name, dim=None, factor=Range(most=1))
    dim = random.choice(allowed)
    factor = _range(random, min(axis.size, problem.einsum.extents[dim]))
    return Unroll(fanout=fanout, axis=axis.name, dim=dim, factor=factor)


def _tile(problem: Problem, random: Random) -> Constraint | None:
    inner = problem.accelerator.memories[1:]
    if not inner:
        return None
    memory = random.choice(inner)
    role = random.choice(sorted(memory.keeps)) if memory.keeps else None
    if role is None:
        return None
    dims = sorted(problem.einsum.operands[ROLES.index(role)].dims)
    if not dims:
        return None
    dim = random.choice(dims)
    extent = _range(random, problem.einsum.extents[dim])
    return Tile(memory=memory.name, role=role if random.random() < 0.7 else None, dim=dim, extent=extent)


def _order(problem: Problem, random: Random) -> Constraint | None:
    memory = random.choice(problem.accelerator.memories)
    role = random.choice([None, *sorted(memory.keeps)])
    dims = list(problem.einsum.extents)
    random.shuffle(dims)
    return Order(memory=memory.name, role=role, dims=tuple(dims[: random.randint(2, max(2, len(dims)))]))
