"""Constant folding: every evaluator against onnx's reference evaluator, on random operands."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, ValueInfoProto, helper
from onnx.reference import ReferenceEvaluator

from catx.errors import Loc, ModelError
from catx.frontend.onnx import fold
from catx.frontend.onnx.attributes import attributes_of
from catx.frontend.onnx.call import Call
from catx.frontend.onnx.fold import evaluate
from catx.frontend.onnx.proto_types import SMALL, shape_of
from catx.frontend.onnx.reader import read_model
from catx.frontend.onnx.shapes import Schemas, infer
from tests.frontend.onnx_models import INT64, Of, const, model, node, save

Array = NDArray[Any]


def call_of(made: NodeProto, arrays: list[Array | None], version: int) -> Call:
    """A call whose inputs are all known."""
    types = tuple(
        None
        if array is None
        else helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for array in arrays
    )
    shapes = tuple(None if type_ is None else shape_of(type_) for type_ in types)
    attributes = attributes_of(made, Path(), Loc("m"))
    return Call(made, version, attributes, types, shapes, tuple(arrays), Loc("m"))


def folded(made: NodeProto, arrays: list[Array | None], version: int) -> list[Array] | None:
    """What the reader makes of a node, through its own shape inference."""
    schemas = Schemas.of(ModelProto(ir_version=8, opset_import=[helper.make_opsetid("", version)]))
    call = call_of(made, arrays, version)
    outputs = [
        (t.tensor_type.elem_type if t else 0, shape_of(t) if t else None) for t in infer(call, schemas)
    ]
    return evaluate(call, outputs)


def reference(made: NodeProto, arrays: list[Array | None], version: int) -> list[Array]:
    """What onnx's evaluator computes."""
    feeds = {name: array for name, array in zip(made.input, arrays, strict=True) if array is not None}
    inputs = [ValueInfoProto(name=name) for name in feeds]
    graph = onnx.GraphProto(
        name="g", node=[made], input=inputs, output=[ValueInfoProto(name=n) for n in made.output]
    )
    proto = ModelProto(ir_version=8, graph=graph, opset_import=[helper.make_opsetid("", version)])
    return [np.asarray(result) for result in ReferenceEvaluator(proto).run(None, feeds)]


def agree(made: NodeProto, arrays: list[Array | None], version: int = 18) -> None:
    found = folded(made, arrays, version)
    assert found is not None
    for ours, theirs in zip(found, reference(made, arrays, version), strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        np.testing.assert_allclose(ours.astype(float), theirs.astype(float), rtol=1e-6)


SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=4)
INTS = st.integers(-9, 9)
FLOATS = st.floats(-9, 9, width=32)


def arrays(dtype: Any, shape: Any = SHAPES, elements: Any = None) -> st.SearchStrategy[Array]:
    kind = np.dtype(dtype).kind
    values = {"i": INTS, "f": FLOATS, "b": st.booleans()}[kind] if elements is None else elements
    return hnp.arrays(dtype, shape, elements=values)


@st.composite
def pairs(draw: st.DrawFn, dtype: Any, elements: Any = None) -> list[Array]:
    """Two operands that broadcast."""
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)).input_shapes
    return [draw(arrays(dtype, shape, elements)) for shape in shapes]


@pytest.mark.parametrize(
    "op", ["Add", "Sub", "Mul", "Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Max", "Min"]
)
@given(data=st.data())
def test_binary(op: str, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([np.int64, np.float32]))
    agree(node(op, ["a", "b"], ["y"]), list(data.draw(pairs(dtype))))


@pytest.mark.parametrize("op", ["And", "Or"])
@given(data=st.data())
def test_logic(op: str, data: st.DataObject) -> None:
    agree(node(op, ["a", "b"], ["y"]), list(data.draw(pairs(np.bool_))))


