"""Reading real and small models: shapes, folding, coverage, dynamic dims, branches, functions, names."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import GraphProto, helper

import catx
from catx.errors import ModelError, OptionError, UnknownOpError
from catx.frontend.onnx.reader import dim_names, read_model
from catx.frontend.onnx.resolved import ResolvedModel
from catx.ir.dtype import DType
from tests.frontend.onnx_models import (
    BOOL,
    FLOAT,
    FLOAT16,
    INT64,
    Of,
    const,
    graph,
    model,
    node,
    save,
    weight,
)

CLIP = [
    *(Path(catx.__file__).parent / "data" / "models").glob("*.onnx"),
    *(Path(__file__).parent / "data" / "models").glob("*.onnx"),
]
LIGHT = sorted((Path(onnx.__file__).parent / "backend" / "test" / "data" / "light").glob("*.onnx"))


def ops(resolved: ResolvedModel) -> list[str]:
    return [node.op_type for node in resolved.nodes]


def reasons(resolved: ResolvedModel) -> dict[str, str]:
    return {free.name: free.reason for free in resolved.folded}


@pytest.mark.parametrize("path", CLIP, ids=lambda path: path.stem)
def test_clip_agrees_with_every_declared_shape(path: Path) -> None:
    proto = onnx.load(path, load_external_data=False)
    resolved = read_model(path)
    declared = {info.name: info.type.tensor_type for info in (*proto.graph.value_info, *proto.graph.output)}
    checked = 0
    for name, value in resolved.values.items():
        if name in declared:
            dims = declared[name].shape.dim
            assert len(value.shape) == len(dims), name
            known = [
                (extent, dim) for extent, dim in zip(value.shape, dims, strict=True) if not dim.dim_param
            ]
            assert all(extent == dim.dim_value for extent, dim in known), name
            checked += len(known) == len(dims)
    assert checked > 0.5 * len(resolved.nodes)
    assert len(resolved.nodes) + len(resolved.folded) == len(proto.graph.node)
    assert resolved.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("path", CLIP, ids=lambda path: path.stem)
def test_clip_without_declared_shapes_is_the_same(path: Path, tmp_path: Path) -> None:
    proto = onnx.load(path, load_external_data=False)
    del proto.graph.value_info[:]
    for output in proto.graph.output:
        output.ClearField("type")
    bare, full = read_model(save(proto, tmp_path)), read_model(path)
    assert dict(bare.values) == dict(full.values)
    assert [(node.name, node.outputs) for node in bare.nodes] == [
        (node.name, node.outputs) for node in full.nodes
    ]


def test_both_exporters_leave_the_same_matmuls() -> None:
    def shapes(name: str) -> list[tuple[tuple[int, ...], ...]]:
        path = next(path for path in CLIP if path.stem == name)
        resolved = read_model(path)
        return sorted(
            tuple(
                tuple(extent for extent in resolved.values[name].shape if extent > 1) for name in each.inputs
            )
            for each in resolved.nodes
            if each.op_type == "MatMul" and all(len(resolved.values[i].shape) > 2 for i in each.inputs)
        )

    for tower in ("vision", "text"):
        assert shapes(f"clip_vit_b16_{tower}") == shapes(f"clip_vit_b16_{tower}_legacy_exporter")


@pytest.mark.parametrize("path", LIGHT, ids=lambda path: path.stem)
def test_light_models_keep_their_weights_as_initializers(path: Path) -> None:
    proto = onnx.load(path)
    resolved = read_model(path)
    assert len(resolved.nodes) + len(resolved.folded) == len(proto.graph.node)
    assert "ConstantOfShape" not in ops(resolved)
    convs = [node for node in resolved.nodes if node.op_type == "Conv"]
    assert convs
    assert all(resolved.values[node.inputs[1]].kind == "initializer" for node in convs)
    assert resolved.inputs == tuple(name for name in resolved.inputs if resolved.values[name].kind == "input")
    assert len(resolved.inputs) == 1


def test_importing_the_reader_does_not_import_onnx() -> None:
    code = "import sys, catx, catx.frontend.onnx.reader; sys.exit('onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_common_models_do_not_need_the_reference_evaluator() -> None:
    paths = [str(path) for path in CLIP]
    code = (
        "import sys; from catx.frontend.onnx.reader import read_model\n"
        f"for path in {paths}: read_model(path)\n"
        "sys.exit('onnx.reference' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def legacy_reshape() -> onnx.ModelProto:
    """A reshape as the legacy exporter writes it: its shape is computed from the input's."""
    return model(
        [
            node("Shape", ["x"], ["shape"]),
            node("Gather", ["shape", "zero"], ["batch"]),
            node("Unsqueeze", ["batch", "axis"], ["batch1"]),
            node("Concat", ["batch1", "rest"], ["target"], axis=0),
            node("Reshape", ["x", "target"], ["y"]),
            node("Identity", ["w"], ["w1"]),
            node("Transpose", ["w1"], ["w2"], perm=[1, 0]),
            node("MatMul", ["y", "w2"], ["z"]),
        ],
        {"x": ("batch", 4, 6)},
        {"z": ("batch", 5)},
        [const("zero", 0), const("axis", [0]), const("rest", [-1]), weight("w", 5, 24)],
    )


