"""What a file looks like that is not what it was given as, and which option takes it."""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from catx.errors import Loc, SpecError

HEAD_BYTES = 1024
"""What a kind is told by, from the start of a file [byte]."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: what messages call it, where it belongs, and how one gets such a file."""

    what: str
    where: str = ""
    made: str = ""


HARDWARE = Kind("an accelerator description", "give it to --hw", "`catx hw show edge` prints one")
MAPPING = Kind(
    "a mapping file", "give it to --mapping of `catx evaluate`", "`catx compile -o DIR` writes a mapping.yaml"
)
SCENARIO = Kind("a scenario file", "give it to --scenario", "one has keys such as `base: edge-default`")
CONSTRAINTS = Kind(
    "a constraint file", "give it to --constraints", "one has the key `constraints` (docs/constraints.md)"
)
MODEL = Kind("an ONNX model", "give it as MODEL, without an option")
REPORT = Kind(
    "a report of catx",
    "`catx explain` and `catx compare` read it; the mapping.yaml beside it goes to --mapping",
)
STUDY = Kind(
    "a study file",
    "give it to `catx search` or `catx study`",
    "`catx search show NAME` prints a built-in one",
)
LIST = Kind("a list that catx printed with --json")
LAYERS = Kind("a layers.csv of catx", "no option takes it; the mapping.yaml beside it goes to --mapping")

_SCHEMAS = {"mapping": MAPPING, "report": REPORT}
_SCHEMA = re.compile(r"catx\.([a-z_]+)/")
_SCHEMA_LINE = re.compile(rb'^[\s{]*"?schema"?[ \t]*:[ \t]*"?(catx\.[a-z_]+/)', re.MULTILINE)
_KEY_LINE = re.compile(rb"^([a-z_]+)[ \t]*:", re.MULTILINE)
_OTHERS = {
    b"PK\x03\x04": Kind("a zip archive, or a model saved by torch.save or Keras"),
    b"\x1f\x8b": Kind("a gzip archive"),
    b"\x80\x02": Kind("a Python pickle"),
    b"\x80\x04": Kind("a Python pickle"),
    b"\x89HDF": Kind("an HDF5 file"),
    b"\x89PNG": Kind("a picture"),
    b"\xff\xd8\xff": Kind("a picture"),
    b"%PDF": Kind("a PDF document"),
    b"\x7fELF": Kind("a program"),
    b"\xff\xfe": Kind("UTF-16 text", "save it as UTF-8"),
    b"\xfe\xff": Kind("UTF-16 text", "save it as UTF-8"),
}
_IR_VERSION = re.compile(rb"\x08[\x01-\x1f][\x12\x1a\x22\x2a\x3a\x42]")
"""How a serialized ModelProto starts: its ir_version (field 1), then another of its fields."""

KEYS = {
    HARDWARE: frozenset(("template", "levels", "compute", "technology", "clock")),
    SCENARIO: frozenset(
        (
            "base",
            "inferences",
            "inferences_per_day",
            "utilization",
            "lifetime",
            "on",
            "idle",
            "grid",
            "hours",
            "pue",
            "supply_efficiency",
            "embodied",
            "fab_grid",
            "abatement",
            "fab_yield",
            "line_yield",
            "defects_per_cm2",
            "packaging",
            "board",
            "other",
            "training",
            "fleet",
        )
    ),
    MAPPING: frozenset(("layers", "accelerator_sha256")),
    CONSTRAINTS: frozenset(("constraints",)),
    STUDY: frozenset(("study", "objectives")),
}
"""Keys at the top of a file that only one kind has."""


def kind_of_head(name: str, head: bytes) -> Kind | None:
    """The kind of a file by its name and its first bytes; None if these say nothing."""
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            return kind
    binary = b"\0" in head
    if _IR_VERSION.match(head) or (binary and name.lower().endswith(".onnx")):
        return MODEL
    if binary:
        return Kind("a binary file")
    if (schema := _SCHEMA_LINE.search(head)) is not None:
        return _kind_of_schema(schema[1].decode())
    return LAYERS if head.startswith(b"model,layer,op,kind,") else None


def kind_of_keys(keys: Collection[str]) -> Kind | None:
    """The kind whose own keys the file has; None if it has those of no kind, or of several."""
    found = [kind for kind, own in KEYS.items() if own.intersection(keys)]
    return found[0] if len(found) == 1 else None


def check_head(name: str, head: bytes, wanted: Kind) -> None:
    """Refuse a file whose first bytes say that it is of another kind.

    Raises:
        SpecError: it is; the hint says where it belongs.
    """
    _refuse(name, kind_of_head(name, head), wanted)


def check_data(name: str, data: Mapping[str, object], wanted: Kind) -> None:
    """Refuse a file whose keys are another kind's, before each of them is called unknown.

    Raises:
        SpecError: they are; the hint says where the file belongs.
    """
    schema = _kind_of_schema(str(data.get("schema", "")))
    _refuse(name, kind_of_keys(data) if schema is None else schema, wanted)


def text_kind(path: Path) -> Kind | None:
    """The kind of a file that was not given as one, by its first bytes; None if it cannot be told."""
    if not os.path.isfile(path):  # reading a pipe would wait
        return None
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
    except OSError:  # who reads the file says why it cannot be read
        return None
    keys = [key.decode() for key in _KEY_LINE.findall(head)]
    return kind_of_head(str(path), head) or kind_of_keys(keys)


def _kind_of_schema(schema: str) -> Kind | None:
    match = _SCHEMA.match(schema)
    return _SCHEMAS.get(match[1], LIST) if match else None


def _refuse(name: str, kind: Kind | None, wanted: Kind) -> None:
    if kind is not None and kind != wanted:
        raise SpecError(
            f"this looks like {kind.what}, not {wanted.what}", loc=Loc(name), hint=kind.where or wanted.made
        )
