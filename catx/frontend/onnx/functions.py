"""Model-local functions, inlined: afterwards every node is an operator."""

from collections.abc import Iterable, Iterator

import onnx.inliner
from onnx import AttributeProto, ModelProto, NodeProto

from catx.errors import Loc, ModelError
from catx.frontend.onnx.foreign import FOREIGN_ERRORS
from catx.frontend.onnx.names import first_line, shown

MAX_NODES = 1_000_000
"""Nodes after inlining: functions that call functions can grow a small file without bound."""

_Key = tuple[str, str]


def inline_functions(model: ModelProto, loc: Loc) -> ModelProto:
    """The model with calls of model-local functions replaced by their bodies; the same one if it has none.

    Raises:
        ModelError: a function calls itself, the result would be huge, or onnx cannot inline it.
    """
    if not model.functions:
        return model
    bodies = {(function.domain, function.name): function.node for function in model.functions}
    if len(bodies) < len(model.functions):
        raise ModelError("two model-local functions have the same name", loc=loc)
    _check_growth(model.graph.node, bodies, loc)
    _import_domains(model)
    try:
        return onnx.inliner.inline_local_functions(model, convert_version=True)
    except FOREIGN_ERRORS as error:
        raise ModelError(f"its functions cannot be inlined: {first_line(error)}", loc=loc) from error


def _import_domains(model: ModelProto) -> None:
    """Give the model every domain that a function imports: onnx leaves functions with others as they are."""
    imported = {opset.domain for opset in model.opset_import}
    for function in model.functions:
        for opset in function.opset_import:
            if opset.domain not in imported:
                imported.add(opset.domain)
                model.opset_import.append(opset)


def _check_growth(main: Iterable[NodeProto], bodies: dict[_Key, Iterable[NodeProto]], loc: Loc) -> None:
    """Count the nodes that inlining makes, without making them; depth first on an own stack."""
    sizes: dict[_Key, int] = {}
    open_calls: dict[_Key, None] = {}
    stack: list[tuple[_Key, bool]] = [(key, False) for key in bodies]
    while stack:
        key, done = stack.pop()
        if done:
            del open_calls[key]
            sizes[key] = _size(bodies[key], sizes)
            continue
        if key in sizes:
            continue
        open_calls[key] = None
        stack.append((key, True))
        called = {(node.domain, node.op_type) for node in walk_nodes(bodies[key])}
        if cycle := sorted(called & open_calls.keys()):
            raise ModelError(f"function {shown(cycle[0][1])} calls itself", loc=loc)
        stack.extend((inner, False) for inner in called & bodies.keys() if inner not in sizes)
    if (total := _size(main, sizes)) > MAX_NODES:
        raise ModelError(f"inlining its functions makes {total} nodes; the limit is {MAX_NODES}", loc=loc)


def _size(nodes: Iterable[NodeProto], sizes: dict[_Key, int]) -> int:
    return sum(sizes.get((node.domain, node.op_type), 1) for node in walk_nodes(nodes))


def walk_nodes(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """All nodes, those of subgraphs included."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from walk_nodes(attribute.g.node)
            elif attribute.type == AttributeProto.GRAPHS:
                for graph in attribute.graphs:
                    yield from walk_nodes(graph.node)