def test_shape_arithmetic_and_weight_relabelling_fold(tmp_path: Path) -> None:
    resolved = read_model(save(legacy_reshape(), tmp_path), dims={"batch": 7})
    assert ops(resolved) == ["Reshape", "MatMul"]
    assert resolved.values["z"].shape == (7, 5)
    target = resolved.values["target"]
    assert target.data is not None
    assert target.data.tolist() == [7, -1]
    assert (resolved.values["w2"].shape, resolved.values["w2"].kind) == ((24, 5), "initializer")
    assert resolved.values["w2"].data is None
    assert reasons(resolved) == {
        **dict.fromkeys(
            ["Shape_shape", "Gather_batch", "Unsqueeze_batch1", "Concat_target"], "shape arithmetic"
        ),
        **dict.fromkeys(["Identity_w1", "Transpose_w2"], "computed from weights alone, once"),
    }


def test_symbolic_declarations_give_way_to_bound_dims(tmp_path: Path) -> None:
    proto = model(
        [node("Relu", ["x"], ["t"]), node("Relu", ["t"], ["y"])],
        {"x": ("n", 3)},
        {"y": ("whatever", 3)},
        value_info={"t": (5, 3)},
    )
    resolved = read_model(save(proto, tmp_path), dims={"n": 2})
    assert resolved.values["t"].shape == resolved.values["y"].shape == (2, 3)


def test_all_missing_dims_are_told_at_once(tmp_path: Path) -> None:
    proto = model(
        [node("Add", ["a", "b"], ["y"])], {"a": ("batch", None, 3), "b": ("batch", "seq len", 3)}, ["y"]
    )
    path = save(proto, tmp_path)
    with pytest.raises(ModelError) as caught:
        read_model(path)
    message = str(caught.value)
    assert "batch (axis 0 of 'a', axis 0 of 'b'); a.1 (axis 1 of 'a'); seq len (axis 1 of 'b')" in message
    assert '--dim batch=1 --dim a.1=1 --dim "seq len"=1' in message
    assert dim_names(path) == ("batch", "a.1", "seq len")
    resolved = read_model(path, dims={"batch": 2, "a.1": 4, "seq len": 4})
    assert resolved.values["y"].shape == (2, 4, 3)


