"""Einsum: the one kind of op that the mapper sees."""

from dataclasses import dataclass, field, replace
from math import prod

from catx.arguments import shown
from catx.errors import GraphError, Loc
from catx.ir.operand import Operand, checked_box
from catx.ir.vector_op import VectorOp

INPUT, WEIGHT, OUTPUT = ROLES = ("input", "weight", "output")
"""Roles of an einsum's operands: the first and the second factor, and the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Einsum:
    """output[...] += input[...] * weight[...] over the box of `dims` (name, extent).

    The two factors have the roles `input` and `weight`, whether or not the second one is a parameter
    (in Q K^T it is an activation). Dims that index both factors but not the output are contracted.
    Output axes follow one dim each, so every output element has one place. `op` is the model's own
    operator; `fused` holds elementwise vector ops that run on each result before it is written;
    `sources` names the model's nodes that this op covers. The op runs `repeat` times, one run after the
    other (the time steps of a recurrent layer); dims, operands and `macs` are those of one run.
    """

    name: str
    op: str
    dims: tuple[tuple[str, int], ...]
    inputs: tuple[Operand, Operand]
    output: Operand
    fused: tuple[VectorOp, ...] = ()
    sources: tuple[str, ...] = ()
    repeat: int = 1
    loc: Loc = field(default=Loc("<python>"), compare=False)

    def __post_init__(self) -> None:
        if type(self.name) is not str:
            raise GraphError(f"an einsum is named by a text, not {shown(self.name)}", loc=self.loc)
        if type(self.inputs) is not tuple or len(self.inputs) != 2:
            raise GraphError(
                f"{self.name}: inputs are a tuple of two operands, not {shown(self.inputs)}", loc=self.loc
            )
        if type(self.fused) is not tuple or not all(isinstance(op, VectorOp) for op in self.fused):
            raise GraphError(f"{self.name}: fused is a tuple of VectorOps", loc=self.loc)
        extents = checked_box(self.name, self.dims, self.repeat, self.operands, self.loc)
        for operand in self.operands:
            if operand.count is not None:
                raise GraphError(f"{self.name}: {operand.tensor} is read by no axis", loc=self.loc)
            used = [dim for axis in operand.axes for dim, _ in axis]
            if len(set(used)) != len(used):
                raise GraphError(
                    f"{self.name}: a dim stands twice in {operand.tensor}{operand.axes}", loc=self.loc
                )
            if any(coeff < 1 for axis in operand.axes for _, coeff in axis):
                raise GraphError(f"{self.name}: {operand.tensor} has a coefficient below 1", loc=self.loc)
        if any(len(axis) > 1 or (axis and axis[0][1] != 1) for axis in self.output.axes):
            raise GraphError(
                f"{self.name}: each output axis must follow one dim, not {self.output.axes}", loc=self.loc
            )
        if idle := sorted(extents.keys() - set().union(*(operand.dims for operand in self.operands))):
            raise GraphError(f"{self.name}: dims {idle} index no operand", loc=self.loc)

    @property
    def operands(self) -> tuple[Operand, Operand, Operand]:
        """The operands in the order of `ROLES`."""
        return (*self.inputs, self.output)

    @property
    def extents(self) -> dict[str, int]:
        """Extent by dim name, in the order of `dims`."""
        return dict(self.dims)

    @property
    def contracted(self) -> frozenset[str]:
        """Dims over which the output accumulates."""
        return frozenset(dim for dim, _ in self.dims) - self.output.dims

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run: points of the iteration domain."""
        return prod(extent for _, extent in self.dims)

    def as_written(self) -> "Einsum":
        """The einsum with no fused ops, its output of the type that the last one writes: what is mapped."""
        if not self.fused:
            return self
        written = replace(self.output, dtype=self.fused[-1].outputs[0].dtype)
        return replace(self, output=written, fused=())

    def canonical(self) -> "Einsum":
        """What a mapping depends on, and nothing else: equal for repeated layers.

        As written (see there); tensors are named by role and their axes sorted (a transposed weight is read
        as cheaply); name, operator, sources and repetition are dropped.
        """
        first, second, output = (
            replace(operand, tensor=role, axes=tuple(sorted(operand.axes)))
            for operand, role in zip(self.as_written().operands, ROLES, strict=True)
        )
        return Einsum(name="", op="", dims=self.dims, inputs=(first, second), output=output)
