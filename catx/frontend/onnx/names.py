"""Names from a model file, made safe to print: no control characters, no invalid text."""

from collections.abc import Iterable

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto

from catx.errors import Loc, ModelError

_SHOWN = 160
_DEFAULT_DOMAIN = "ai.onnx"


def printable(text: str) -> str:
    """The text with every character that a terminal would act upon written as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shown(text: str) -> str:
    """A name as messages quote it: printable, and cut where it is absurdly long."""
    text = printable(text)
    return f"'{text}'" if len(text) <= _SHOWN else f"'{text[:_SHOWN]}...'"


def first_line(error: BaseException) -> str:
    """What another library complains about, on one printable line without its own place marks."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = lines[0].rsplit("[ShapeInferenceError]", 1)[-1].rsplit("[TypeInferenceError]", 1)[-1].strip()
    return printable(text)[:300]


def clean_names(model: ModelProto, loc: Loc) -> None:
    """Make all names of a model printable, in place; equal names stay equal, "ai.onnx" becomes "".

    Raises:
        ModelError: a name is not valid UTF-8.
    """
    _clean_graph(model.graph, loc)
    for function in model.functions:
        _clean_texts(function, ("name", "domain"), loc)
        _clean_lists((function.input, function.output, function.attribute), loc)
        _clean_nodes(function.node, loc)
        _clean_opsets(function.opset_import, loc)
    _clean_opsets(model.opset_import, loc)


def _clean_graph(graph: GraphProto, loc: Loc) -> None:
    for tensor in graph.initializer:
        _clean_texts(tensor, ("name",), loc)
    for sparse in graph.sparse_initializer:
        _clean_texts(sparse.values, ("name",), loc)
    for info in (*graph.input, *graph.output, *graph.value_info):
        _clean_info(info, loc)
    _clean_nodes(graph.node, loc)


def _clean_info(info: ValueInfoProto, loc: Loc) -> None:
    _clean_texts(info, ("name",), loc)
    for dim in info.type.tensor_type.shape.dim:
        if dim.HasField("dim_param"):
            _clean_texts(dim, ("dim_param",), loc)


def _clean_opsets(opsets: Iterable[OperatorSetIdProto], loc: Loc) -> None:
    for opset in opsets:
        _clean_texts(opset, ("domain",), loc)
        if opset.domain == _DEFAULT_DOMAIN:
            opset.domain = ""


def _clean_nodes(nodes: Iterable[NodeProto], loc: Loc) -> None:
    for node in nodes:
        _clean_texts(node, ("name", "op_type", "domain"), loc)
        _clean_lists((node.input, node.output), loc)
        if node.domain == _DEFAULT_DOMAIN:
            node.domain = ""
        for attribute in node.attribute:
            _clean_texts(attribute, ("name", "ref_attr_name"), loc)
            if attribute.type == AttributeProto.GRAPH:
                _clean_graph(attribute.g, loc)
            elif attribute.type == AttributeProto.GRAPHS:
                for graph in attribute.graphs:
                    _clean_graph(graph, loc)


def _clean_texts(message: object, fields: tuple[str, ...], loc: Loc) -> None:
    for field in fields:
        text = getattr(message, field)
        if isinstance(text, bytes):
            raise ModelError(f"a name is not valid UTF-8: {text[:_SHOWN]!r}", loc=loc)
        if not text.isprintable():
            setattr(message, field, printable(text))


def _clean_lists(lists: tuple[object, ...], loc: Loc) -> None:
    for names in lists:
        for index, text in enumerate(names):  # type: ignore[var-annotated, arg-type]
            if isinstance(text, bytes):
                raise ModelError(f"a name is not valid UTF-8: {text[:_SHOWN]!r}", loc=loc)
            if not text.isprintable():
                names[index] = printable(text)  # type: ignore[index]
