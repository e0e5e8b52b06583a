"""From a loaded model to a ResolvedModel: inputs bound, nodes walked, what nobody reads dropped."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import onnx
from onnx import GraphProto, ModelProto, ValueInfoProto

from catx.errors import Loc, ModelError, OptionError
from catx.frontend.onnx.call import Call
from catx.frontend.onnx.dims import (
    bind_inputs,
    check_dims,
    deciding_scalars,
    is_scalar,
    known_names,
    scalar_value,
)
from catx.frontend.onnx.load import load, opset_versions
from catx.frontend.onnx.modernize import OLDEST_OPSET
from catx.frontend.onnx.names import printable, shown
from catx.frontend.onnx.proto_types import DTYPES
from catx.frontend.onnx.resolved import ResolvedModel, ResolvedNode, Value, ValueKind
from catx.frontend.onnx.shapes import Schemas
from catx.frontend.onnx.stale import stale_note
from catx.frontend.onnx.structure import Step, in_order, named_steps, split_live
from catx.frontend.onnx.values import Origin, Values
from catx.frontend.onnx.walk import Walk
from catx.ir.graph import FreeNode
from catx.ir.held import NOTHING


def resolve(path: Path, dims: Mapping[str, int], *, allow_unknown: bool) -> ResolvedModel:
    """See `catx.frontend.onnx.reader.read_model`."""
    file = printable(str(path))
    model, digest = load(path, Loc(file))
    inputs = _true_inputs(model.graph)
    check_dims(dims, inputs, (*model.graph.value_info, *model.graph.output), Loc(file))
    values = _known_at_first(model.graph, inputs, dims, Values(file, path.parent, dims))
    outputs = _outputs(model.graph, file)
    steps, dead = _split(model.graph, outputs, file)
    walk = _walked(model, steps, values, outputs, allow_unknown)
    _check_used(dims, inputs, values)
    live, idle = split_live([step for step, _ in walk.kept], outputs)
    calls = {step.name: call for step, call in walk.kept}
    used = set(outputs).union(*(step.reads for step in live))
    given = [value.name for value in inputs if _is_given(value.name, values, used)]
    return ResolvedModel(
        name=printable(path.stem),
        file=file,
        sha256=digest,
        nodes=tuple(_node(step, calls[step.name], used) for step in live),
        values=_values(values, live, given, used),
        inputs=tuple(given),
        outputs=tuple(outputs),
        folded=(
            *walk.folded,
            *(FreeNode(step.name, step.node.op_type, "result unused") for step in (*dead, *idle)),
        ),
        notes=stale_note(walk.stale),
    )


def input_dims(path: Path) -> tuple[str, ...]:
    """See `catx.frontend.onnx.reader.dim_names`."""
    model, _ = load(path, Loc(printable(str(path))))
    return tuple(known_names(_true_inputs(model.graph), ()))


def _true_inputs(graph: GraphProto) -> list[ValueInfoProto]:
    """Inputs that the user gives: old files list their weights among the inputs too."""
    weights = {tensor.name for tensor in graph.initializer}
    weights |= {sparse.values.name for sparse in graph.sparse_initializer}
    return [value for value in graph.input if value.name not in weights]


def _check_used(dims: Mapping[str, int], inputs: Iterable[ValueInfoProto], values: Values) -> None:
    """Refuse a size that changed nothing: the tensor that has its name got its shape from its node."""
    effective = values.used_dims.union(known_names(inputs, ()))
    if idle := [name for name in dims if name not in effective]:
        raise OptionError(
            f"--dim {shown(idle[0])} decides no shape: they all follow from the inputs' shapes",
            loc=Loc(values.file),
        )


def _is_given(name: str, values: Values, used: set[str]) -> bool:
    """Whether an input is a tensor that the user feeds; strings and the like do not matter if unread."""
    if name not in values.types or values.is_constant(name):
        return False
    return name in used or values.types[name].tensor_type.elem_type in DTYPES


def _given_names(graph: GraphProto, file: str) -> set[str]:
    """Names that are there before any node runs."""
    names = {value.name for value in graph.input}
    if len(names) < len(graph.input):
        raise ModelError("two inputs have the same name", loc=Loc(file))
    names |= {tensor.name for tensor in graph.initializer}
    return names | {sparse.values.name for sparse in graph.sparse_initializer}


def _outputs(graph: GraphProto, file: str) -> list[str]:
    """Names of the model's results."""
    names = list(dict.fromkeys(value.name for value in graph.output))
    known = _given_names(graph, file).union(*(node.output for node in graph.node)) - {""}
    if not names:
        raise ModelError("the model has no outputs", loc=Loc(file))
    if lost := [name for name in names if name not in known]:
        raise ModelError(f"nothing writes the model's output {shown(lost[0])}", loc=Loc(file))
    return names


