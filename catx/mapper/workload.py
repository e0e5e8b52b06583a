"""What a design costs of a model: its different ops, and how often each runs."""

from dataclasses import dataclass
from typing import Self

from catx.ir.blueprint import Bill
from catx.ir.coverage import model_info
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph, Op
from catx.ir.passes.rewrite import sources_of
from catx.ir.passes.set_precision import set_precision
from catx.ir.report import Coverage, ModelInfo
from catx.mapper.notes import model_notes


@dataclass(frozen=True, slots=True)
class Work:
    """An op that costs the same wherever the model has it.

    `op` is its first occurrence, `names` every one, `count` how often the model runs it, `nodes` the model's
    nodes that all occurrences cover. For an einsum, `einsum` is what is mapped of it (see
    `Einsum.as_written`), and `canonical` that by which mappings are shared; None for vector ops.
    """

    op: Op
    names: tuple[str, ...]
    count: int
    nodes: tuple[str, ...]
    einsum: Einsum | None
    canonical: Einsum | None

    @classmethod
    def of(cls, op: Op, names: tuple[str, ...], count: int, nodes: tuple[str, ...]) -> Self:
        """The work of an op."""
        einsum = op.as_written() if isinstance(op, Einsum) else None
        return cls(op, names, count, nodes, einsum, einsum.canonical() if einsum else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A model at the element types that it is costed at.

    `retyped` tells which types were replaced, `notes` what else a reader must know of the model.
    """

    info: ModelInfo
    works: tuple[Work, ...]
    retyped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def workload_of(graph: Graph, precision: DType | None, accelerator: str) -> Workload:
    """The workload of a graph.

    Args:
        graph: a model.
        precision: type that replaces its floating-point ones; None leaves them.
        accelerator: name of the machine that has this precision.
    """
    retyped = () if precision is None else _retyped(graph, precision, accelerator)
    if precision is not None:
        graph = set_precision(graph, precision)
    works = tuple(
        Work.of(ops[0], tuple(op.name for op in ops), sum(op.repeat for op in ops), sources_of(ops))
        for ops in graph.unique_ops().values()
    )
    return Workload(info=model_info(graph), works=works, retyped=retyped, notes=tuple(model_notes(graph)))


def workload_of_bill(name: str, bill: Bill) -> Workload:
    """The workload of a model that is known by its bill; see `Blueprint.bill`. Its ops have no names."""
    works = tuple(
        Work.of(op, (f"{op.op} {at}",), count, ()) for at, (op, count) in enumerate(bill.ops.items())
    )
    parameters = [(elements * count, bits) for (elements, bits), count in bill.parameters.items()]
    info = ModelInfo(
        name=name,
        file="",
        sha256="",
        macs=sum(op.macs * count for op, count in bill.ops.items()),
        parameters=sum(elements for elements, _ in parameters),
        parameter_bytes=sum(elements * bits / 8 for elements, bits in parameters),
        coverage=Coverage(costed=len(works), free=0, unknown=0),
        notes=(),
    )
    return Workload(info=info, works=works)


def _retyped(graph: Graph, precision: DType, accelerator: str) -> tuple[str, ...]:
    replaced = sorted({t.dtype.value for t in graph.tensors if t.dtype.is_float and t.dtype != precision})
    if not replaced:
        return ()
    return (
        f"{graph.name}: {', '.join(replaced)} tensors are costed at {precision}, the precision of "
        f"{accelerator}",
    )
