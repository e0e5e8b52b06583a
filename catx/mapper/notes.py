"""What a reader of a report must know about a model: work that is left out."""

from collections.abc import Iterable

from catx.ir.graph import Graph, LeftOut


def model_notes(graph: Graph) -> list[str]:
    """Plain sentences that begin with the model's name; none for most models."""
    return [f"{graph.name}: {_left_out(node)}" for node in graph.left_out]


def _left_out(node: LeftOut) -> str:
    contractions, unknown = _counted(node.contractions), _counted(node.unknown)
    parts = [f"{_total(node.contractions)} ({contractions})" if contractions else "no contraction"]
    if unknown:
        parts.append(f"operators that catx does not know ({unknown})")
    parts.append(f"{node.others} other node{'s' * (node.others != 1)}")
    return (
        f"{node.op} {node.name!r} is costed by its data alone: what it and its bodies read and write is "
        f"moved once, however often they run. Left out of its bodies: {', '.join(parts)}"
    )


def _counted(ops: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {op}" for op, count in ops)


def _total(ops: Iterable[tuple[str, int]]) -> str:
    total = sum(count for _, count in ops)
    return f"{total} contraction{'s' * (total != 1)}"
