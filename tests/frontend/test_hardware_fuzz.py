"""Whatever the text, the answer is an accelerator or one SpecError of bounded length."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catx.errors import SpecError
from catx.frontend.hardware import accelerator_text, parse_accelerator
from tests.frontend.hardware_text import BASE

TEXTS = [BASE, *(accelerator_text(name) for name in ("edge", "edge4", "a100_like", "simba_like"))]
PIECES = [
    *(
        "0",
        "-1",
        "1e999",
        ".nan",
        ".inf",
        "true",
        "~",
        "[]",
        "{}",
        "4 MiB",
        "9 GB/s",
        "input",
        "int8",
        "DRAM",
    ),
    *(
        "\n",
        ":",
        "- ",
        "  ",
        "\t",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!!str ",
        "'",
        '"',
        "#",
        "\0",
        "é",
        "? ",
        "|\n",
    ),
]
BOUNDED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def check(text: str) -> None:
    told = ""
    try:
        parse_accelerator(text, "fuzz.yaml")
    except SpecError as error:
        told = str(error)
    assert not told or "fuzz.yaml" in told
    assert len(told) < 20_000


@BOUNDED
@given(
    text=st.sampled_from(TEXTS),
    edits=st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 12), st.sampled_from(PIECES)), max_size=4),
)
def test_edited_texts(text: str, edits: list[tuple[int, int, str]]) -> None:
    for at, removed, piece in edits:
        at %= len(text) + 1
        text = text[:at] + piece + text[at + removed :]
    check(text)


@BOUNDED
@given(text=st.sampled_from(TEXTS), data=st.data())
def test_swapped_values(text: str, data: st.DataObject) -> None:
    lines = text.splitlines()
    places = [index for index, line in enumerate(lines) if ": " in line]
    for index in data.draw(st.lists(st.sampled_from(places), max_size=3)):
        key = lines[index].split(": ")[0]
        lines[index] = f"{key}: {data.draw(st.sampled_from(PIECES))}"
    for index in data.draw(st.lists(st.sampled_from(range(len(lines))), max_size=2)):
        lines[index] = ""
    check("\n".join(lines))


KEYS = [
    *("name", "clock", "technology", "node", "levels", "memory", "fanout", "axes", "size", "dims"),
    *("compute", "matrix", "rates", "int8", "template", "component"),
]
VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.sampled_from(PIECES) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=25,
)


@BOUNDED
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8))
def test_any_structure(data: dict[str, object]) -> None:
    check(json.dumps(data))


@BOUNDED
@given(st.text(max_size=300) | st.text(st.sampled_from("[]{}:-,&*!|>'\"%@#\n\t a"), max_size=300))
def test_any_text(text: str) -> None:
    check(text)