@pytest.mark.parametrize("mark", ["?", "*", "-1", "None"])
def test_marks_for_any_size_are_no_names(tmp_path: Path, mark: str) -> None:
    """Each axis has its own size; those of a name share theirs."""
    nodes = [node("Relu", ["x"], ["u"]), node("Relu", ["z"], ["v"])]
    path = save(model(nodes, {"x": (mark, 3, mark), "z": ("n", "n", mark)}, {"u": None, "v": None}), tmp_path)
    assert dim_names(path) == ("x.0", "x.2", "n", "z.2")
    resolved = read_model(path, dims={"x.0": 1, "x.2": 48, "n": 5, "z.2": 7})
    assert resolved.values["u"].shape == (1, 3, 48)
    assert resolved.values["v"].shape == (5, 5, 7)
    with pytest.raises(OptionError, match=r"no such dimension(.|\n)*its dimensions are x.0, x.2, n, z.2$"):
        read_model(path, dims={mark: 4})


def test_hints_name_dims_of_inputs_alone(tmp_path: Path) -> None:
    made = model([node("Relu", ["x"], ["y"])], {"x": ("n", 3)}, {"y": ("rows", 3)})
    with pytest.raises(OptionError) as caught:
        read_model(save(made, tmp_path), dims={"row": 2})
    assert caught.value.hint == "its dimensions are n"
    assert "did you mean" not in str(caught.value)


def test_an_integer_that_decides_a_branch_is_asked_for_with_the_sizes(tmp_path: Path) -> None:
    nodes = [
        node("Equal", ["sr", "rate"], ["c"]),
        node("If", ["c"], ["y"], then_branch=branch("Add"), else_branch=branch("Mul")),
        node("Add", ["count", "rate"], ["total"]),
    ]
    inputs = {"x": ("batch", 3), "sr": Of(INT64, ()), "count": Of(INT64, ())}
    path = save(model(nodes, inputs, ["y", "total"], [const("rate", 16000)]), tmp_path)
    with pytest.raises(ModelError) as caught:
        read_model(path)
    assert "--dim batch=1; and fix the value that decides which branch runs" in caught.value.hint
    assert caught.value.hint.endswith(": --dim sr=VALUE")
    with pytest.raises(ModelError) as caught:
        read_model(path, dims={"sr": 16000})
    assert caught.value.hint == "give each a size: --dim batch=1"


def test_a_size_of_minus_one_or_zero_means_any(tmp_path: Path) -> None:
    path = save(model([node("Relu", ["x"], ["y"])], {"x": (-1, 0, 3)}, ["y"]), tmp_path)
    assert dim_names(path) == ("x.0", "x.1")
    assert read_model(path, dims={"x.0": 2, "x.1": 5}).values["y"].shape == (2, 5, 3)


def test_a_size_of_zero_is_asked_about(tmp_path: Path) -> None:
    path = save(model([node("Relu", ["x"], ["y"])], {"x": (0, 3, 0)}, ["y"]), tmp_path)
    with pytest.raises(ModelError) as caught:
        read_model(path, dims={"x.0": 2})
    assert "an input has an axis of size 0, so it has no elements: axis 2 of 'x'" in str(caught.value)
    assert "--dim x.2=1;" in str(caught.value)
    assert "x.0" not in str(caught.value)
    assert read_model(path, dims={"x.0": 2, "x.2": 1}).values["y"].shape == (2, 3, 1)


def test_a_size_of_zero_is_told_with_all_that_lacks_a_size(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], ["y"])]
    path = save(model(nodes, {"x": ("batch", 0), "extra": (-1, None)}, ["y"]), tmp_path)
    with pytest.raises(ModelError, match=r"size 0.*: axis 1 of 'x'\n") as caught:
        read_model(path)
    assert "--dim batch=1 --dim x.1=1 --dim extra.0=1 --dim extra.1=1" in str(caught.value)


@pytest.mark.parametrize("size", [0, -3, 2**60, True, 1.5])
def test_sizes_that_are_none(size: int, tmp_path: Path) -> None:
    path = save(model([node("Relu", ["x"], ["y"])], {"x": ("n",)}, ["y"]), tmp_path)
    with pytest.raises(OptionError, match="expected a positive integer up to 2\\^48"):
        read_model(path, dims={"n": size})


