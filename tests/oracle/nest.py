"""First half of the oracle: walks every step of a loop nest on every instance and moves every element.

An independent twin of the compiled kernel, written from docs/cost-model.md. Nothing here is a closed form:
tiles are concrete index ranges, what an instance holds is a set of elements, and every count is the length of
something that was enumerated.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import NamedTuple

from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, MacRate
from catx.ir.einsum import OUTPUT, ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Store
from catx.ir.operand import Operand

Element = tuple[int, ...]
Index = tuple[int, ...]
Box = dict[str, range]


class Place(NamedTuple):
    """One step at one instance: indices of the temporal and the spatial loops above, and the tile there."""

    step: Index
    at: Index
    box: Box


class Visit(NamedTuple):
    """A step that moves something into (or out of) one instance: the elements that it held not before."""

    step: Index
    at: Index
    box: Box
    held: frozenset[Element]
    new: frozenset[Element]


class Access(NamedTuple):
    """One access outside a child: it serves all instances that ask for the same data in the same step.

    `owner` is the instance that is accessed; `lane` tells apart instances that cannot share an access.
    """

    step: Index
    owner: Index
    lane: Index
    elements: frozenset[Element]


class Move(NamedTuple):
    """Elements of one access: all of them, those moved before, and those that are final results."""

    step: Index
    owner: Index
    elements: int
    again: int
    final: int


@dataclass(slots=True)
class Child:
    """A store, or the matrix unit, as the receiver of one tensor: the loops above it, and its places."""

    level: int
    loops: tuple[Loop, ...]
    places: list[Place] = field(default_factory=list)
    temporal: tuple[Loop, ...] = ()
    spatial: tuple[Loop, ...] = ()

    def __post_init__(self) -> None:
        self.temporal = tuple(loop for loop in self.loops if not loop.spatial)
        self.spatial = tuple(loop for loop in self.loops if loop.spatial)


@dataclass
class Nest:
    """A walked loop nest: every place of every store and of the unit; places of the unit are operations."""

    einsum: Einsum
    accelerator: Accelerator
    stores: dict[tuple[str, str], Child]
    unit: Child

    @cached_property
    def results(self) -> list[tuple[Index, Element]]:
        """For every operation its instance and the output element that it adds to."""
        output = self.operand(OUTPUT)
        return [(place.at, next(iter(span(output, place.box)))) for place in self.unit.places]

    @cached_property
    def terms(self) -> Counter[Element]:
        """How many operations add to an output element."""
        return Counter(element for _, element in self.results)

    def operand(self, role: str) -> Operand:
        return self.einsum.operands[ROLES.index(role)]

    def level(self, name: str) -> int:
        return [level.name for level in self.accelerator.levels].index(name)

    def axis(self, loop: Loop) -> FanoutAxis:
        (fanout,) = (f for f in self.accelerator.fanouts if f.name == loop.fanout)
        (axis,) = (axis for axis in fanout.axes if axis.name == loop.axis)
        return axis

    def chain(self, role: str) -> list[tuple[str, Child]]:
        """Who passes the tensor on: its stores from the outside in, then the matrix unit."""
        names = [m.name for m in self.accelerator.memories if (m.name, role) in self.stores]
        return [(name, self.stores[name, role]) for name in names] + [("", self.unit)]

    def outside(self, child: Child, level: int) -> int:
        """How many of the child's spatial loops (they come first) belong to fanouts outside of a level."""
        return sum(self.level(loop.fanout) < level for loop in child.spatial)


def nontrivial(einsum: Einsum, mapping: Mapping) -> list[Loop | Store]:
    """The nodes without loops that have a single iteration."""
    nominal, nodes = einsum.extents, list[Loop | Store]()
    for node in mapping.nodes:
        if isinstance(node, Store):
            nodes.append(node)
        elif node.tile < nominal[node.dim]:
            nodes.append(node)
            nominal[node.dim] = node.tile
    return nodes


