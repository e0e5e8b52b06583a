"""Random small models, lowered but not yet rewritten: what passes are tested on."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

from catx.frontend.onnx.lower import lower
from catx.frontend.onnx.resolved import ResolvedModel, ResolvedNode
from catx.ir.graph import Graph
from tests.frontend.resolved_models import Spec, known, model, node, weight

Shape = tuple[int, ...]
UNARY = ("Relu", "Sigmoid", "Exp", "Sqrt", "Identity", "Tanh", "Erf")


@dataclass
class Build:
    """A model under construction; `pool` holds computed tensors and inputs."""

    nodes: list[ResolvedNode] = field(default_factory=list)
    tensors: dict[str, Spec] = field(default_factory=dict)
    pool: dict[str, Shape] = field(default_factory=dict)

    def add(self, op: str, inputs: str, shape: Shape, **attributes: object) -> None:
        name = f"t{len(self.tensors)}"
        self.nodes.append(node(op, inputs, name, **attributes))
        self.tensors[name] = self.pool[name] = shape

    def given(self, spec: Spec) -> str:
        name = f"t{len(self.tensors)}"
        self.tensors[name] = spec
        return name


def _step(draw: st.DrawFn, build: Build) -> None:
    name, shape = draw(st.sampled_from(sorted(build.pool.items())))
    same = sorted(other for other, its in build.pool.items() if its == shape)
    choice = draw(st.integers(0, 12))
    if choice <= 1:
        build.add(draw(st.sampled_from(UNARY)), name, shape)
    elif choice == 2:
        build.add("Mul", f"{name} {build.given(known(2.0))}", shape)
    elif choice == 3:
        build.add(
            draw(st.sampled_from(("Add", "Mul", "Sub"))), f"{name} {draw(st.sampled_from(same))}", shape
        )
    elif choice == 4:
        build.add("Add", f"{name} {build.given(weight(shape[-1]))}", shape)
    elif choice == 5:
        build.add("Transpose", name, shape[::-1], perm=[1, 0])
    elif choice == 6:
        build.add("MatMul", f"{name} {build.given(weight(shape[1], 3))}", (shape[0], 3))
    elif choice == 7:
        turned = sorted(other for other, its in build.pool.items() if its[0] == shape[1])
        if turned:
            other = draw(st.sampled_from(turned))
            build.add("MatMul", f"{name} {other}", (shape[0], build.pool[other][1]))
    elif choice == 8:
        build.add("Softmax", name, shape)
    elif choice == 9:
        build.add("Pow", f"{name} {build.given(known(draw(st.sampled_from((2.0, 3.0)))))}", shape)
    elif choice == 10:
        axis = draw(st.integers(0, 1))
        row = (1, shape[1]) if axis == 0 else (shape[0], 1)
        build.add("ReduceMean", name, row, axes=[axis], opset=11)
        build.add(draw(st.sampled_from(("Sub", "Div"))), f"{name} t{len(build.tensors) - 1}", shape)
    elif choice == 11:
        build.add("Cast", name, shape)
    else:
        op = draw(st.sampled_from(("Frob", "Reshape", "ReduceMean")))
        result = {"Frob": shape, "Reshape": (shape[0] * shape[1], 1), "ReduceMean": (shape[0], 1)}[op]
        build.add(op, name, result, **({"axes": [1], "opset": 11} if op == "ReduceMean" else {}))


@st.composite
def models(draw: st.DrawFn) -> ResolvedModel:
    """Models of up to a dozen nodes on matrices, with one or two outputs."""
    build = Build()
    for _ in range(draw(st.integers(1, 2))):
        shape = draw(st.sampled_from(((2, 3), (3, 2), (3, 3), (1, 3))))
        build.pool[build.given(shape)] = shape
    for _ in range(draw(st.integers(1, 12))):
        _step(draw, build)
    written = [name for each in build.nodes for name in each.outputs]
    if not written:
        build.add("Relu", "t0", build.pool["t0"])
        written = list(build.nodes[0].outputs)
    outputs = {written[-1], draw(st.sampled_from(written))}
    return model(build.nodes, build.tensors, " ".join(sorted(outputs)))


def graph_of(resolved: ResolvedModel) -> Graph:
    """The graph of a model before any pass; the operator Frob is unknown."""
    return lower(resolved, allow_unknown=True)