def test_unknown_dims_get_the_nearest_names(tmp_path: Path) -> None:
    path = save(model([node("Relu", ["x"], ["y"])], {"x": ("batch", "seq")}, ["y"]), tmp_path)
    with pytest.raises(OptionError, match=r"'bach'.*did you mean 'batch'.*\n.*its dimensions are batch"):
        read_model(path, dims={"bach": 1, "seq": 1})


def test_a_dim_that_decides_nothing_is_refused(tmp_path: Path) -> None:
    path = save(model([node("Relu", ["x"], ["y"])], {"x": (2, 3)}, {"y": ("m", 3)}), tmp_path)
    with pytest.raises(OptionError, match="'m' decides no shape"):
        read_model(path, dims={"m": 4})


def test_data_dependent_shapes_name_their_node(tmp_path: Path) -> None:
    nodes = [node("NonZero", ["x"], ["i"]), node("Cast", ["i"], ["y"], to=FLOAT)]
    path = save(model(nodes, {"x": (2, 3)}, ["y"]), tmp_path)
    with pytest.raises(ModelError, match=r"NonZero_i.*it depends on the values of 'x'"):
        read_model(path)


def test_a_declared_dim_serves_where_nothing_can_be_inferred(tmp_path: Path) -> None:
    nodes = [node("NonZero", ["x"], ["i"]), node("Cast", ["i"], ["y"], to=FLOAT)]
    proto = model(nodes, {"x": (2, 3)}, ["y"], value_info={"i": Of(INT64, (2, "found"))})
    path = save(proto, tmp_path)
    assert read_model(path, dims={"found": 4}).values["y"].shape == (2, 4)


def test_values_that_were_not_shipped_are_named(tmp_path: Path) -> None:
    proto = model(
        [node("Reshape", ["x", "s"], ["y"])], {"x": (2, 3)}, ["y"], [weight("s", 1, elem_type=INT64)]
    )
    with pytest.raises(ModelError, match=r"Reshape_y.*did not come with the model, 's'"):
        read_model(save(proto, tmp_path))


def branch(op: str, name: str = "r") -> GraphProto:
    """A branch that reads `x` from outside, and has an initializer and results of its own."""
    return graph(
        [node(op, ["x", "c"], ["t"], name=op), node("Relu", ["t"], [name])],
        {},
        {name: None},
        [const("c", [2], np.float32)],
    )


def choice(*extra: onnx.NodeProto) -> onnx.ModelProto:
    """Two Ifs on the rank of the input; their branches use the same names inside."""
    return model(
        [
            node("Shape", ["x"], ["s"]),
            node("Size", ["s"], ["rank"]),
            node("Equal", ["rank", "two"], ["is_matrix"]),
            node("If", ["is_matrix"], ["a"], then_branch=branch("Add"), else_branch=branch("Mul")),
            node("Not", ["is_matrix"], ["is_not"]),
            node("If", ["is_not"], ["b"], then_branch=branch("Sub"), else_branch=branch("Div")),
            node("Add", ["a", "b"], ["y"], name="last"),
            *extra,
        ],
        {"x": (2, 3)},
        ["y"],
        [const("two", 2)],
    )


def test_known_branches_are_inlined_under_unique_names(tmp_path: Path) -> None:
    resolved = read_model(save(choice(), tmp_path))
    assert [node.name for node in resolved.nodes] == [
        "If_a/Add",
        "If_a/Relu_r",
        "If_b/Div",
        "If_b/Relu_r",
        "last",
    ]
    assert resolved.nodes[0].inputs == ("x", "If_a/c")
    assert resolved.nodes[1].outputs == ("a",)
    assert reasons(resolved)["If_a"] == "its condition is constant; the branch taken is inlined"
    assert len({value.name for value in resolved.values.values()}) == len(resolved.values)


