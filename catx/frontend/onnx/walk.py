"""One walk over the nodes in topological order: every shape inferred, everything constant folded away."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from onnx import GraphProto, NodeProto, TensorProto, TypeProto

from catx.errors import ModelError, UnknownOpError
from catx.frontend.onnx.attributes import attributes_of
from catx.frontend.onnx.bodies import held_weights
from catx.frontend.onnx.branches import inline_branch
from catx.frontend.onnx.call import Call
from catx.frontend.onnx.dims import quoted
from catx.frontend.onnx.fold import NOT_CONSTANT, evaluate
from catx.frontend.onnx.held import held_by
from catx.frontend.onnx.literal import literal, measured
from catx.frontend.onnx.modernize import modernized
from catx.frontend.onnx.names import shown
from catx.frontend.onnx.proto_types import checked_shape, shape_of, tensor_type
from catx.frontend.onnx.shapes import Schemas, Types, check_node, infer, is_known, qualified
from catx.frontend.onnx.stale import Stale, contradiction
from catx.frontend.onnx.structure import Step, in_order, named_steps, subgraphs
from catx.frontend.onnx.values import Origin, Values
from catx.ir.graph import FreeNode
from catx.ir.held import NOTHING


@dataclass(slots=True)
class Walk:
    """State and result of the walk: nodes that compute something, and nodes that folded.

    `names` are those of nodes, `written` those of tensors; both are unique. `wanted` are the tensors that
    somebody reads: only they need a shape. `stale` are declarations that contradict them. `scalars` are
    inputs whose value the user could fix. `is_old` says that nodes are of an operator set below 7.
    """

    values: Values
    schemas: Schemas
    names: set[str]
    written: set[str]
    wanted: set[str]
    scalars: Sequence[str]
    is_old: bool
    allow_unknown: bool
    kept: list[tuple[Step, Call]] = field(default_factory=list)
    folded: list[FreeNode] = field(default_factory=list)
    stale: list[Stale] = field(default_factory=list)

    def run(self, steps: Sequence[Step]) -> None:
        """Resolve steps that stand in topological order.

        Raises:
            ModelError: at the first node that is malformed, or whose result has no shape.
        """
        waiting = deque(steps)
        while waiting:
            step = waiting.popleft()
            call = self._call(step)
            if self.is_old and (newer := modernized(call)):
                waiting.extendleft(reversed(self._replaced(step, newer)))
                continue
            branch = self._taken_branch(step, call)
            if branch is not None:
                self._fold(step, "its condition is constant; the branch taken is inlined")
                waiting.extendleft(reversed(branch))
            elif not self._resolved_at_once(step, call):
                self._resolve(step, call)

    def _call(self, step: Step) -> Call:
        node, values = step.node, self.values
        loc = step.loc(values.file)
        version = self.schemas.version(node.domain)
        if version is None:
            raise ModelError(
                f"{node.op_type} is of the domain {shown(node.domain)}, which the model does not import",
                loc=loc,
            )
        names = [name for name in node.input if name]
        if lost := [name for name in names if name not in values.types]:
            raise ModelError(f"{node.op_type} reads {shown(lost[0])}, which is no tensor", loc=loc)
        constant = all(map(values.is_constant, names))
        return Call(
            node,
            version,
            attributes_of(node, values.folder, loc),
            tuple(values.types[name] if name else None for name in node.input),
            tuple(values.shapes[name] if name else None for name in node.input),
            tuple(
                values.data(name) if name and (constant or values.may_shape(name)) else None
                for name in node.input
            ),
            loc,
        )

    def _replaced(self, step: Step, nodes: Sequence[NodeProto]) -> list[Step]:
        """Steps for the nodes that stand in for an old one; the last of them keeps its name."""
        *before, last = nodes
        for name in (name for node in before for name in node.output):
            if name in self.written:
                raise ModelError(f"{shown(name)} is written twice", loc=step.loc(self.values.file))
            self.written.add(name)
        steps = [*named_steps(before, self.names), Step(step.name, last, tuple(filter(None, last.input)))]
        for new in steps:
            self.wanted.update(new.reads)
        return steps

    def _taken_branch(self, step: Step, call: Call) -> list[Step] | None:
        """Steps of the branch that an If with a known condition takes."""
        condition = call.data_at(0)
        if call.op != "If" or call.node.domain or condition is None or condition.size != 1:
            return None
        graph = call.attributes.get("then_branch" if condition.reshape(()) else "else_branch")
        if not isinstance(graph, GraphProto) or len(graph.output) != len(call.node.output):
            raise call.error("a branch is missing, or has another number of results")
        nodes, tensors, sparse = inline_branch(graph, f"{step.name}/", list(call.node.output))
        for tensor in tensors:
            self.values.add_initializer(tensor)
        for each in sparse:
            self.values.add_sparse(each)
        self.written.update(tensor.name for tensor in tensors)
        self.written.update(each.values.name for each in sparse)
        self.written -= set(call.node.output)
        steps = named_steps(nodes, self.names, f"{step.name}/")
        ordered = in_order(steps, self.written, self.values.file)
        for inner in steps:
            self.wanted.update(inner.reads)
            self.written.update(inner.node.output)
        return ordered

    def _resolved_at_once(self, step: Step, call: Call) -> bool:
        """Constants and shapes need no inference."""
        if call.node.domain:
            return False
        if call.op == "Constant":
            found = literal(call)
        elif call.op in ("Shape", "Size") and len(call.types) == 1 and call.types[0] is not None:
            check_node(call, self.schemas)
            found = measured(call)
        else:
            return False
        if found is None or len(call.node.output) != 1:
            return False
        type_, data = found
        checked_shape(call.node.output[0], shape_of(type_) or (), call.loc)
        origin = Origin.LITERAL if call.op == "Constant" else Origin.SHAPE
        held = None if call.op == "Constant" else NOTHING
        self.values.add_constant(call.node.output[0], type_, origin, data, held)
        self._fold(step, "constant" if origin is Origin.LITERAL else "shape arithmetic")
        return True

    def _resolve(self, step: Step, call: Call) -> None:
        types = self._with_declared(call, infer(call, self.schemas))
        if self._constant(call):
            self._fold_constant(step, call, types)
            return
        for index, (name, type_) in enumerate(zip(call.node.output, types, strict=True)):
            if name and name in self.wanted:
                self.values.set_type(name, self._complete(call, index, type_))
        self.kept.append((self._with_bodies(step, call), call))

    def _with_bodies(self, step: Step, call: Call) -> Step:
        """The step, whose bodies' own weights are tensors that it reads, beside those from outside."""
        if lost := [name for name in step.reads if name not in self.values.types]:
            raise UnknownOpError(
                f"a body of {call.op} reads {shown(lost[0])}, which is no tensor, so that its data cannot "
                "be costed",
                loc=call.loc,
                hint="export the model without control flow: fix what it depends on, or unroll the loop",
            )
        held: list[str] = []
        for tensor in held_weights(call.node):
            tensor.name = f"{step.name}/{tensor.name}"
            while tensor.name in self.written or tensor.name in self.values.types:
                tensor.name += "'"
            self.values.add_initializer(tensor)
            self.written.add(tensor.name)
            held.append(tensor.name)
        return replace(step, reads=(*step.reads, *held)) if held else step

    def _with_declared(self, call: Call, types: Types) -> Types:
        """The inferred types; what they lack is taken from the file's own declarations."""
        for name, type_ in zip(call.node.output, types, strict=True):
            if name and type_ is not None and (found := contradiction(self.values, call.loc, name, type_)):
                self.stale.append(found)
        return [
            _merged(type_, name, self.values) if name else None
            for name, type_ in zip(call.node.output, types, strict=True)
        ]

    def _constant(self, call: Call) -> bool:
        if call.node.domain or call.op in NOT_CONSTANT or any(subgraphs(call.node)):
            return False
        return all(self.values.is_constant(name) for name in call.node.input if name)

    def _fold_constant(self, step: Step, call: Call, types: Types) -> None:
        outputs = [
            (type_.tensor_type.elem_type if type_ else 0, shape_of(type_) if type_ else None)
            for type_ in types
        ]
        found = evaluate(call, outputs) if self.values.has_room() else None
        origin = self._origin(call, types)
        for index, (name, type_) in enumerate(zip(call.node.output, types, strict=True)):
            if not name:
                continue
            data = found[index] if found else None
            if data is not None and type_ is not None:
                type_ = tensor_type(type_.tensor_type.elem_type, data.shape)
            if name in self.wanted:
                whole = self._complete(call, index, type_)
                self.values.add_constant(
                    name, whole, origin, data, held_by(call, name, whole, origin, self.values)
                )
        self._fold(step, _REASONS[origin])

    def _origin(self, call: Call, types: Types) -> Origin:
        """Weights stay weights whatever shape arithmetic relabels them; shapes win among integers."""
        origins = [self.values.origins[name] for name in call.node.input if name]
        is_float = any(type_ is not None and type_.tensor_type.elem_type in _WEIGHT_TYPES for type_ in types)
        if is_float and Origin.WEIGHT in origins:
            return Origin.WEIGHT
        return max(origins, default=Origin.LITERAL)

    def _complete(self, call: Call, index: int, type_: TypeProto | None) -> TypeProto:
        """The type, if it is that of a tensor with a known shape."""
        name = call.node.output[index]
        if type_ is not None and not type_.HasField("tensor_type") and type_.WhichOneof("value"):
            raise call.error(f"its result {shown(name)} is no tensor but a {type_.WhichOneof('value')}")
        shape = shape_of(type_) if type_ is not None else None
        if type_ is None or shape is None or not type_.tensor_type.elem_type:
            raise self._unknown_shape(call, name)
        checked_shape(name, shape, call.loc)
        return type_

    def _unknown_shape(self, call: Call, name: str) -> ModelError:
        if not self.allow_unknown and not is_known(call):
            return UnknownOpError(
                f"{shown(qualified(call))} is an unknown operator, and the model does not declare the shape "
                f"of its result {shown(name)}",
                loc=call.loc,
                hint="convert it to standard operators, or declare the shape in the model's value_info "
                "and cost its data movement with --allow-unknown",
            )
        hint = (
            f"declare it: model.graph.value_info.append(onnx.helper.make_tensor_value_info({shown(name)}, "
            "element_type, shape))"
        )
        if any(subgraphs(call.node)) and self.scalars:
            choices = " ".join(f"--dim {quoted(scalar)}=VALUE" for scalar in self.scalars)
            hint = f"if an input decides what runs, fix its value, as in {choices}; else {hint}"
        return call.error(
            f"the shape of its result {shown(name)} is not known{self._why_unknown(call)}", hint
        )

    def _why_unknown(self, call: Call) -> str:
        unknown = [
            each for each, data in zip(call.node.input, call.data, strict=True) if each and data is None
        ]
        unshipped = [each for each in unknown if self.values.is_constant(each)]
        if any(subgraphs(call.node)):
            return ": what it runs depends on data"
        if not is_known(call) or not unknown:
            return ""
        if unshipped:
            return f": it may depend on values that did not come with the model, {_listed(unshipped)}"
        return f": it depends on the values of {_listed(unknown[1:] or unknown)}"

    def _fold(self, step: Step, reason: str) -> None:
        self.folded.append(FreeNode(step.name, step.node.op_type, reason))


