"""The JSON schema: shipped fresh, valid, and of one mind with the reader."""

import json
from importlib.resources import files

import jsonschema
import pytest
import yaml

from catx.errors import SpecError
from catx.frontend.hardware import (
    accelerator_schema,
    accelerator_text,
    builtin_accelerators,
    dump_accelerator,
    load_accelerator,
    parse_accelerator,
)
from catx.frontend.hardware.document import read_document
from catx.frontend.hardware.schema import schema_text
from tests.frontend.hardware_text import BASE, edited

NAMES = [name for name, _, _ in builtin_accelerators()]


def valid(text: str) -> bool:
    return jsonschema.Draft202012Validator(accelerator_schema()).is_valid(read_document(text, "f").data)


def test_the_shipped_schema_is_fresh() -> None:
    """Rewrite it: python -c "from catx.frontend.hardware.schema import *; print(schema_text(), end='')"."""
    assert files("catx.data").joinpath("hw.schema.json").read_text(encoding="utf-8") == schema_text()
    assert json.loads(schema_text()) == accelerator_schema()


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(accelerator_schema())


@pytest.mark.parametrize("name", NAMES)
def test_built_in_machines_and_their_dumps_are_valid(name: str) -> None:
    assert valid(accelerator_text(name))
    assert valid(dump_accelerator(load_accelerator(name)))


@pytest.mark.parametrize("name", NAMES)
def test_other_yaml_readers_read_the_same(name: str) -> None:
    for text in (accelerator_text(name), dump_accelerator(load_accelerator(name))):
        assert yaml.safe_load(text) == read_document(text, name).data


@pytest.mark.parametrize(
    "edit",
    [
        ("clock:", "clok:"),
        ("500 MHz", "500"),
        ("1 MiB", "1 MJ"),
        ("size: 8", "size: 0"),
        ("size: 8", "size: many"),
        ("16 GB/s", "16 GB"),
        ("32 pJ/B", "32 pJ"),
        ("int8: {", "int9: {"),
        ("[reduction]", "[reductoin]"),
        ("keeps: [weight", "keeps: [weights"),
        ("name: MAC", "name: MAC\n    component: 5"),
        ("double_buffered: true", "double_buffered: 1"),
    ],
)
def test_what_the_schema_refuses_the_reader_refuses(edit: tuple[str, str]) -> None:
    assert valid(BASE)
    text = edited(edit)
    assert not valid(text)
    with pytest.raises(SpecError):
        parse_accelerator(text)


def test_every_key_is_described_to_editors() -> None:
    properties = accelerator_schema()["$defs"]["MemorySpec"]["properties"]
    assert properties["double_buffered"]["description"]
    assert (
        accelerator_schema()["$defs"]["CATransformersSpec"]["properties"]["template"]["const"]
        == "catransformers"
    )
