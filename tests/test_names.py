"""Names that do not exist are told with the nearest one that does."""

import doctest

import pytest

import catx
from catx import names
from catx.errors import CatxError, OptionError, SpecError
from catx.names import nearest, unknown_name


def test_examples() -> None:
    assert doctest.testmod(names).failed == 0


@pytest.mark.parametrize(
    ("name", "near"),
    [("Sofmax", "softmax"), ("soft", "softmax"), ("so", ""), ("", ""), ("x" * 10_000, ""), (None, "")],
)
def test_nearest(name: object, near: str) -> None:
    assert nearest(name, ("relu", "softmax")) == (f"; did you mean {near!r}?" if near else "")


def test_unknown_name() -> None:
    error = unknown_name("kind", "softmx", ("relu", "softmax"), error=OptionError)
    assert type(error) is OptionError
    assert str(error) == "unknown kind 'softmx'; did you mean 'softmax'?\n  hint: known are relu, softmax"
    assert type(unknown_name("kind", "", ())) is SpecError
    assert len(str(unknown_name("kind", "x" * 10_000, ("a",)))) < 200


@pytest.mark.parametrize(
    ("options", "near"),
    [
        ({"objective": "latncy"}, "latency"),
        ({"scenario": "edge"}, "edge-default"),
        ({"accelerator": "edgee"}, "edge"),
        ({"model": "clip_vit_b16_txt"}, "clip_vit_b16_text"),
    ],
)
def test_every_choice_of_the_python_api(options: dict[str, str], near: str) -> None:
    with pytest.raises(CatxError, match=f"did you mean '{near}'"):
        catx.compile_model(**{"model": "clip_vit_b16_text", **options})  # type: ignore[arg-type]
