"""Control flow that stays a node: its data is costed, and what its bodies compute is named."""

from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, helper

from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO
from catx.errors import UnknownOpError
from catx.frontend.hardware import load_accelerator
from catx.frontend.models import load_model
from catx.ir.graph import Graph, LeftOut
from catx.ir.graph_json import from_json, to_json
from catx.mapper.design import evaluate_design
from tests.frontend.onnx_models import (
    BOOL,
    FLOAT,
    INT64,
    Of,
    Typed,
    const,
    graph,
    model,
    node,
    save,
    weight,
)
from tests.frontend.resolved_models import footprints, only


def loop(extra: list[NodeProto], result: str) -> NodeProto:
    """A loop over a state of 4 x 8 whose body has the weight `v` and the constant `k` of its own."""
    constant = helper.make_tensor("values", FLOAT, [8, 8], [0.0] * 64)
    nodes = [
        node("Constant", [], ["k"], value=constant),
        node("Constant", [], ["one"], value=helper.make_tensor("values", FLOAT, [], [1.0])),
        node("MatMul", ["s", "w"], ["t"]),
        node("MatMul", ["t", "v"], ["u"]),
        node("Gemm", ["u", "k"], ["a"]),
        *extra,
        node("Identity", ["c"], ["go"]),
    ]
    body = graph(
        nodes,
        {"i": Of(INT64, ()), "c": Of(BOOL, ()), "s": (4, 8)},
        {"go": Of(BOOL, ()), result: (4, 8)},
        [const("v", np.zeros((8, 8)), np.float32)],
    )
    return node("Loop", ["n", "", "x"], ["y"], body=body, name="decoder")


def loaded(nodes: list[NodeProto], folder: Path, inputs: Typed | None = None) -> Graph:
    given: Typed = inputs or {"n": Of(INT64, (1,)), "x": (4, 8)}
    weights = [weight("w", 8, 8), weight("filter", 8, 8)]
    path = save(model(nodes, given, {"y": (4, 8)}, weights, opsets={"my.ops": 1}), folder)
    with pytest.raises(UnknownOpError, match="without what they compute"):
        load_model(path)
    return load_model(path, allow_unknown=True)


def test_a_loop_reads_what_its_body_takes_and_holds(tmp_path: Path) -> None:
    made = loaded([loop([], "a")], tmp_path)
    assert footprints(only(made)) == {
        "n": 1,
        "x": 32,
        "w": 64,
        "decoder/v": 64,
        "decoder/k": 64,
        "y": 32,
    }
    assert made.parameters == 3 * 64
    assert made.left_out == (LeftOut("decoder", "Loop", (("Gemm", 1), ("MatMul", 2)), (), 1),)
    assert from_json(to_json(made)) == made


def test_nested_bodies_are_counted_and_their_weights_read(tmp_path: Path) -> None:
    branch = graph(
        [node("MatMul", ["a", "filter"], ["m"]), node("Flash", ["m", "v"], ["r"], domain="my.ops")],
        {},
        {"r": (4, 8)},
        [const("v", np.zeros((8, 8)), np.float32)],
    )
    passing = graph([], {}, {"a": (4, 8)})
    inner = node("If", ["c"], ["z"], then_branch=branch, else_branch=passing)
    made = loaded([loop([inner], "z")], tmp_path)
    read = footprints(only(made))
    assert (read["filter"], read["decoder/v"], read["decoder/v'"]) == (64, 64, 64)
    (left_out,) = made.left_out
    assert left_out.contractions == (("Gemm", 1), ("MatMul", 3))
    assert left_out.unknown == (("my.ops.Flash", 1),)
    assert left_out.others == 2


def test_what_a_body_takes_is_computed_for_it(tmp_path: Path) -> None:
    then = graph([node("Relu", ["h"], ["r"])], {}, {"r": (4, 8)})
    other = graph([node("Neg", ["h"], ["r"])], {}, {"r": (4, 8)})
    nodes = [
        node("MatMul", ["x", "w"], ["h"]),
        node("If", ["c"], ["y"], then_branch=then, else_branch=other, name="choice"),
    ]
    made = loaded(nodes, tmp_path, {"c": Of(BOOL, ()), "x": (4, 8)})
    assert [op.op for op in made.ops] == ["MatMul", "If"]
    assert "h" in footprints(made.ops[1])
    assert made.macs == 4 * 8 * 8


def test_the_report_names_the_node_and_what_is_left_out(tmp_path: Path) -> None:
    made = loaded([loop([], "a")], tmp_path)
    report = evaluate_design([made], load_accelerator("edge"), scenario=DEFAULT_SCENARIO)
    (note,) = [note for note in report.notes if "decoder" in note]
    assert "Loop 'decoder' is costed by its data alone" in note
    assert "Left out of its bodies: 3 contractions (1 Gemm, 2 MatMul), 1 other node" in note
    moved = report.traffic[0]
    assert moved.read_bytes == 8 + 32 + 3 * 64
    assert moved.write_bytes == 32


def test_a_body_that_takes_what_is_no_tensor_is_refused(tmp_path: Path) -> None:
    sequence = helper.make_tensor_sequence_value_info("several", FLOAT, (4, 8))
    pick = graph([node("SequenceAt", ["several", "i"], ["r"])], {}, {"r": (4, 8)}, [const("i", 0)])
    proto = model(
        [node("If", ["c"], ["y"], then_branch=pick, else_branch=pick, name="choice")],
        {"c": Of(BOOL, ())},
        {"y": (4, 8)},
    )
    proto.graph.input.append(sequence)
    path = save(proto, tmp_path)
    with pytest.raises(UnknownOpError, match=r"choice.*body of If reads 'several', which is no tensor"):
        load_model(path, allow_unknown=True)