def _known_at_first(
    graph: GraphProto, inputs: Iterable[ValueInfoProto], dims: Mapping[str, int], values: Values
) -> Values:
    """The same table, with weights, inputs and the file's own declarations."""
    for tensor in graph.initializer:
        values.add_initializer(tensor)
    for sparse in graph.sparse_initializer:
        values.add_sparse(sparse)
    deciding = deciding_scalars(graph, inputs)
    for name, type_ in bind_inputs(inputs, dims, Loc(values.file), deciding=deciding).items():
        values.set_type(name, type_)
        if name in dims:
            data = scalar_value(type_, name, dims[name], Loc(values.file))
            values.add_constant(name, type_, Origin.LITERAL, data, NOTHING)
    values.declared.update((value.name, value) for value in (*graph.value_info, *graph.output))
    return values


def _split(graph: GraphProto, outputs: Sequence[str], file: str) -> tuple[list[Step], list[Step]]:
    """The graph's nodes in topological order: those that its outputs need, and the others."""
    steps = named_steps(graph.node, set())
    return split_live(in_order(steps, _given_names(graph, file), file), outputs)


def _walked(
    model: ModelProto, steps: Sequence[Step], values: Values, outputs: Sequence[str], allow_unknown: bool
) -> Walk:
    walk = Walk(
        values=values,
        schemas=Schemas.of(model),
        names={step.name for step in steps},
        written={name for step in steps for name in step.node.output}.union(values.types),
        wanted=set(outputs).union(*(step.reads for step in steps)),
        scalars=[value.name for value in _true_inputs(model.graph) if is_scalar(value)],
        is_old=opset_versions(model).get("", OLDEST_OPSET) < OLDEST_OPSET,
        allow_unknown=allow_unknown,
    )
    walk.run(steps)
    return walk


def _node(step: Step, call: Call, used: set[str]) -> ResolvedNode:
    """The node, its unread outputs dropped: they cost nothing."""
    inputs = dict.fromkeys(step.node.input)
    return ResolvedNode(
        name=step.name,
        op_type=step.node.op_type,
        domain=step.node.domain,
        opset=call.version,
        inputs=tuple(step.node.input),
        outputs=tuple(name if name in used else "" for name in step.node.output),
        attributes=call.attributes,
        loc=call.loc,
        captures=tuple(name for name in dict.fromkeys(step.reads) if name not in inputs),
    )


def _values(values: Values, live: Sequence[Step], inputs: Sequence[str], used: set[str]) -> dict[str, Value]:
    """Every tensor that a remaining node touches, and the model's inputs and outputs."""
    writer = {name: step for step in live for name in step.node.output}
    given = frozenset(inputs)
    names = dict.fromkeys(inputs)
    for step in live:
        names.update(dict.fromkeys(step.reads))
        names.update(dict.fromkeys(name for name in step.node.output if name in used))
    names.update(dict.fromkeys(sorted(used - names.keys())))
    return {name: _value(name, values, name in given, writer.get(name)) for name in names}


def _value(name: str, values: Values, is_input: bool, writer: Step | None) -> Value:
    loc = writer.loc(values.file) if writer else Loc(values.file)
    if name not in values.types:
        raise ModelError(f"{shown(name)} is no tensor", loc=loc)
    type_ = values.types[name]
    shape, elem = values.shapes[name], type_.tensor_type.elem_type
    assert shape is not None, name
    if elem not in DTYPES:
        raise ModelError(
            f"{shown(name)} has elements of a type that catx has no width for: {_elem_name(elem)}", loc=loc
        )
    data = values.data(name) if values.is_constant(name) else None
    kind = _kind(name, values, is_input, data is not None)
    return Value(name, shape, DTYPES[elem], kind, data, values.held.get(name))


def _kind(name: str, values: Values, is_input: bool, has_data: bool) -> ValueKind:
    if is_input:
        return "input"
    if not values.is_constant(name):
        return "computed"
    return "constant" if has_data and values.origins[name] is not Origin.WEIGHT else "initializer"


def _elem_name(elem: int) -> str:
    names: dict[int, str] = {number: name for name, number in onnx.TensorProto.DataType.items()}
    return names.get(elem, f"number {elem}").lower()