_REASONS = {
    Origin.LITERAL: "constant",
    Origin.WEIGHT: "computed from weights alone, once",
    Origin.SHAPE: "shape arithmetic",
}
_WEIGHT_TYPES = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE})


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(shown, names[:4]))


def _merged(inferred: TypeProto | None, name: str, values: Values) -> TypeProto | None:
    """The inferred type, its unknown parts filled in from the one that the file declares."""
    if inferred is not None and shape_of(inferred) is not None:
        return inferred
    declared = values.declared_type(name)
    if inferred is None or not inferred.WhichOneof("value"):
        return declared
    if declared is None or not inferred.HasField("tensor_type"):
        return inferred
    known, given = inferred.tensor_type, declared.tensor_type
    if not known.HasField("shape") or len(known.shape.dim) != len(given.shape.dim):
        if not given.HasField("shape") or known.HasField("shape"):
            return inferred
        merged = TypeProto()
        merged.CopyFrom(declared)
        merged.tensor_type.elem_type = known.elem_type or given.elem_type
        return merged
    merged = TypeProto()
    merged.CopyFrom(inferred)
    for dim, other in zip(merged.tensor_type.shape.dim, given.shape.dim, strict=True):
        if not dim.HasField("dim_value") and other.HasField("dim_value"):
            dim.CopyFrom(other)
    return merged
