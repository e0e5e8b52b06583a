"""VectorOp: everything that is not a contraction: norms, activations, reductions, lookups, data movement."""

from dataclasses import dataclass, field
from math import prod

from catx.errors import GraphError, Loc
from catx.ir.operand import Operand, checked_box


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorOp:
    """An operation of the vector unit over a box of iteration dims.

    `kind` names the row of the vector cost table (`costmodel/vector_table.py`): scalar work per element and
    passes over the data. `reduced` lists the dims along which a result depends on a whole row (softmax,
    norms, reductions, pooling windows): an input is read again for each further pass over such a row.
    An operand that lacks a dim is broadcast along it. `op` is the model's own name of the operator.
    `fused` holds elementwise ops that run on each result element before it is written.
    `sources` names the model's nodes that this op covers. The op runs `repeat` times, one run after the
    other (the time steps of a recurrent layer); dims and operands are those of one run.
    """

    name: str
    op: str
    kind: str
    dims: tuple[tuple[str, int], ...]
    inputs: tuple[Operand, ...]
    outputs: tuple[Operand, ...]
    reduced: tuple[str, ...] = ()
    fused: tuple["VectorOp", ...] = ()
    sources: tuple[str, ...] = ()
    repeat: int = 1
    loc: Loc = field(default=Loc("<python>"), compare=False)

    def __post_init__(self) -> None:
        operands = (*self.inputs, *self.outputs)
        extents = checked_box(self.name, self.dims, self.repeat, operands, self.loc)
        if unknown := sorted(set(self.reduced) - extents.keys()):
            raise GraphError(f"{self.name}: reduces over unknown dims {unknown}", loc=self.loc)

    @property
    def elements(self) -> int:
        """Points of the iteration domain."""
        return prod(extent for _, extent in self.dims)

    @property
    def macs(self) -> int:
        """Multiply-accumulates: none, by definition."""
        return 0
