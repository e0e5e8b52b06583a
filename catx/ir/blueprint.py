"""Blueprint: a model of repeated layers, from which its ops in other sizes follow without another export.

It is read off graphs of the same model with one, two and three layers, whose sizes (width, heads, ...) are
primes that divide nothing else in them. Every number of an op is then a constant times powers of sizes.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from catx.errors import GraphError
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph, Op, canonical_op
from catx.ir.operand import Operand
from catx.ir.passes.set_precision import set_precision
from catx.ir.vector_op import VectorOp

_Key = TypeVar("_Key")

Number = Callable[[int], int]
"""A number of the blueprint in other sizes."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph of so many layers and the sizes that it has."""

    graph: Graph
    layers: int
    sizes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Bill:
    """What a graph has of each op (canonical, see `canonical_op`), and of parameters: (numbers, bits)."""

    ops: Counter[Op]
    parameters: Counter[tuple[int, int]]

    @classmethod
    def of(cls, graph: Graph) -> "Bill":
        """The bill of a graph; an op counts as often as it runs."""
        ops: Counter[Op] = Counter()
        for op in graph.ops:
            ops[canonical_op(op)] += op.repeat
        return cls(ops, Counter(graph.held_parameters))

    def in_sizes(self, number: Number, op_in: Callable[[Op], Op]) -> "Bill":
        """The bill with every number in other sizes; what becomes equal by it is counted together.

        Args:
            number: tells a number in other sizes.
            op_in: tells an op in other sizes, canonical.
        """
        ops: Counter[Op] = Counter()
        for op, count in self.ops.items():
            ops[op_in(op)] += count
        parameters: Counter[tuple[int, int]] = Counter()
        for (elements, bits), count in self.parameters.items():
            parameters[number(elements), bits] += count
        return Bill(ops, parameters)


class Blueprint:
    """Ops of a model of any sizes and number of layers.

    Args:
        name: of the model.
        drawings: graphs of one and two layers in the same prime sizes, and one of three layers in others, by
            which the other two are checked.
        units: sizes that are 1, which the graphs have no dims of.

    Raises:
        GraphError: the third graph is not what follows from the others: layers differ, or a number is no
            product of sizes.
    """

    def __init__(self, name: str, drawings: Sequence[Drawing], units: Collection[str] = ()) -> None:
        first, second, check = drawings
        if (first.layers, second.layers, check.layers) != (1, 2, 3) or first.sizes != second.sizes:
            raise GraphError("a blueprint needs graphs of 1, 2 and 3 layers, the first two of the same sizes")
        self.name, self._drawings = name, tuple(drawings)
        self._primes, self._units = dict(first.sizes), frozenset(units)
        self._first, self._second = Bill.of(first.graph), Bill.of(second.graph)
        self._sizes_of = {op: self._found_in(op) for op in self._first.ops | self._second.ops}
        self._known: dict[tuple[Op, tuple[int, ...]], Op] = {}
        other = dict.fromkeys(units, 1) | dict(check.sizes)
        expected, found = self.bill(check.layers, other), Bill.of(check.graph)
        if (expected.ops, expected.parameters) != (found.ops, found.parameters):
            odd = next(iter((found.ops - expected.ops) or (expected.ops - found.ops)), None)
            raise GraphError(
                f"{name}: a model of 3 layers does not follow from those of 1 and 2"
                + (f": {odd.op} over {odd.dims} is there in one of them alone" if odd else "")
            )

    def at(self, precision: DType) -> "Blueprint":
        """The blueprint of the model at an accelerator's element type; see `set_precision`."""
        drawings = [replace(one, graph=set_precision(one.graph, precision)) for one in self._drawings]
        return Blueprint(self.name, drawings, self._units)

    def bill(self, layers: int, sizes: Mapping[str, int]) -> Bill:
        """Ops and parameters of a model.

        Args:
            layers: at least 1.
            sizes: as many of each as the model has, by the names of the drawings' sizes and units.

        Raises:
            GraphError: other names than these, or a unit that is not 1.
        """
        if self._primes.keys() | self._units != sizes.keys():
            known = ", ".join((*self._primes, *sorted(self._units)))
            raise GraphError(f"the sizes are {known}, not {', '.join(sizes)}")
        if wrong := [name for name in self._units if sizes[name] != 1]:
            raise GraphError(f"{self.name}: a blueprint of models with 1 {wrong[0]}, not {sizes[wrong[0]]}")
        number = _Sizes(self._primes, sizes)
        op_in = partial(self._op_in, sizes, number)
        first, second = self._first.in_sizes(number, op_in), self._second.in_sizes(number, op_in)
        return Bill(
            _continued(first.ops, second.ops, layers),
            _continued(first.parameters, second.parameters, layers),
        )

    def _op_in(self, sizes: Mapping[str, int], number: Number, op: Op) -> Op:
        """An op in other sizes, canonical; made once per those sizes that its own numbers have."""
        key = op, tuple(sizes[name] for name in self._sizes_of[op])
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = canonical_op(_op_in(op, number))
        return found

    def _found_in(self, op: Op) -> tuple[str, ...]:
        """Names of the sizes that numbers of an op have: in others, it is the same op."""
        met: set[int] = set()

        def number(value: int) -> int:
            met.add(value)
            return value

        _op_in(op, number)
        return tuple(
            name for name, prime in self._primes.items() if any(value and value % prime == 0 for value in met)
        )


def _continued(first: Counter[_Key], second: Counter[_Key], layers: int) -> Counter[_Key]:
    """Counts of so many layers: each one after the first adds what the second one did."""
    found = Counter({key: first[key] + (layers - 1) * (second[key] - first[key]) for key in first | second})
    return +found


class _Sizes:
    """Numbers of a blueprint in other sizes."""

    def __init__(self, primes: Mapping[str, int], sizes: Mapping[str, int]) -> None:
        self._pairs = [(prime, sizes[name]) for name, prime in primes.items()]
        self._known: dict[int, int] = {}

    def __call__(self, number: int) -> int:
        """A number with every prime in it replaced by the size that it stands for."""
        found = self._known.get(number)
        if found is None:
            found = rest = number
            for prime, size in self._pairs:
                while rest and rest % prime == 0:
                    rest //= prime
                    found = found // prime * size
            self._known[number] = found
        return found


def _op_in(op: Op, number: Number) -> Op:
    dims = tuple((name, number(extent)) for name, extent in op.dims)
    fused = tuple(_vector_in(part, number) for part in op.fused)
    if isinstance(op, Einsum):
        one, other, output = (_operand_in(operand, number) for operand in op.operands)
        return replace(op, dims=dims, inputs=(one, other), output=output, fused=fused)
    return replace(_vector_in(op, number), fused=fused)


def _vector_in(op: VectorOp, number: Number) -> VectorOp:
    return replace(
        op,
        dims=tuple((name, number(extent)) for name, extent in op.dims),
        inputs=tuple(_operand_in(operand, number) for operand in op.inputs),
        outputs=tuple(_operand_in(operand, number) for operand in op.outputs),
    )


def _operand_in(operand: Operand, number: Number) -> Operand:
    axes = tuple(tuple((dim, number(coeff)) for dim, coeff in axis) for axis in operand.axes)
    return replace(operand, axes=axes, count=None if operand.count is None else number(operand.count))