def test_a_branch_that_passes_an_outer_value_through(tmp_path: Path) -> None:
    passing = graph([], {}, {"x": None})
    proto = model(
        [node("If", ["yes"], ["y"], then_branch=passing, else_branch=branch("Add"))],
        {"x": (2, 3)},
        ["y"],
        [const("yes", True, np.bool_)],
    )
    resolved = read_model(save(proto, tmp_path))
    assert ops(resolved) == ["Identity"]
    assert resolved.values["y"].shape == (2, 3)


def test_nested_branches_see_renamed_values(tmp_path: Path) -> None:
    inner = graph([node("Add", ["t", "x"], ["r"])], {}, {"r": None})
    outer = graph(
        [
            node("Neg", ["x"], ["t"]),
            node("If", ["yes"], ["u"], then_branch=inner, else_branch=branch("Mul")),
        ],
        {},
        {"u": None},
    )
    proto = model(
        [node("If", ["yes"], ["y"], then_branch=outer, else_branch=branch("Mul"))],
        {"x": (2, 3)},
        ["y"],
        [const("yes", True, np.bool_)],
    )
    resolved = read_model(save(proto, tmp_path))
    assert [(node.op_type, node.inputs, node.outputs) for node in resolved.nodes] == [
        ("Neg", ("x",), ("If_y/t",)),
        ("Add", ("If_y/t", "x"), ("y",)),
    ]


def test_an_undecided_branch_is_passed_on_if_its_shape_is_declared(tmp_path: Path) -> None:
    nodes = [
        node("Cast", ["flag"], ["c"], to=BOOL),
        node("If", ["c"], ["y"], then_branch=branch("Add"), else_branch=branch("Mul")),
    ]
    inputs = {"x": (2, 3), "flag": Of(INT64, ())}
    path = save(model(nodes, inputs, {"y": (2, 3)}), tmp_path)
    assert ops(read_model(path)) == ["Cast", "If"]
    bare = save(model(nodes, inputs, ["y"]), tmp_path)
    with pytest.raises(ModelError, match=r"what it runs depends on data(.|\n)*--dim flag=VALUE"):
        read_model(bare)
    assert "flag" in dim_names(bare)
    fixed = read_model(bare, dims={"flag": 1})
    assert (ops(fixed), fixed.inputs) == (["Add", "Relu"], ("x",))


def test_functions_are_inlined(tmp_path: Path) -> None:
    scaled = node("LeakyRelu", ["a"], ["t"])
    scaled.attribute.append(
        onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    )
    inner = helper.make_function(
        "my", "Inner", ["a"], ["t"], [scaled], [helper.make_opsetid("", 20)], ["slope"]
    )
    outer = helper.make_function(
        "my",
        "Outer",
        ["a"],
        ["b"],
        [node("Inner", ["a"], ["t"], domain="my", slope=0.5), node("Add", ["t", "a"], ["b"])],
        [
            helper.make_opsetid("", 20),
            helper.make_opsetid("my", 1),
            helper.make_opsetid("unused.by.model", 3),
        ],
    )
    proto = model(
        [node("Outer", ["x"], ["h"], domain="my"), node("Outer", ["h"], ["y"], domain="my")],
        {"x": (2, 3)},
        ["y"],
        functions=[outer, inner],
        opsets={"my": 1},
    )
    resolved = read_model(save(proto, tmp_path))
    assert ops(resolved) == ["LeakyRelu", "Add"] * 2
    assert resolved.nodes[0].attributes["alpha"] == 0.5
    assert len({node.name for node in resolved.nodes}) == 4


def test_names_are_unique_printable_and_stable(tmp_path: Path) -> None:
    nodes = [
        node("Relu", ["x\x1b[31m"], ["a"], name="same"),
        node("Neg", ["a"], ["b"], name="same"),
        node("Abs", ["b"], ["c"], name=""),
        node("Exp", ["c"], ["d"], name="evil\x1b[2J\n"),
    ]
    resolved = read_model(save(model(nodes, {"x\x1b[31m": (2,)}, ["d"]), tmp_path))
    assert [node.name for node in resolved.nodes] == ["same", "same_1", "Abs_2", "evil\\x1b[2J\\n"]
    assert resolved.inputs == ("x\\x1b[31m",)


