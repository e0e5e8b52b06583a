"""Lowering: a resolved ONNX model becomes a graph of einsums and vector ops.

Every node of the model ends as one of three: costed (some op names it in `sources`), free (listed in
`Graph.free` with the reason), or refused by name. What a rule writes is faithful to the model's own axes;
the passes of `catx.ir.passes` bring ops to their canonical form.

A `Transpose` becomes an op here, unless it only moves axes of extent 1. Whether it moves data is decided by
the pass `absorb-transposes`, which sees who writes and who reads: an op can write its result, or read its
operands, in any order of axes, so data moves only between two that cannot.
"""

from dataclasses import dataclass, field
from math import prod

from catx.errors import Loc, UnknownOpError
from catx.frontend.onnx.lower.absorb import absorb
from catx.frontend.onnx.lower.layout import Layout
from catx.frontend.onnx.lower.left_out import left_out
from catx.frontend.onnx.lower.node import Lowered, Node, unknown, whole
from catx.frontend.onnx.lower.registry import find
from catx.frontend.onnx.resolved import ResolvedModel, ResolvedNode
from catx.ir.graph import FreeNode, Graph, LeftOut, Op, op_inputs, op_outputs
from catx.ir.tensor import Tensor, TensorKind
from catx.ir.vector_op import VectorOp
from catx.ir.views import Holders, with_holders


@dataclass(slots=True)
class _State:
    """What the nodes so far became; `shown` are the tensors that the user gets."""

    ops: list[Op] = field(default_factory=list)
    free: list[FreeNode] = field(default_factory=list)
    views: dict[str, str] = field(default_factory=dict)
    layouts: dict[str, Layout] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    weights: set[str] = field(default_factory=set)
    left_out: list[LeftOut] = field(default_factory=list)
    shown: frozenset[str] = frozenset()

    def add(self, node: ResolvedNode, lowered: Lowered) -> None:
        """Take in what one node became."""
        self.ops += lowered.ops
        self.views |= lowered.views
        self.layouts |= lowered.layouts
        self.tensors |= {tensor.name: tensor for tensor in lowered.tensors}
        self.weights.update(lowered.weights)
        self.left_out += lowered.left_out
        if not lowered.ops:
            self.free.append(FreeNode(node.name, node.op_type, lowered.free))


def lower(model: ResolvedModel, *, allow_unknown: bool = False) -> Graph:
    """Turn every node into ops, or a reason why it is free.

    Args:
        model: nodes in topological order with all shapes known.
        allow_unknown: cost an operator without a rule by its data movement instead of refusing it.

    Raises:
        UnknownOpError: an operator that no rule costs, and `allow_unknown` is not set.
        ModelError: a node whose shapes or attributes contradict each other.
    """
    model = absorb(model)
    used = {name for node in model.nodes for name in (*node.inputs, *node.captures) if name}
    used.update(model.outputs)
    state = _State(free=list(model.folded), shown=frozenset(model.outputs))
    for raw in model.nodes:
        node = Node(raw, model.values, state.layouts, used, state.shown)
        state.add(raw, _lower_node(node, allow_unknown))
    return _graph(model, state)


def _lower_node(node: Node, allow_unknown: bool) -> Lowered:
    """Apply the rule of a node's operator."""
    outputs = node.results()
    if outputs and all(0 in out.shape for out in outputs):
        return Lowered(weights=tuple(out.name for out in outputs), free="its result has no elements")
    found = find(node.raw.domain, node.raw.op_type)
    try:
        if found is None:
            raise unknown(node.raw)
        return _complete(node, found(node))
    except UnknownOpError:
        if not allow_unknown:
            raise
        return Lowered(ops=(unknown_op(node),), left_out=left_out(node.raw))


def _complete(node: Node, lowered: Lowered) -> Lowered:
    """What a rule made, if it makes every result that somebody reads."""
    made = {name for op in lowered.ops for name in op_outputs(op)}
    made |= {*lowered.weights, *(view for view, _ in lowered.views)}
    for index, name in enumerate(node.raw.outputs):
        if node.wants(index) and name not in made and 0 not in node.values[name].shape:
            raise node.unsupported(f"its output {index} is read")
    return lowered


def unknown_op(node: Node) -> VectorOp:
    """An op that reads all inputs and what its bodies take or hold, and writes all outputs, each once.

    Its box has as many points as its largest tensor has elements: its work can be spread so far.
    """
    read = (*node.given(), *(node.values[name] for name in node.raw.captures))
    inputs = dict.fromkeys(value for value in read if prod(value.shape) and not node.immediate(value))
    outputs = [value for value in node.results() if prod(value.shape)]
    largest = max((prod(value.shape) for value in (*inputs, *outputs)), default=1)
    return VectorOp(
        name=node.name,
        op=node.raw.op_type,
        kind="unknown",
        dims=(("e", largest),) if largest > 1 else (),
        inputs=tuple(whole(value) for value in inputs),
        outputs=tuple(whole(value) for value in outputs),
        sources=(node.name,),
        loc=node.loc,
    )


def _graph(model: ResolvedModel, state: _State) -> Graph:
    """The graph of all ops, with the tensors that they name."""
    names: dict[str, None] = dict.fromkeys(model.inputs)
    for op in state.ops:
        names |= dict.fromkeys((*op_inputs(op), *op_outputs(op)))
    names |= dict.fromkeys(model.outputs)
    names = with_holders(names, state.views)
    holders = Holders(state.views)
    views = {name: holder for name, holder in state.views.items() if name in names}
    return Graph(
        name=model.name,
        tensors=tuple(_tensor(model, state, name, holders.find(name)) for name in names),
        ops=tuple(state.ops),
        inputs=model.inputs,
        outputs=model.outputs,
        free=tuple(state.free),
        views=tuple(views.items()),
        left_out=tuple(state.left_out),
        notes=model.notes,
        sha256=model.sha256,
        loc=Loc(model.file),
    )


def _tensor(model: ResolvedModel, state: _State, name: str, holder: str) -> Tensor:
    """The graph's tensor of a name: made by a rule, or a value of the model."""
    if name in state.tensors:
        return state.tensors[name]
    value = model.values[name]
    kind: TensorKind = "activation"
    source = model.values.get(holder)
    if holder in state.weights or (source is not None and source.kind in ("initializer", "constant")):
        kind = "weight"
    elif value.kind == "input":
        kind = "input"
    elif name in state.shown:
        kind = "output"
    return Tensor(name, value.shape, value.dtype, kind, value.held if kind == "weight" else None)
