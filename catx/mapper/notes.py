"""What a reader of a report must know about a model: work that is left out, and data that is moved again."""

from collections.abc import Iterable, Sequence

from catx.ir.einsum import Einsum
from catx.ir.graph import Graph, LeftOut
from catx.ir.vector_op import VectorOp

CACHED = frozenset({"Attention", "MultiHeadAttention", "GroupQueryAttention"})
"""Operators that put new keys and values behind those of a cache themselves."""


def model_notes(graph: Graph) -> list[str]:
    """Plain sentences that begin with the model's name; none for most models."""
    notes = [*map(_left_out, graph.left_out), *_recurrent(graph), *_caches(graph)]
    return [f"{graph.name}: {note}" for note in notes]


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


def _recurrent(graph: Graph) -> list[str]:
    """Layers that run an einsum per time step, by operator."""
    layers: dict[str, dict[str, tuple[float, float]]] = {}
    for op in graph.ops:
        if isinstance(op, Einsum) and op.repeat > 1:
            once, all_steps = layers.setdefault(op.op, {}).get(op.sources[0], (0.0, 0.0))
            weights = op.inputs[1].elements(op.extents) * op.inputs[1].dtype.bits / 8
            layers[op.op][op.sources[0]] = (once + weights, all_steps + weights * op.repeat)
    return [
        f"{op} {_named(list(sizes))}: one op per time step, so recurrent weights of "
        f"{_bytes(once for once, _ in sizes.values())} are fetched anew at every step, "
        f"{_bytes(every for _, every in sizes.values())} per inference. Hardware that keeps them on chip "
        "moves less"
        for op, sizes in layers.items()
    ]


def _caches(graph: Graph) -> list[str]:
    """Attention layers that copy a cache of keys and values, by operator."""
    layers: dict[str, dict[str, float]] = {}
    for op in graph.ops:
        if isinstance(op, VectorOp) and op.kind == "concat" and op.op in CACHED:
            copied = op.outputs[0].elements(dict(op.dims)) * op.outputs[0].dtype.bits / 8
            sizes = layers.setdefault(op.op, {})
            sizes[op.sources[0]] = sizes.get(op.sources[0], 0.0) + copied
    return [
        f"{op} {_named(list(sizes))}: the whole cache of keys and values is copied to append to it, "
        f"{_bytes(sizes.values())} read and as much written per inference. An implementation that "
        "appends in place moves the new tokens alone"
        for op, sizes in layers.items()
    ]


def _named(names: Sequence[str], shown: int = 3) -> str:
    rest = len(names) - shown
    return ", ".join(map(repr, names[:shown])) + (f" and {rest} more" if rest > 0 else "")


def _bytes(sizes: Iterable[float]) -> str:
    value, *larger = sum(sizes), "KiB", "MiB", "GiB", "TiB"
    unit = "B"
    while value >= 999.5 and larger:
        value, unit = value / 1024, larger.pop(0)
    return f"{value:.3g} {unit}"
