"""Constraint files: what is written, and what is wrong where."""

import doctest
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import catx
from catx.errors import CatxError, OptionError, SpecError
from catx.frontend import constraint_file
from catx.frontend.constraint_file import parse_constraints
from catx.ir.constraints import Keep, Order, Range, Tile, Unroll

WHOLE = """\
constraints:
  - unroll:
      array.column: {n: 64.., "*": 1}
    bypass: {GLB: [weight]}
  - for: ["*fc1*", node_1]
    keep: {GLB: [weight, input]}
    tiles:
      L2: {m: ..128}
      L2.weight: {k: 64, n: 32 .. 256}
    order:
      L2: [n, m, k]
"""


def test_examples() -> None:
    assert doctest.testmod(constraint_file).failed == 0


def test_a_whole_file() -> None:
    everywhere, some = parse_constraints(WHOLE, "study.yaml")
    assert everywhere.patterns == ("*",)
    assert some.patterns == ("*fc1*", "node_1")
    assert everywhere.constraints == (
        Keep(memory="GLB", role="weight", kept=False),
        Unroll(fanout="array", axis="column", dim="n", factor=Range(least=64)),
        Unroll(fanout="array", axis="column", dim=None, factor=Range(most=1)),
    )
    assert some.constraints == (
        Keep(memory="GLB", role="weight", kept=True),
        Keep(memory="GLB", role="input", kept=True),
        Tile(memory="L2", role=None, dim="m", extent=Range(most=128)),
        Tile(memory="L2", role="weight", dim="k", extent=Range(least=64, most=64)),
        Tile(memory="L2", role="weight", dim="n", extent=Range(least=32, most=256)),
        Order(memory="L2", role=None, dims=("n", "m", "k")),
    )
    assert [one.loc.line for one in some.constraints] == [6, 6, 8, 9, 9, 11]
    assert some.matches("vision_fc1_2")
    assert some.matches("node_1")
    assert not some.matches("node_12")


@given(least=st.integers(1, 10**6), more=st.integers(0, 10**6))
def test_ranges(least: int, more: int) -> None:
    def read(text: str) -> Range:
        [block] = parse_constraints(f"constraints: [{{tiles: {{L2: {{m: {text}}}}}}}]")
        [one] = block.constraints
        assert isinstance(one, Tile)
        return one.extent

    assert read(f"{least}") == Range(least=least, most=least)
    assert read(f"{least}..{least + more}") == Range(least=least, most=least + more)
    assert least in read(f"..{least + more}")
    assert least + more + 1 not in read(f"..{least + more}")
    assert least + more in read(f"{least}..")
    assert least == 1 or least - 1 not in read(f"{least}..")
    assert read(str(read(f"{least}..{least + more}"))) == read(f"{least}..{least + more}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("constraints: []", "at least one entry"),
        ("constraints: [{}]", "constrains nothing"),
        ("constraints: [{tile: {L2: {m: 4}}}]", "unknown key; did you mean 'tiles'"),
        ("constraints: [{tiles: {L2: {m: 0}}}]", "whole number above 0 or a range"),
        ("constraints: [{tiles: {L2: {m: 8..4}}}]", "no whole number above 0 lies in"),
        ("constraints: [{tiles: {L2: {m: ..}}}]", "whole number above 0 or a range"),
        ("constraints: [{tiles: {L2: {m: true}}}]", "not `true`"),
        ("constraints: [{unroll: {column: {m: 4}}}]", "expected FANOUT.AXIS"),
        ("constraints: [{keep: {L2: [bias]}}]", "an operand role"),
        ("constraints: [{order: {L2: [m, m]}}]", "a dim stands twice"),
        ("constraints: [{order: {L2: [m]}}]", "at least 2 entries, not a list of 1 items"),
        ("levels: []", "looks like an accelerator description"),
        ("constraints: {tiles: 3}", "expected a list"),
    ],
)
def test_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_constraints(text, "bad.yaml")


MODEL = "clip_vit_b16_text"

Attempt = Callable[[str], object]


def _compile(text: str) -> object:
    return catx.compile_model(MODEL, "edge", constraints=parse_constraints(text, "study.yaml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tiles: {L3: {m: 4}}", "unknown memory 'L3'"),
        ("tiles: {L2: {q: 4}}", "unknown dim 'q'"),
        ("tiles: {L2: {n: 4096}}", "has 512 elements in all"),
        ("tiles: {L2.weight: {m: 4}}", "m is no dim of weight"),
        ("tiles: {DRAM: {m: 4}}", "holds whole tensors"),
        ("unroll: {array.col: {n: 4}}", "unknown axis 'array.col'; did you mean"),
        ("unroll: {array.row: {n: 4}}", "does not unroll n"),
        ("unroll: {array.column: {n: 300}}", "at most 256 instances"),
        ("bypass: {L2: [weight]}", "L2 must keep weight"),
        ("keep: {GLB: [weight]}, bypass: {GLB: [weight]}", "obeys all of these constraints"),
        ("for: [nothing], keep: {GLB: [weight]}", "no layer matches"),
        ("order: {L2: [b, q]}", "unknown dim 'q'"),
    ],
)
def test_what_does_not_fit_the_model_or_the_machine(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        _compile(f"constraints: [{{{text}}}]")


def test_a_conflict_names_the_constraints_that_make_it_and_no_others() -> None:
    text = """\
constraints:
  - tiles:
      L2: {k: 512, n: 512}
      registers: {m: ..64}
    keep: {GLB: [weight]}
"""
    with pytest.raises(OptionError) as caught:
        _compile(text)
    message = str(caught.value)
    assert "tiles L2: {k: 512}  (study.yaml:3)" in message
    assert "tiles L2: {n: 512}  (study.yaml:3)" in message
    assert "registers" not in message
    assert "keep" not in message


def test_both_mappings_and_constraints_are_refused() -> None:
    blocks = parse_constraints("constraints: [{keep: {GLB: [weight]}}]")
    with pytest.raises(OptionError, match="mappings are given"):
        catx.compile_model(MODEL, "edge", constraints=blocks, mappings={})


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(CatxError, match="no such file"):
        catx.compile_model(MODEL, "edge", constraints=tmp_path / "none.yaml")