def test_results_that_nobody_reads_are_free(tmp_path: Path) -> None:
    nodes = [
        node("Relu", ["x"], ["y"]),
        node("Mystery", ["x"], ["lost"], domain="nowhere"),
        node("Neg", ["x"], ["only_its_shape"]),
        node("Shape", ["only_its_shape"], ["s"]),
        node("Expand", ["one", "s"], ["ones"]),
        node("Add", ["y", "ones"], ["z"]),
    ]
    proto = model(nodes, {"x": (2, 3)}, ["z"], [const("one", 1, np.float32)])
    resolved = read_model(save(proto, tmp_path))
    assert ops(resolved) == ["Relu", "Add"]
    assert reasons(resolved)["Mystery_lost"] == reasons(resolved)["Neg_only_its_shape"] == "result unused"
    assert len(resolved.nodes) + len(resolved.folded) == len(nodes)


def test_unread_outputs_are_dropped(tmp_path: Path) -> None:
    proto = model([node("Dropout", ["x"], ["y", "mask"])], {"x": (2, 3)}, ["y"])
    assert read_model(save(proto, tmp_path)).nodes[0].outputs == ("y", "")


def test_nodes_out_of_order_are_sorted(tmp_path: Path) -> None:
    nodes = [node("Relu", ["b"], ["y"]), node("Neg", ["a"], ["b"]), node("Abs", ["x"], ["a"])]
    assert ops(read_model(save(model(nodes, {"x": (2,)}, ["y"]), tmp_path))) == ["Abs", "Neg", "Relu"]


def test_unknown_operators(tmp_path: Path) -> None:
    nodes = [node("Mystery", ["x"], ["t"], domain="acme", depth=3), node("Relu", ["t"], ["y"])]
    bare = save(model(nodes, {"x": (2, 3)}, ["y"], opsets={"acme": 1}), tmp_path, "bare.onnx")
    with pytest.raises(UnknownOpError, match=r"Mystery_t.*'acme::Mystery' is an unknown operator"):
        read_model(bare)
    with pytest.raises(ModelError, match=r"'t' is not known(.|\n)*value_info"):
        read_model(bare, allow_unknown=True)
    declared = model(nodes, {"x": ("n", 3)}, ["y"], opsets={"acme": 1}, value_info={"t": ("n", 6)})
    resolved = read_model(save(declared, tmp_path), dims={"n": 5})
    assert resolved.values["y"].shape == (5, 6)
    assert resolved.nodes[0].attributes == {"depth": 3}
    assert (resolved.nodes[0].domain, resolved.nodes[0].opset) == ("acme", 1)


def test_constants_have_kinds_and_values(tmp_path: Path) -> None:
    big = helper.make_tensor("v", FLOAT, [1], [0.5])
    nodes = [
        node("Constant", [], ["two"], value_float=2.0),
        node("ConstantOfShape", ["huge"], ["w"], value=big),
        node("Cast", ["w"], ["w16"], to=FLOAT16),
        node("Cast", ["x"], ["x16"], to=FLOAT16),
        node("MatMul", ["x16", "w16"], ["m"]),
        node("Cast", ["m"], ["m32"], to=FLOAT),
        node("Pow", ["m32", "two"], ["y"]),
    ]
    proto = model(nodes, {"x": (2, 1024)}, ["y"], [const("huge", [1024, 1024])])
    values = read_model(save(proto, tmp_path)).values
    assert (values["w16"].kind, values["w16"].shape, values["w16"].dtype) == (
        "initializer",
        (1024, 1024),
        DType.FP16,
    )
    assert values["w16"].data is None
    assert values["two"].kind == "constant"
    assert values["two"].data == np.float32(2)


