"""The branch that an If takes, as nodes of the graph around it."""

from collections.abc import Mapping

from onnx import GraphProto, NodeProto, SparseTensorProto, TensorProto

from catx.frontend.onnx.structure import subgraphs

Inlined = tuple[list[NodeProto], list[TensorProto], list[SparseTensorProto]]


def inline_branch(graph: GraphProto, prefix: str, outputs: list[str]) -> Inlined:
    """Copies of a branch's nodes and initializers that write the given outputs.

    Names that the branch defines get a prefix, since two branches may use the same ones; names that it
    reads from outside stay. A result that is not written by a node of the branch is copied with Identity.
    """
    body = GraphProto()
    body.CopyFrom(graph)
    names = {tensor.name: prefix + tensor.name for tensor in body.initializer}
    names |= {sparse.values.name: prefix + sparse.values.name for sparse in body.sparse_initializer}
    written = {name for node in body.node for name in node.output if name}
    names |= {name: prefix + name for name in written}
    copies = []
    for result, output in zip([value.name for value in body.output], outputs, strict=True):
        if not output:
            continue
        if result in written and names[result] == prefix + result:
            names[result] = output
        else:
            copies.append(NodeProto(op_type="Identity", input=[names.get(result, result)], output=[output]))
    for node in body.node:
        _rename(node, names)
    for tensor in body.initializer:
        tensor.name = names[tensor.name]
    for sparse in body.sparse_initializer:
        sparse.values.name = names[sparse.values.name]
    return [*body.node, *copies], list(body.initializer), list(body.sparse_initializer)


def _rename(node: NodeProto, names: Mapping[str, str]) -> None:
    """Rename what a node reads and writes, in place, and what its subgraphs take from outside."""
    for fields in (node.input, node.output):
        for index, name in enumerate(fields):
            if name in names:
                fields[index] = names[name]
    for graph in subgraphs(node):
        own = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
        own |= {sparse.values.name for sparse in graph.sparse_initializer}
        own |= {name for inner in graph.node for name in inner.output}
        outer = {name: new for name, new in names.items() if name not in own}
        for inner in graph.node:
            _rename(inner, outer)
        for value in graph.output:
            value.name = outer.get(value.name, value.name)