@given(operands=pairs(np.int64, INTS.filter(bool)))
def test_integers_divide_towards_zero(operands: list[Array]) -> None:
    left, right = operands
    found = folded(node("Div", ["a", "b"], ["y"]), [left, right], 18)
    assert found is not None
    exact = np.broadcast_arrays(left, right)
    expected = [int(a / b) for a, b in zip(*(each.reshape(-1).tolist() for each in exact), strict=True)]
    assert found[0].reshape(-1).tolist() == expected


@given(operands=pairs(np.float32, FLOATS.filter(lambda value: abs(value) > 0.1)))
def test_floats_divide(operands: list[Array]) -> None:
    agree(node("Div", ["a", "b"], ["y"]), list(operands))


@pytest.mark.parametrize("fmod", [0, 1])
@given(operands=pairs(np.int64, INTS.filter(bool)))
def test_modulo(fmod: int, operands: list[Array]) -> None:
    agree(node("Mod", ["a", "b"], ["y"], fmod=fmod), list(operands))


@given(
    base=arrays(np.float32, (3,), st.floats(0.5, 4, width=32)),
    exponent=arrays(np.float32, (3,), st.floats(-2, 2, width=32)),
)
def test_power(base: Array, exponent: Array) -> None:
    agree(node("Pow", ["a", "b"], ["y"]), [base, exponent])


@pytest.mark.parametrize(
    ("op", "dtype"),
    [
        ("Abs", np.int64),
        ("Neg", np.int64),
        ("Floor", np.float32),
        ("Ceil", np.float32),
        ("Not", np.bool_),
        ("Identity", np.int64),
    ],
)
@given(data=st.data())
def test_unary(op: str, dtype: Any, data: st.DataObject) -> None:
    agree(node(op, ["a"], ["y"]), [data.draw(arrays(dtype))])


@given(value=arrays(np.float32, elements=st.floats(0, 9, width=32)))
def test_sqrt(value: Array) -> None:
    agree(node("Sqrt", ["a"], ["y"]), [value])


@given(data=st.data())
def test_cast(data: st.DataObject) -> None:
    dtype, to = (
        data.draw(st.sampled_from([np.int64, np.float32, np.bool_])),
        data.draw(st.sampled_from([1, 6, 7, 9, 10])),
    )
    agree(node("Cast", ["a"], ["y"], to=to), [data.draw(arrays(dtype))])


@given(data=st.data())
def test_where(data: st.DataObject) -> None:
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3)).input_shapes
    operands = [
        data.draw(arrays(dtype, shape))
        for dtype, shape in zip([np.bool_, np.int64, np.int64], shapes, strict=True)
    ]
    agree(node("Where", ["c", "a", "b"], ["y"]), list(operands))


@given(data=st.data())
def test_gather_concat_transpose_and_tile(data: st.DataObject) -> None:
    value = data.draw(arrays(np.int64, hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)))
    axis = data.draw(st.integers(-value.ndim, value.ndim - 1))
    extent = value.shape[axis]
    index = data.draw(arrays(np.int64, elements=st.integers(-extent, extent - 1)))
    agree(node("Gather", ["a", "i"], ["y"], axis=axis), [value, index])
    agree(node("Concat", ["a", "b", "c"], ["y"], axis=axis), [value, value + 1, value])
    agree(node("Transpose", ["a"], ["y"], perm=data.draw(st.permutations(range(value.ndim)))), [value])
    agree(node("Transpose", ["a"], ["y"]), [value])
    repeats = data.draw(arrays(np.int64, (value.ndim,), st.integers(0, 3)))
    agree(node("Tile", ["a", "r"], ["y"]), [value, repeats])


@given(data=st.data())
def test_gather_elements_is_what_onnxruntime_computes(data: st.DataObject) -> None:
    value = data.draw(arrays(np.float32, hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)))
    axis = data.draw(st.integers(-value.ndim, value.ndim - 1))
    shape = [data.draw(st.integers(1, extent)) for extent in value.shape]
    shape[axis] = data.draw(st.integers(1, 5))
    most = value.shape[axis]
    indices = data.draw(hnp.arrays(np.int64, tuple(shape), elements=st.integers(-most, most - 1)))
    made = node("GatherElements", ["x", "i"], ["y"], axis=axis)
    found = folded(made, [value, indices], 18)
    assert found is not None
    proto = model([made], {"x": value.shape, "i": Of(INT64, indices.shape)}, {"y": indices.shape})
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    (expected,) = session.run(None, {"x": value, "i": indices})
    np.testing.assert_array_equal(found[0], expected)


