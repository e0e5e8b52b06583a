"""Output types of one node: onnx's own shape inference, guarded, and rules where onnx has none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import onnx.defs
import onnx.shape_inference
from numpy.typing import NDArray
from onnx import ModelProto, OperatorSetIdProto, TensorProto, TypeProto, checker
from onnx.defs import SchemaError

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.contrib import CONTRIB_DOMAINS, contrib_types, has_contrib_rule
from catx.frontend.onnx.fits import check_fits
from catx.frontend.onnx.foreign import FOREIGN_ERRORS
from catx.frontend.onnx.guard import guard
from catx.frontend.onnx.load import opset_versions
from catx.frontend.onnx.modernize import OLDEST_OPSET
from catx.frontend.onnx.names import first_line
from catx.frontend.onnx.own_rules import corrected_type, exact_type
from catx.frontend.onnx.proto_types import FLOATS, checked_shape, shape_of

Types = list[TypeProto | None]
"""One type per output of a node; None, or a type without a full shape, where it is not known."""

_BORROWED = {
    "GreaterOrEqual": "Greater",
    "LessOrEqual": "Less",
    "GroupNormalization": "Relu",
    "MeanVarianceNormalization": "Relu",
    "SimplifiedLayerNormalization": "Relu",
}
"""Operators of the default domain without a shape rule in some onnx versions, and one of the same shapes."""


@dataclass(frozen=True, slots=True)
class Schemas:
    """The operator sets that a model imports."""

    versions: Mapping[str, int]
    imports: list[OperatorSetIdProto]
    context: Any

    @classmethod
    def of(cls, model: ModelProto) -> "Schemas":
        """The operator sets of a model; for the default domain those from set 7, as nodes are modernized."""
        versions = opset_versions(model)
        if "" in versions:
            versions[""] = max(versions[""], OLDEST_OPSET)
        return cls._of(versions, model.ir_version)

    @classmethod
    def standard(cls, version: int) -> "Schemas":
        """One version of the default domain alone."""
        return cls._of({"": version}, 8)

    @classmethod
    def _of(cls, versions: dict[str, int], ir_version: int) -> "Schemas":
        context = checker.C.CheckerContext()
        context.ir_version = ir_version
        context.opset_imports = versions
        imports = [onnx.helper.make_opsetid(domain, version) for domain, version in versions.items()]
        return cls(versions, imports, context)

    def version(self, domain: str) -> int | None:
        """The imported version of a domain."""
        return self.versions.get(domain)


def infer(call: Call, schemas: Schemas) -> Types:
    """Types of a node's outputs, as far as they follow from its inputs.

    Raises:
        ModelError: the node is malformed, or its inputs do not fit together.
    """
    node = call.node
    if any(attribute.type in (5, 10) for attribute in node.attribute):
        return [None] * len(node.output)
    if node.domain in CONTRIB_DOMAINS:
        guard(call)
        check_fits(call)
        return contrib_types(call, _standard_types)
    schema = _schema(call)
    if schema is not None:
        check_node(call, schemas)
    guard(call)
    check_fits(call)
    if schema is None or not schema.has_type_and_shape_inference_function:
        if node.domain or call.op not in _BORROWED:
            return [None] * len(node.output)
        return _borrowed_types(call, schemas)
    if (exact := exact_type(call)) is not None:
        types: Types = [exact]
    else:
        types = _by_schema(call, schemas)
        types[:1] = [corrected_type(call, type_) for type_ in types[:1]]
    _check_result(call, types)
    return types


def check_node(call: Call, schemas: Schemas) -> None:
    """Compare a node with its operator's schema: number of inputs, names and types of attributes.

    Raises:
        ModelError: it does not fit.
    """
    try:
        checker.check_node(call.node, schemas.context)
    except FOREIGN_ERRORS as error:
        raise call.error(first_line(error)) from error


def _schema(call: Call) -> onnx.defs.OpSchema | None:
    try:
        return onnx.defs.get_schema(call.op, call.version, call.node.domain)
    except SchemaError:
        return None


def _borrowed_types(call: Call, schemas: Schemas) -> Types:
    """Types by the operator that has the same shapes; results after the first are not known."""
    other = _BORROWED[call.op]
    places = range(1 if other == "Relu" else 2)
    if len(call.node.input) < len(places):
        raise call.error("an input is missing")
    found = _by_schema(call.as_standard(other, places, call.version, lambda name: False), schemas)
    return (found + [None] * len(call.node.output))[: len(call.node.output)]


def _standard_types(call: Call) -> Types:
    """Types by the standard operator that stands in for one of com.microsoft."""
    schemas = Schemas.standard(call.version)
    check_node(call, schemas)
    return _by_schema(call, schemas)


def is_known(call: Call) -> bool:
    """Whether there is a rule for the operator, be it onnx's or our own."""
    if call.node.domain in CONTRIB_DOMAINS:
        return has_contrib_rule(call.op)
    return _schema(call) is not None or (not call.node.domain and call.op in _BORROWED)


def qualified(call: Call) -> str:
    """The operator with its domain."""
    return f"{call.node.domain}::{call.op}" if call.node.domain else call.op


def _by_schema(call: Call, schemas: Schemas) -> Types:
    """What onnx infers; nothing where it has no schema."""
    schema = _schema(call)
    if schema is None:
        return [None] * len(call.node.output)
    names = call.node.input
    types = {name: type_ for name, type_ in zip(names, call.types, strict=True) if type_ is not None}
    data = {
        name: _as_tensor(value, type_)
        for name, value, type_ in zip(names, call.data, call.types, strict=True)
        if value is not None and type_ is not None and _matters(value, type_)
    }
    try:
        found = onnx.shape_inference.infer_node_outputs(
            schema,
            call.node,
            types,
            data,
            opset_imports=schemas.imports,
            ir_version=schemas.context.ir_version,
        )
    except FOREIGN_ERRORS as error:
        raise call.error(first_line(error)) from error
    return [found.get(name) if name else None for name in call.node.output]


def _matters(value: NDArray[Any], type_: TypeProto) -> bool:
    """Whether a shape could depend on the value: integers in vectors, floats only in handfuls (scales)."""
    return value.size <= 8 or (value.size <= 1024 and type_.tensor_type.elem_type not in FLOATS)


def _as_tensor(value: NDArray[Any], type_: TypeProto) -> TensorProto:
    return TensorProto(dims=value.shape, data_type=type_.tensor_type.elem_type, raw_data=value.tobytes())


def _check_result(call: Call, types: Sequence[TypeProto | None]) -> None:
    """Refuse results that onnx lets pass: extents that no tensor has, element counts that do not add up."""
    for name, type_ in zip(call.node.output, types, strict=True):
        shape = shape_of(type_) if type_ is not None else None
        if shape is not None:
            checked_shape(name, shape, call.loc)
    source = call.shape_at(0)
    if call.op == "Split" and not call.node.domain and source is not None:
        parts = [shape_of(type_) if type_ else None for type_ in types]
        if None not in parts and sum(prod(part) for part in parts if part is not None) != prod(source):
            raise call.error(f"its parts do not add up to its input of shape {list(source)}")
