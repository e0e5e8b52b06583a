"""Bodies of control flow that stays a node (If, Loop, Scan): the weights that they hold."""

from collections.abc import Iterator

from onnx import AttributeProto, NodeProto, SparseTensorProto, TensorProto

from catx.frontend.onnx.structure import subgraphs


def held_weights(node: NodeProto) -> Iterator[TensorProto]:
    """Headers of the weights in a node's bodies, nested ones included: initializers, and constant nodes.

    A constant without an axis is no weight: instructions carry single numbers.
    """
    for graph in subgraphs(node):
        yield from (_header(tensor) for tensor in graph.initializer)
        yield from map(_dense_header, graph.sparse_initializer)
        for inner in graph.node:
            if inner.op_type == "Constant" and not inner.domain and len(inner.output) == 1:
                yield from (_header(t, inner.output[0]) for t in _constants(inner) if t.dims)
            yield from held_weights(inner)


def _constants(node: NodeProto) -> Iterator[TensorProto]:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.TENSOR:
            yield attribute.t
        elif attribute.type == AttributeProto.SPARSE_TENSOR:
            yield _dense_header(attribute.sparse_tensor)


def _header(tensor: TensorProto, name: str = "") -> TensorProto:
    return TensorProto(name=name or tensor.name, data_type=tensor.data_type, dims=tensor.dims)


def _dense_header(sparse: SparseTensorProto) -> TensorProto:
    values = sparse.values
    return TensorProto(name=values.name, data_type=values.data_type, dims=sparse.dims)