def walk_nest(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> Nest:
    """Run the whole nest and note every place of every store and every operation."""
    nodes = nontrivial(einsum, mapping)
    levels = [level.name for level in accelerator.levels]
    children = dict[int, Child]()
    stores = dict[tuple[str, str], Child]()
    for i, node in enumerate(nodes):
        if isinstance(node, Store):
            above = tuple(n for n in nodes[:i] if isinstance(n, Loop))
            children[i] = stores[node.memory, node.role] = Child(levels.index(node.memory), above)
    unit = Child(len(levels), tuple(n for n in nodes if isinstance(n, Loop)))

    def run(i: int, place: Place) -> None:
        if i == len(nodes):
            unit.places.append(place)
            return
        node = nodes[i]
        if isinstance(node, Store):
            children[i].places.append(place)
            run(i + 1, place)
            return
        whole = place.box[node.dim]
        for index, start in enumerate(range(whole.start, whole.stop, node.tile)):
            tile = range(start, min(start + node.tile, whole.stop))
            box = {**place.box, node.dim: tile}
            if node.spatial:
                run(i + 1, Place(place.step, (*place.at, index), box))
            else:
                run(i + 1, Place((*place.step, index), place.at, box))

    run(0, Place((), (), {dim: range(extent) for dim, extent in einsum.dims}))
    return Nest(einsum, accelerator, stores, unit)


def span(operand: Operand, box: Box) -> frozenset[Element]:
    """Elements of a tile: along each axis everything from the lowest to the highest index, holes included."""
    axes = []
    for axis in operand.axes:
        low = high = 0
        for dim, coeff in axis:
            low += coeff * box[dim].start
            high += coeff * (box[dim].stop - 1)
        axes.append(range(low, high + 1))
    return frozenset(product(*axes))


def visits(operand: Operand, child: Child, *, holds: bool) -> list[Visit]:
    """Every visit of a child, step by step: instances side by side run in lockstep.

    A child that holds its tile keeps it while only loops that do not index the tensor move on, and what
    it held one step before along the innermost loop. The matrix unit holds nothing.
    """
    loops = child.temporal
    kept = len(loops)
    while holds and kept and loops[kept - 1].dim not in operand.dims:
        kept -= 1
    slides = holds and kept == len(loops) > 0
    last, found = dict[Index, Visit](), list[Visit]()
    for place in sorted(child.places, key=lambda place: place.step):
        step, before = place.step[:kept], last.get(place.at)
        if holds and before and before.step == step:
            assert before.held == span(operand, place.box), "a tile that stays in place has changed"
            continue
        held = new = span(operand, place.box)
        if slides and before and before.step[:-1] == step[:-1]:
            new = held - before.held
        last[place.at] = Visit(step, place.at, place.box, held, new)
        found.append(last[place.at])
    return found


def sharing(nest: Nest, role: str, child: Child, outside: int) -> tuple[list[int], list[int]]:
    """The spatial loops from `outside` on that split no data: those whose axis shares, and the others."""
    dims, shared, alone = nest.operand(role).dims, list[int](), list[int]()
    for i, loop in enumerate(child.spatial[outside:], outside):
        if loop.dim not in dims:
            axis = nest.axis(loop)
            (shared if (axis.reduces if role == OUTPUT else role in axis.multicast) else alone).append(i)
    return shared, alone


def accesses(nest: Nest, role: str, child: Child, found: list[Visit], outside: int) -> list[Access]:
    """What serves a child's visits further out: instances that want the same data together share it."""
    dims = sorted(nest.operand(role).dims)
    _, alone = sharing(nest, role, child, outside)
    shared = dict[object, Access]()
    for visit in found:
        owner, lane = visit.at[:outside], tuple(visit.at[i] for i in alone)
        data = tuple(visit.box[dim] for dim in dims)
        access = Access(visit.step, owner, lane, visit.new)
        assert shared.setdefault((visit.step, owner, lane, data), access) == access, "shared data differ"
    return list(shared.values())


def moves(found: list[Access], complete: "Complete | None", *, by_lane: bool = False) -> list[Move]:
    """Accesses in order, with what each element has seen before and whether it is moved for the last time.

    An element that moves for the last time is final if its owner (with `by_lane`: that lane of it) has
    accumulated all operations that it needs.
    """

    def who(access: Access) -> tuple[Index, Index]:
        return access.owner, access.lane if by_lane else ()

    last = {(who(a), e): i for i, a in enumerate(found) for e in a.elements}
    touched, out = set[object](), list[Move]()
    for i, access in enumerate(found):
        keys = [(who(access), element) for element in access.elements]
        again = sum(key in touched for key in keys)
        touched.update(keys)
        final = sum(last[key] == i and complete is not None and complete[key] for key in keys)
        out.append(Move(access.step, access.owner, len(keys), again, final))
    return out


Complete = dict[tuple[tuple[Index, Index], Element], bool]


def completeness(nest: Nest, child: Child, outside: int, *, by_lane: bool = False) -> Complete:
    """For every output element at every instance that works on it: whether it does all of its operations."""
    alone = sharing(nest, OUTPUT, child, outside)[1] if by_lane else []
    here = Counter(((at[:outside], tuple(at[i] for i in alone)), element) for at, element in nest.results)
    return {key: count == nest.terms[key[1]] for key, count in here.items()}


def fanouts_between(nest: Nest, parent: int, child: int) -> Iterator[tuple[int, Fanout]]:
    """The fanouts that lie between two levels."""
    for i, level in enumerate(nest.accelerator.levels):
        if isinstance(level, Fanout) and parent < i < child:
            yield i, level


def mac_rate(einsum: Einsum, accelerator: Accelerator) -> MacRate | None:
    """How the matrix unit runs the einsum: at the wider factor's type, or a type of its class as wide."""
    types = [operand.dtype for operand in einsum.inputs]
    wanted = max(types, key=lambda dtype: (dtype.is_float, dtype.bits))
    same = [rate for rate in accelerator.matrix.rates if rate.dtype == wanted]
    wider = [
        rate
        for rate in accelerator.matrix.rates
        if rate.dtype.is_float == wanted.is_float and rate.dtype.bits >= wanted.bits
    ]
    return (same + sorted(wider, key=lambda rate: rate.dtype.bits) + [None])[0]
