"""A graph for a terminal: every op, its shape, what is fused into it, and why other nodes are free."""

from collections import Counter

from catx.frontend.mapping_writer import einsum_text
from catx.ir.coverage import coverage
from catx.ir.einsum import Einsum
from catx.ir.graph import FreeNode, Graph, LeftOut, Op
from catx.tools.canvas import Canvas, Column
from catx.tools.human import binary, counted, plural
from catx.tools.labels import label


def ops_text(graph: Graph, canvas: Canvas) -> None:
    """Add a graph to a canvas."""
    canvas.title(graph.name, graph.loc.file)
    known = coverage(graph)
    canvas.facts(
        (
            ("work", counted(graph.macs, "MAC"), f"{plural(len(graph.ops), 'op')}"),
            ("parameters", counted(graph.parameters), binary(graph.parameter_bytes)),
            ("coverage", plural(known.costed + known.free + known.unknown, "node"), _covered(graph)),
        )
    )
    canvas.title("Ops", "in the order they run")
    runs = any(op.repeat > 1 for op in graph.ops)
    columns = [Column("op", name=True), Column("kind"), *([Column("runs", number=True)] if runs else [])]
    columns += [Column("shape"), Column("MACs", number=True), Column("fused")]
    canvas.table(columns, (_op_cells(op, runs=runs) for op in graph.ops))
    _einsums(graph, canvas)
    if graph.left_out:
        canvas.title("Left out", "in bodies of nodes that are costed by their data alone")
        columns = [Column("node"), Column("op"), Column("contractions"), Column("other nodes", number=True)]
        canvas.table(columns, map(_left_out_cells, graph.left_out))
    if graph.free:
        canvas.title("Free nodes", "cost nothing on an accelerator")
        canvas.table(
            (Column("node"), Column("nodes", number=True), Column("reason"), Column("names")),
            _free_rows(graph.free),
        )


def _covered(graph: Graph) -> str:
    known = coverage(graph)
    names = f": {', '.join(known.unknown_ops)}" if known.unknown_ops else ""
    return f"{known.costed:,} costed, {known.free:,} free, {known.unknown:,} unknown{names}"


def _left_out_cells(node: LeftOut) -> tuple[str, ...]:
    listed = ", ".join(f"{count:,} {op}" for op, count in (*node.contractions, *node.unknown))
    return (node.name, node.op, listed, f"{node.others:,}")


def _op_cells(op: Op, *, runs: bool) -> tuple[str, ...]:
    return (
        op.name,
        label(op),
        *([f"{op.repeat:,}"] if runs else []),
        " ".join(f"{dim}={extent}" for dim, extent in op.dims) or "scalar",
        counted(op.macs * op.repeat) if op.macs else "",
        _fused(op),
    )


def _fused(op: Op, shown: int = 3) -> str:
    """What is fused into an op, each kind with how often; only the first kinds, and how many ops more."""
    kinds = Counter(label(part) for part in op.fused)
    listed = [f"{count:,} x {kind}" if count > 1 else kind for kind, count in list(kinds.items())[:shown]]
    more = sum(list(kinds.values())[shown:])
    return ", ".join(listed) + (f" and {more:,} more" if more else "")


def _einsums(graph: Graph, canvas: Canvas) -> None:
    """The forms of contraction that occur, without extents."""
    forms: dict[tuple[str, str], int] = {}
    for op in graph.ops:
        if isinstance(op, Einsum):
            key = (op.op, einsum_text(op))
            forms[key] = forms.get(key, 0) + 1
    if forms:
        canvas.title("Einsums", "O output, I and W the factors")
        rows = ((op, f"{count:,}", text) for (op, text), count in forms.items())
        canvas.table((Column("op"), Column("ops", number=True), Column("form")), rows)


def _free_rows(free: tuple[FreeNode, ...]) -> list[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for node in free:
        groups.setdefault((node.op, node.reason), []).append(node.name)
    ranked = sorted(groups.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return [(op, f"{len(names):,}", reason, _some(names)) for (op, reason), names in ranked]


def _some(names: list[str], shown: int = 3) -> str:
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
