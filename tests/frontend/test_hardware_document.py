"""YAML reading: bounded, located, without surprises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.errors import SpecError
from catx.frontend.hardware.document import MAX_BYTES, MAX_DEPTH, MAX_NODES, read_document


def problem(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        read_document(text, "f.yaml")
    assert caught.value.loc is not None
    assert caught.value.loc.file == "f.yaml"
    assert len(str(caught.value)) < 4000
    return caught.value


def test_values_and_lines() -> None:
    document = read_document('a: 1\nb:\n  - x\n  - c: 4 MiB\n    d: "7"\n', "f")
    assert document.data == {"a": 1, "b": ["x", {"c": "4 MiB", "d": "7"}]}
    assert document.line(("b", 1, "d")) == 5
    assert document.line(("b", 1, "missing")) == 4
    assert document.line(("nowhere",)) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n", "n"),
        ("yes", "yes"),
        ("1:30", "1:30"),
        ("0x10", "0x10"),
        ("010", 10),
        ("1e9", 1e9),
        ("-.5", -0.5),
        ("true", True),
        ("False", False),
        ("2024-01-01", "2024-01-01"),
        ("'1'", "1"),
        ("9" * 30, 1e30),
        ("9" * 400, "9" * 400),
    ],
)
def test_scalars_follow_the_core_schema(text: str, value: object) -> None:
    assert read_document(f"a: {text}", "f").data["a"] == value


def test_nan_and_infinity_are_numbers() -> None:
    data = read_document("a: [.nan, .inf, -.inf]", "f").data
    assert str(data) == "{'a': [nan, inf, -inf]}"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 0, "the file is empty"),
        ("# nothing\n\n", 0, "the file is empty"),
        ("- a\n", 1, "expected keys with values, not a list of 1 items"),
        ("just words", 1, "expected keys with values, not `just words`"),
        ("a: 1\nb: 2\na: 3", 3, "key 'a' stands twice, first on line 1"),
        ("a: &x [1]\nb: *x", 1, "anchors and aliases"),
        ("a: !!python/object/apply:os.system ['true']", 1, "tags such as"),
        ("a: !!int 3", 1, "tags such as"),
        ("a:\n\tb: 1", 2, "YAML syntax"),
        ("a: [1,\n", 2, "YAML syntax"),
        ("a: 1\n---\nb: 1", 2, "a second YAML document"),
        ("? [1, 2]\n: 3", 1, "a key must be a plain word"),
        ("a: \x00", 0, "not YAML text"),
        ("\ud800: 1", 0, "not YAML text"),
        ("a: " + "[" * 100_000, 1, f"nested deeper than {MAX_DEPTH} levels"),
        ("{" * 100, 1, "a key must be a plain word"),
        ("- - " * 50_000, 1, "nested deeper"),
        ("a: b\n" * (MAX_BYTES // 4), 0, "larger than"),
        ("\n".join(f"k{i}: 1" for i in range(MAX_NODES)), MAX_NODES // 2, "more than"),
    ],
)
def test_bad_text_is_one_error_with_its_line(text: str, line: int, message: str) -> None:
    error = problem(text)
    assert message in str(error)
    assert error.loc is not None
    assert error.loc.line == line


def test_alias_bombs_never_expand() -> None:
    bomb = "a0: &a0 [x, x, x, x]\n"
    bomb += "".join(f"a{i + 1}: &a{i + 1} [{', '.join(f'*a{i}' for _ in range(9))}]\n" for i in range(20))
    assert "anchors and aliases" in str(problem(bomb))


def test_a_tab_gets_a_hint() -> None:
    assert "spaces, not with tabs" in problem("a:\n\tb: 1").hint


def test_control_characters_do_not_reach_the_terminal() -> None:
    error = problem('"\\e[31m": 1\n"\\e[31m": 2')
    assert "\x1b" not in str(error)
    assert "\\x1b[31m" in str(error)


PRINTABLE = st.characters(
    min_codepoint=32, max_codepoint=0x17F, exclude_characters="".join(map(chr, range(127, 160)))
)


@given(
    st.recursive(
        st.booleans() | st.integers(-(10**17), 10**17) | st.text(PRINTABLE, max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_json_is_yaml(data: object) -> None:
    assert read_document(json.dumps({"top": data}, ensure_ascii=False), "f").data == {"top": data}


@pytest.mark.parametrize("text", ["a: 1\nb:", "a: 1\nb: ~", "a: 1\nb: null"])
def test_a_key_without_a_value_is_told(text: str) -> None:
    error = problem(text)
    assert "there is no value" in str(error)
    assert error.loc is not None
    assert (error.loc.line, error.loc.where) == (2, "b")
