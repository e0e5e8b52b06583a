"""Search for mappings: dives under promising unrollings, then a proof over all of them."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from catx.costmodel.evaluate import evaluate
from catx.costmodel.tiles_kernel import SPATIAL, STORE
from catx.errors import CatxError, MappingError
from catx.ir.accelerator import Accelerator
from catx.ir.constraints import Constraints
from catx.ir.einsum import ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store
from catx.mapper.forest import EASY, Forest, Lows, Rows
from catx.mapper.front import UNKNOWN
from catx.mapper.limits import conflict, limits_of, smallest
from catx.mapper.options import Budget, Seconds

FEASIBILITY = 20_000
"""Steps to find out whether some constraints leave any mapping at all."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: mappings that no other one beats in both energy and latency, the fastest first.

    What is not searched costs at least as much as one of the pairs `left` of energy [J] and latency [s].
    """

    mappings: tuple[Mapping, ...]
    left: Lows
    evaluated: int
    visited: int


def search_front(
    einsum: Einsum, accelerator: Accelerator, budget: Budget, constraints: Constraints = ()
) -> Found:
    """Search for mappings, and prove that there are no better ones as far as the budget of steps goes.

    Raises as `mapper.map_einsum.map_front` says.
    """
    limits = limits_of(einsum, accelerator, constraints)
    forest = Forest(einsum, accelerator, limits)
    started = perf_counter()
    if not forest.settle(EASY):
        forest.dive()
        if isinstance(budget, Seconds):
            forest.prove_in_time(started + budget.value)
        else:
            forest.prove(budget)
    tree = forest.tree
    evaluated, visited = int(tree["evaluated"]), int(tree["nodes"])
    if tree["n_front"] == 0:
        if constraints:
            raise _nothing_found(einsum, accelerator, constraints, forest)
        return Found((_smallest(einsum, accelerator),), UNKNOWN, evaluated + 1, visited)
    order = np.argsort(tree["front_time"][: tree["n_front"]], kind="stable")
    nests = [tree["front_nest"][i, : tree["front_rows"][i]] for i in order]
    mappings = tuple(unpack(rows, einsum, accelerator) for rows in nests)
    return Found(mappings, forest.left, evaluated, visited)


def _nothing_found(
    einsum: Einsum, accelerator: Accelerator, constraints: Constraints, forest: Forest
) -> CatxError:
    """The error where no mapping was found that obeys the constraints: which conflict, if some surely do."""
    if forest.left:
        who, n = einsum.name or "the einsum", len(constraints)
        which = f"the constraint `{constraints[0]}`"
        if n > 1:
            which = f"its {n} constraints, of which the first one is `{constraints[0]}`,"
        return MappingError(
            f"{who}: no mapping that obeys {which} was found in {forest.tree['nodes']:,} steps",
            loc=constraints[0].loc,
            hint="there may be one: allow more steps with --mapper-budget, or widen a constraint",
        )
    _smallest(einsum, accelerator)  # raises where nothing fits at all

    def impossible(some: Constraints) -> bool:
        fewer = Forest(einsum, accelerator, limits_of(einsum, accelerator, some, constraints))
        fewer.prove(FEASIBILITY)
        return fewer.tree["n_front"] == 0 and not fewer.left

    return conflict(einsum, smallest(constraints, impossible))


def _smallest(einsum: Einsum, accelerator: Accelerator) -> Mapping:
    """The nest that needs the least room: one element of what must be kept, sums finished in one place.

    Raises:
        MappingError: even this does not fit; the message names the memory, its tensors and the missing bytes.
    """
    outer, *inner = accelerator.memories
    first = [dim for dim in einsum.extents if dim in einsum.output.dims]
    last = [dim for dim in einsum.extents if dim not in einsum.output.dims]
    nodes: list[Node] = [Store(outer.name, role) for role in ROLES]
    nodes += [Loop(dim, 1) for dim in first + last]
    nodes += [
        Store(memory.name, role)
        for memory in inner
        for role in ROLES
        if role in memory.keeps - memory.optional
    ]
    mapping = Mapping(tuple(nodes))
    try:
        evaluate(einsum, mapping, accelerator)
    except MappingError as error:
        raise MappingError(
            f"{einsum.name or 'the einsum'} does not fit {accelerator.name}, not even one element of each "
            f"tensor: {error.args[0]}",
            loc=einsum.loc,
        ) from None
    return mapping


def unpack(rows: Rows, einsum: Einsum, accelerator: Accelerator) -> Mapping:
    """The mapping of the kernel's rows."""
    dims = list(einsum.extents)
    axes = [(fanout.name, axis.name) for fanout in accelerator.fanouts for axis in fanout.axes]
    nodes: list[Node] = []
    for kind, index, tile, extra in rows.tolist():
        if kind == STORE:
            nodes.append(Store(accelerator.memories[index].name, ROLES[extra]))
        elif kind == SPATIAL:
            nodes.append(Loop(dims[index], tile, *axes[extra]))
        else:
            nodes.append(Loop(dims[index], tile))
    return Mapping(tuple(nodes))