def test_weights_inside_the_file_have_small_values(tmp_path: Path) -> None:
    proto = model(
        [node("Add", ["x", "b"], ["t"]), node("MatMul", ["t", "w"], ["y"])],
        {"x": (2, 300)},
        ["y"],
        [const("b", np.arange(300), np.float32), const("w", np.zeros((300, 300)), np.float32)],
    )
    values = read_model(save(proto, tmp_path)).values
    assert values["b"].data is not None
    np.testing.assert_array_equal(values["b"].data, np.arange(300))
    assert (values["w"].data, values["w"].kind) == (None, "initializer")


def test_random_and_quantized_constants_do_not_fold(tmp_path: Path) -> None:
    nodes = [
        node("RandomNormal", [], ["noise"], shape=[2, 3]),
        node("DequantizeLinear", ["q", "scale"], ["w"]),
        node("Add", ["noise", "w"], ["y"]),
    ]
    proto = model(
        nodes,
        {},
        ["y"],
        [weight("q", 2, 3, elem_type=onnx.TensorProto.INT8), const("scale", 0.1, np.float32)],
    )
    resolved = read_model(save(proto, tmp_path))
    assert ops(resolved) == ["RandomNormal", "DequantizeLinear", "Add"]
    assert resolved.values["q"].dtype is DType.INT8


def test_old_opsets_are_rewritten(tmp_path: Path) -> None:
    nodes = [
        node("Add", ["x", "w"], ["t"], broadcast=1, axis=1),
        node("Reshape", ["t"], ["y"], shape=[0, -1]),
    ]
    proto = model(nodes, {"x": (1, 3, 4, 4), "w": (3,)}, ["y"], [weight("w", 3)], opset=4, ir_version=3)
    resolved = read_model(save(proto, tmp_path))
    assert ops(resolved) == ["Add", "Reshape"]
    assert resolved.values[resolved.nodes[0].inputs[1]].shape == (3, 1, 1)
    assert resolved.values["y"].shape == (1, 48)
    assert resolved.inputs == ("x",)
    assert {node.opset for node in resolved.nodes} == {7}


def test_sparse_weights_have_their_dense_shape(tmp_path: Path) -> None:
    values = helper.make_tensor("w", FLOAT, [2], [1.0, 2.0])
    proto = model([node("MatMul", ["x", "w"], ["y"])], {"x": (2, 3)}, ["y"])
    indices = helper.make_tensor("i", INT64, [2], [0, 5])
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [3, 4]))
    resolved = read_model(save(proto, tmp_path))
    assert (resolved.values["w"].shape, resolved.values["w"].kind) == ((3, 4), "initializer")


def test_files_from_before_opset_imports(tmp_path: Path) -> None:
    proto = model([node("Relu", ["x"], ["y"], consumed_inputs=[0])], {"x": (2, 3)}, ["y"], ir_version=2)
    proto.ClearField("opset_import")
    assert read_model(save(proto, tmp_path)).nodes[0].opset == 7


def test_branches_may_have_unread_results(tmp_path: Path) -> None:
    taken = graph([node("Neg", ["x"], ["a"]), node("Abs", ["x"], ["b"])], {}, {"a": None, "b": None})
    proto = model(
        [node("If", ["yes"], ["y", ""], then_branch=taken, else_branch=taken)],
        {"x": (2, 3)},
        ["y"],
        [const("yes", True, np.bool_)],
    )
    resolved = read_model(save(proto, tmp_path))
    assert ops(resolved) == ["Neg"]
    assert reasons(resolved)["If_y/Abs_b"] == "result unused"


def test_unread_strings_do_not_matter(tmp_path: Path) -> None:
    text = Of(onnx.TensorProto.STRING, (1,))
    proto = model([node("Relu", ["x"], ["y"])], {"x": (2,), "label": text}, ["y"])
    assert read_model(save(proto, tmp_path)).inputs == ("x",)
    used = model([node("Identity", ["label"], ["y"])], {"label": text}, ["y"])
    with pytest.raises(ModelError, match="no width for: string"):
        read_model(save(used, tmp_path))
