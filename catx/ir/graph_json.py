"""Graphs as JSON, without loss: `from_json(to_json(graph)) == graph`, places in the model's file included."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from catx.errors import CatxError, GraphError, Loc
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import FreeNode, Graph, LeftOut, Op
from catx.ir.held import Held
from catx.ir.operand import Axis, Operand
from catx.ir.tensor import Tensor, TensorKind
from catx.ir.vector_op import VectorOp

FORMAT = "catx-graph"
VERSION = 2
"""Raised when older readers would misread what is written."""

_T = TypeVar("_T")
_EINSUM_KEYS = ["type", "name", "op", "dims", "inputs", "output", "fused", "sources", "repeat", "loc"]
_VECTOR_KEYS = [*(key for key in _EINSUM_KEYS if key != "output"), "kind", "outputs", "reduced"]
_GRAPH_KEYS = [
    "format",
    "version",
    "name",
    "sha256",
    "loc",
    "inputs",
    "outputs",
    "tensors",
    "views",
    "ops",
    "free",
    "left_out",
]


def to_json(graph: Graph) -> str:
    """Write a graph as JSON text, one line per tensor and op."""
    head: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "name": graph.name,
        "sha256": graph.sha256,
        "loc": _loc(graph.loc),
        "inputs": graph.inputs,
        "outputs": graph.outputs,
    }
    if graph.notes:
        head["notes"] = graph.notes
    lists: dict[str, list[Any]] = {
        "tensors": [_tensor(tensor) for tensor in graph.tensors],
        "views": list(graph.views),
        "ops": [_op(op) for op in graph.ops],
        "free": [{"name": node.name, "op": node.op, "reason": node.reason} for node in graph.free],
        "left_out": [_left_out(node) for node in graph.left_out],
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    for key, values in lists.items():
        rows = ",\n  ".join(json.dumps(value) for value in values)
        lines.append(f"{json.dumps(key)}: [\n  {rows}\n]" if rows else f"{json.dumps(key)}: []")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _loc(loc: Loc) -> dict[str, Any]:
    return {"file": loc.file, "where": loc.where, "line": loc.line}


def _left_out(node: LeftOut) -> dict[str, Any]:
    return {
        "name": node.name,
        "op": node.op,
        "contractions": node.contractions,
        "unknown": node.unknown,
        "others": node.others,
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    data = {"name": tensor.name, "shape": tensor.shape, "dtype": tensor.dtype, "kind": tensor.kind}
    return data if tensor.held is None else {**data, "held": (tensor.held.source, tensor.held.elements)}


def _operand(operand: Operand) -> dict[str, Any]:
    whole = {} if operand.count is None else {"count": operand.count}
    return {"tensor": operand.tensor, "dtype": operand.dtype, "axes": operand.axes, **whole}


def _op(op: Op) -> dict[str, Any]:
    common = {
        "name": op.name,
        "op": op.op,
        "dims": op.dims,
        "inputs": [_operand(operand) for operand in op.inputs],
        "fused": [_op(part) for part in op.fused],
        "sources": op.sources,
        "repeat": op.repeat,
        "loc": _loc(op.loc),
    }
    if isinstance(op, Einsum):
        return {"type": "einsum", "output": _operand(op.output), **common}
    outputs = [_operand(operand) for operand in op.outputs]
    return {"type": "vector", "kind": op.kind, "outputs": outputs, "reduced": op.reduced, **common}


def from_json(text: str, *, file: str = "<json>") -> Graph:
    """Read a graph from JSON text.

    Args:
        text: what `to_json` wrote.
        file: where the text came from, for error messages.

    Raises:
        GraphError: the text is no such JSON, or describes an illegal graph; the error says where.
    """
    try:
        root = _At(json.loads(text), file, "")
    except json.JSONDecodeError as error:
        raise GraphError(f"not JSON: {error.msg}", loc=Loc(file, line=error.lineno)) from None
    except RecursionError:
        raise GraphError("not a graph: nested too deeply", loc=Loc(file)) from None
    for key, expected in (("format", FORMAT), ("version", VERSION)):
        if root.has(key) and root[key].value != expected:
            raise root[key].error(f"expected {expected!r}")
    noted = root.has("notes")
    root.only([*_GRAPH_KEYS, *(["notes"] if noted else [])])
    return root.built(
        lambda: Graph(
            name=root["name"].string(),
            sha256=root["sha256"].string(),
            tensors=root["tensors"].each(_read_tensor),
            ops=root["ops"].each(_read_op),
            inputs=root["inputs"].each(_At.string),
            outputs=root["outputs"].each(_At.string),
            free=root["free"].each(_read_free),
            views=root["views"].each(_read_view),
            left_out=root["left_out"].each(_read_left_out),
            notes=root["notes"].each(_At.string) if noted else (),
            loc=_read_loc(root["loc"]),
        )
    )


@dataclass(frozen=True, slots=True)
class _At:
    """A value of the JSON text and its path there."""

    value: Any
    file: str
    path: str

    def error(self, expected: str) -> GraphError:
        shown = repr(self.value)
        shown = shown if len(shown) <= 40 else shown[:40] + "..."
        return GraphError(f"{expected}, not {shown}", loc=Loc(self.file, self.path))

    def has(self, key: str) -> bool:
        """Whether this is an object with a key."""
        return isinstance(self.value, dict) and key in self.value

    def only(self, keys: list[str]) -> None:
        """Check that this is an object with exactly these keys."""
        if not isinstance(self.value, dict):
            raise self.error("expected an object")
        if missing := [key for key in keys if key not in self.value]:
            raise GraphError(f"{missing[0]!r} is missing", loc=Loc(self.file, self.path))
        if unknown := sorted(self.value.keys() - set(keys)):
            raise GraphError(f"unknown key {unknown[0]!r}", loc=Loc(self.file, self.path))

    def __getitem__(self, key: str) -> "_At":
        return _At(self.value[key], self.file, f"{self.path}.{key}" if self.path else key)

    def each(self, read: "Callable[[_At], _T]") -> tuple[_T, ...]:
        """The items of a list, each read by a function."""
        if not isinstance(self.value, list):
            raise self.error("expected a list")
        items = (_At(item, self.file, f"{self.path}[{i}]") for i, item in enumerate(self.value))
        return tuple(read(item) for item in items)

    def string(self) -> str:
        if not isinstance(self.value, str):
            raise self.error("expected a string")
        return self.value

    def integer(self) -> int:
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            raise self.error("expected an integer")
        return self.value

    def pair(self) -> tuple["_At", "_At"]:
        if not isinstance(self.value, list) or len(self.value) != 2:
            raise self.error("expected a list of two")
        first, second = self.each(lambda item: item)
        return first, second

    def one_of(self, choices: type[DType] | tuple[str, ...]) -> str:
        names = [str(choice) for choice in choices]
        if self.value not in names:
            raise self.error(f"expected one of {', '.join(names)}")
        return self.string()

    def built(self, make: Callable[[], _T]) -> _T:
        """What `make` builds; an illegal value is located here unless it says better."""
        try:
            return make()
        except CatxError as error:
            if error.loc is not None and error.loc.file == self.file:
                raise
            raise GraphError(str(error.args[0]), loc=Loc(self.file, self.path)) from None


def _read_loc(at: _At) -> Loc:
    at.only(["file", "where", "line"])
    return Loc(at["file"].string(), at["where"].string(), at["line"].integer())


def _read_tensor(at: _At) -> Tensor:
    computed = at.has("held")
    at.only(["name", "shape", "dtype", "kind", *(["held"] if computed else [])])
    kinds: tuple[TensorKind, ...] = get_args(TensorKind)
    kind = next(kind for kind in kinds if kind == at["kind"].one_of(kinds))
    shape = at["shape"].each(_At.integer)
    held = Held(*_read_term(at["held"])) if computed else None
    return at.built(lambda: Tensor(at["name"].string(), shape, DType(at["dtype"].one_of(DType)), kind, held))


def _read_free(at: _At) -> FreeNode:
    at.only(["name", "op", "reason"])
    return FreeNode(at["name"].string(), at["op"].string(), at["reason"].string())


def _read_left_out(at: _At) -> LeftOut:
    at.only(["name", "op", "contractions", "unknown", "others"])
    return LeftOut(
        at["name"].string(),
        at["op"].string(),
        at["contractions"].each(_read_term),
        at["unknown"].each(_read_term),
        at["others"].integer(),
    )


def _read_view(at: _At) -> tuple[str, str]:
    view, holder = at.pair()
    return view.string(), holder.string()


def _read_term(at: _At) -> tuple[str, int]:
    name, number = at.pair()
    return name.string(), number.integer()


def _read_axis(at: _At) -> Axis:
    return at.each(_read_term)


def _read_operand(at: _At) -> Operand:
    whole = at.has("count")
    at.only(["tensor", "dtype", "axes", *(["count"] if whole else [])])
    return Operand(
        at["tensor"].string(),
        at["axes"].each(_read_axis),
        DType(at["dtype"].one_of(DType)),
        at["count"].integer() if whole else None,
    )


def _read_op(at: _At) -> Op:
    einsum = isinstance(at.value, dict) and at.value.get("type") == "einsum"
    at.only(_EINSUM_KEYS if einsum else _VECTOR_KEYS)
    if not einsum:
        at["type"].one_of(("einsum", "vector"))
        return _read_vector(at)
    inputs = at["inputs"].each(_read_operand)
    if len(inputs) != 2:
        raise at["inputs"].error("expected two operands")
    return at.built(
        lambda: Einsum(
            name=at["name"].string(),
            op=at["op"].string(),
            dims=at["dims"].each(_read_term),
            inputs=(inputs[0], inputs[1]),
            output=_read_operand(at["output"]),
            fused=at["fused"].each(_read_vector),
            sources=at["sources"].each(_At.string),
            repeat=at["repeat"].integer(),
            loc=_read_loc(at["loc"]),
        )
    )


def _read_vector(at: _At) -> VectorOp:
    at.only(_VECTOR_KEYS)
    at["type"].one_of(("vector",))
    return at.built(
        lambda: VectorOp(
            name=at["name"].string(),
            op=at["op"].string(),
            kind=at["kind"].string(),
            dims=at["dims"].each(_read_term),
            inputs=at["inputs"].each(_read_operand),
            outputs=at["outputs"].each(_read_operand),
            reduced=at["reduced"].each(_At.string),
            fused=at["fused"].each(_read_vector),
            sources=at["sources"].each(_At.string),
            repeat=at["repeat"].integer(),
            loc=_read_loc(at["loc"]),
        )
    )