def test_gather_elements_of_many_rows() -> None:
    value, indices = np.arange(512)[None], np.arange(128)[None]
    found = folded(node("GatherElements", ["x", "i"], ["y"], axis=1), [value, indices], 18)
    assert found is not None
    np.testing.assert_array_equal(found[0], indices)


@given(data=st.data())
def test_slice(data: st.DataObject) -> None:
    value = data.draw(arrays(np.int64, hnp.array_shapes(min_dims=1, max_dims=3, max_side=5)))
    count = data.draw(st.integers(1, value.ndim))
    axes = data.draw(st.permutations(range(value.ndim)))[:count]
    bounds = st.integers(-7, 7) | st.sampled_from([2**63 - 1, -(2**63) + 1])
    starts, ends = (data.draw(st.lists(bounds, min_size=count, max_size=count)) for _ in range(2))
    steps = data.draw(st.lists(st.sampled_from([-2, -1, 1, 2, 3]), min_size=count, max_size=count))
    vectors = [np.array(each, np.int64) for each in (starts, ends, axes, steps)]
    agree(node("Slice", ["a", "s", "e", "x", "t"], ["y"]), [value, *vectors])
    old = node("Slice", ["a"], ["y"], starts=starts, ends=ends, axes=list(axes))
    new = folded(node("Slice", ["a", "s", "e", "x"], ["y"]), [value, *vectors[:3]], 18)
    before = folded(old, [value], 9)
    assert new is not None
    if new[0].size and min(*starts, *ends) > -(2**60):  # onnx's old rule does not clamp below
        assert before is not None
        np.testing.assert_array_equal(before[0], new[0])


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceProd", "ReduceMax", "ReduceMin"])
@given(data=st.data())
def test_reductions(op: str, data: st.DataObject) -> None:
    value = data.draw(arrays(np.int64, hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)))
    axes = data.draw(st.lists(st.sampled_from(range(value.ndim)), unique=True))
    keep, noop = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))
    version = 18 if op != "ReduceSum" else 13
    made = node(op, ["a", "x"], ["y"], keepdims=keep, noop_with_empty_axes=noop)
    agree(made, [value, np.array(axes, np.int64)], version)
    if axes:
        found = folded(node(op, ["a"], ["y"], keepdims=keep, axes=axes), [value], 11)
        assert found is not None
        np.testing.assert_array_equal(found[0], reference(made, [value, np.array(axes)], version)[0])


@given(
    start=INTS, limit=INTS, delta=INTS.filter(bool), dtype=st.sampled_from([np.int64, np.int32, np.float32])
)
def test_range(start: int, limit: int, delta: int, dtype: Any) -> None:
    agree(node("Range", ["a", "b", "c"], ["y"]), [np.array(each, dtype) for each in (start, limit, delta)])


@given(
    value=arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=3, max_side=4)),
    upper=st.integers(0, 1),
    offset=INTS,
)
def test_trilu(value: Array, upper: int, offset: int) -> None:
    agree(node("Trilu", ["a", "k"], ["y"], upper=upper), [value, np.array(offset, np.int64)])


@given(value=arrays(np.int64, hnp.array_shapes(min_dims=1, max_dims=3, max_side=4), st.integers(0, 1)))
def test_nonzero(value: Array) -> None:
    agree(node("NonZero", ["a"], ["y"]), [value])


