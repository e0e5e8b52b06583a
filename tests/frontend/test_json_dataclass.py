"""Dataclasses in JSON files: each mistake is told by its place."""

import json
import re
from dataclasses import asdict, dataclass

import pytest

from catx.errors import SpecError
from catx.frontend.json_dataclass import FORBID, from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    __pydantic_config__ = FORBID
    heads: int
    scaled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    __pydantic_config__ = FORBID
    parts: tuple[Part, ...]
    size: tuple[int, int]
    eps: float = 1.0
    name: str = ""

    def __post_init__(self) -> None:
        if not self.parts:
            raise SpecError("no part")


GOOD = Whole(parts=(Part(heads=2), Part(heads=3, scaled=True)), size=(4, 5), eps=2)


def text(**changed: object) -> str:
    return json.dumps({"schema": "s/1", **asdict(GOOD), **changed})


def test_what_was_written_is_read() -> None:
    assert from_json(Whole, text(), "s/1", "whole") == GOOD


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("{", "not JSON: Expecting"),
        ("[]", "no whole: its `schema` must be 's/1'"),
        (text(schema="s/2"), "no whole: its `schema` must be 's/1'"),
        (text(eps=float("nan")), "not JSON: NaN is no number"),
        (text(eps="x"), 'eps: expected a number, not "x"'),
        (text(name=None), "name: expected text, not null"),
        (text(size=3), "size: expected a list, not 3"),
        (text(size=[3]), "size: expected more entries"),
        (text(size=[3, 4, 5]), "size: expected fewer entries"),
        (text(size=[3, 4.5]), "size[1]: expected a whole number, not 4.5"),
        (text(parts=[]), "no part"),
        (text(parts=[{"heads": 2}, []]), "parts[1]: expected keys with values, not []"),
        (text(parts=[{"heads": 2}, {"scaled": True}]), "missing key 'heads' in parts[1]"),
        (text(parts=[{"heads": 2, "scaled": 1}]), "parts[0].scaled: expected true or false, not 1"),
        (text(parts=[{"heads": 2, "scale": 1}]), "unknown key 'scale' in parts[0]; did you mean 'scaled'?"),
        (text(colour=1), "unknown key 'colour'"),
        ('{"schema": "s/1", "parts": [{"heads": 1}]}', "missing key 'size'"),
    ],
)
def test_mistakes(wrong: str, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        from_json(Whole, wrong, "s/1", "whole")