@given(data=st.data())
def test_reshapes(data: st.DataObject) -> None:
    value = data.draw(arrays(np.int64, hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)))
    target = data.draw(st.sampled_from([[-1], [0, -1], [1, -1, 1], [value.size], [*value.shape, 1]]))
    agree(node("Reshape", ["a", "s"], ["y"]), [value, np.array(target)])
    agree(node("Unsqueeze", ["a", "x"], ["y"]), [value, np.array([0, -1])])
    agree(node("Squeeze", ["a"], ["y"]), [value])
    agree(node("Flatten", ["a"], ["y"], axis=data.draw(st.integers(0, value.ndim))), [value])
    agree(node("Expand", ["a", "s"], ["y"]), [value, np.array([2, *(1 for _ in value.shape)])])
    axis = data.draw(st.integers(0, value.ndim - 1))
    first = data.draw(st.integers(0, value.shape[axis]))
    lengths = np.array([first, value.shape[axis] - first])
    agree(node("Split", ["a", "l"], ["y", "z"], axis=axis), [value, lengths])


@given(shape=hnp.array_shapes(max_dims=3), value=FLOATS)
def test_constant_of_shape(shape: tuple[int, ...], value: float) -> None:
    filled = node("ConstantOfShape", ["s"], ["y"], value=helper.make_tensor("v", 1, [1], [value]))
    agree(filled, [np.array(shape)])
    agree(node("ConstantOfShape", ["s"], ["y"]), [np.array(shape)])


def test_every_evaluator_is_compared() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [op for op in fold._NUMPY if f'"{op}"' not in text and op != "Sum"] == []


def test_rarer_operators_go_to_the_reference(tmp_path: Path) -> None:
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("ArgMax", ["s"], ["longest"], axis=0, keepdims=1),
        node("OneHot", ["longest", "depth", "values"], ["mask"]),
        node("Reshape", ["mask", "flat"], ["target"]),
        node("Expand", ["x", "target"], ["y"]),
    ]
    constants = [const("depth", 3), const("values", [1, 4]), const("flat", [-1])]
    proto = model(nodes, {"x": (1, 1, 4)}, ["y"], constants)
    assert read_model(save(proto, tmp_path)).values["y"].shape == (1, 1, 4)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("Gather", ["v", "seven"], ["y"])], "Gather: it takes index 7 of axis 0"),
        ([node("Div", ["v", "zero"], ["y"])], "Div: cannot be computed: division by zero"),
        ([node("Mod", ["v", "zero"], ["y"])], "Mod: cannot be computed: division by zero"),
    ],
)
def test_undefined_results_name_their_node(nodes: list[NodeProto], message: str, tmp_path: Path) -> None:
    constants = [const("v", [1, 2]), const("seven", 7), const("zero", [0])]
    with pytest.raises(ModelError, match=message):
        read_model(save(model(nodes, {"x": (2,)}, {"y": Of(INT64, None)}, constants), tmp_path))


def test_large_constants_are_not_computed(tmp_path: Path) -> None:
    nodes = [
        node("ConstantOfShape", ["huge"], ["w"]),
        node("Add", ["w", "w"], ["twice"]),
        node("MatMul", ["x", "twice"], ["y"]),
    ]
    proto = model(nodes, {"x": (2, 2**20)}, ["y"], [const("huge", [2**20, 2**20])])
    values = read_model(save(proto, tmp_path)).values
    assert (values["twice"].data, values["twice"].kind, values["y"].shape) == (
        None,
        "initializer",
        (2, 2**20),
    )


def test_computed_constants_share_bounded_memory(tmp_path: Path) -> None:
    nodes = [node("Add", ["c", "c"], ["t0"])]
    nodes += [node("Add", [f"t{i}", "c"], [f"t{i + 1}"]) for i in range(600)]
    nodes += [node("Add", ["x", "t600"], ["y"])]
    proto = model(nodes, {"x": Of(INT64, (SMALL,))}, ["y"], [const("c", np.ones(SMALL))])
    values = read_model(save(proto, tmp_path)).values
    assert values["t600"].data is None
    assert values["t600"].shape == (SMALL,)
