"""Read YAML text into plain data that remembers its lines: bounded, without tags, aliases or surprises."""

import json
import re
from dataclasses import dataclass
from typing import NoReturn

import yaml

from catx.errors import Loc, SpecError
from catx.frontend import file_kind
from catx.frontend.file_kind import Kind
from catx.frontend.hardware.problems import KeyPath, Problem, fail, visible

MAX_BYTES = 2**20
MAX_DEPTH = 20
MAX_NODES = 20_000


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: what one describes, a hint for one that is something else, and how large it may be."""

    describes: str
    hint: str
    kind: Kind
    max_bytes: int = MAX_BYTES
    max_nodes: int = MAX_NODES


HARDWARE = Format(
    "one accelerator",
    "a hardware file starts with keys such as `name: my-chip` or `template: systolic`",
    file_kind.HARDWARE,
)

Data = dict[str, "Data"] | list["Data"] | str | int | float | bool | None

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,4})?")
_WORDS: dict[str, bool | float | None] = {
    word: value
    for words, value in (
        (("", "~", "null", "Null", "NULL"), None),
        (("true", "True", "TRUE"), True),
        (("false", "False", "FALSE"), False),
        ((".nan", ".NaN", ".NAN"), float("nan")),
        ((".inf", ".Inf", ".INF", "+.inf"), float("inf")),
        (("-.inf", "-.Inf", "-.INF"), float("-inf")),
    )
    for word in words
}


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML mapping as plain data, and the line of every key and list item."""

    file: str
    data: dict[str, Data]
    lines: dict[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """Line of the innermost part of the path that stands in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, message: str, path: KeyPath, hint: str = "") -> Problem:
        """A problem at its line."""
        return Problem(message, path, self.line(path), hint)


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read."""

    items: dict[str, Data] | list[Data]
    path: KeyPath
    key: str | None = None


def read_document(text: str, file: str, form: Format = HARDWARE) -> Document:
    """Read one YAML mapping (YAML 1.2 core types; tags, anchors and aliases are refused).

    Raises:
        SpecError: with the line, for anything that is not one bounded, duplicate-free mapping.
    """
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        raise SpecError("not YAML text: it holds halves of surrogate pairs", loc=Loc(file)) from None
    if size > form.max_bytes:
        raise SpecError(f"the file is larger than {form.max_bytes} bytes", loc=Loc(file))
    reader = _Reader(file, form)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, file) from None
    except yaml.YAMLError as error:
        detail = " ".join(str(error).split())[:200]
        raise SpecError(f"not YAML text: {detail}", loc=Loc(file)) from None
    if isinstance(reader.root, dict):
        file_kind.check_data(file, reader.root, form.kind)
    if reader.problems:
        fail(file, reader.problems)
    if not isinstance(reader.root, dict):
        empty = reader.root is None
        raise SpecError(
            "the file is empty" if empty else f"expected keys with values, not {describe(reader.root)}",
            loc=Loc(file, line=0 if empty else 1),
            hint=form.hint,
        )
    return Document(file, reader.root, reader.lines)


def describe(value: object) -> str:
    """A value as it stands in the file, short, for a message."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, dict | list):
        kind, size = ("mapping", "keys") if isinstance(value, dict) else ("list", "items")
        return f"a {kind} of {len(value)} {size}"
    if isinstance(value, str) and not isinstance(_scalar(value), str):  # else it were no text: it has quotes
        return f"the text `{visible(json.dumps(value))}`"
    return f"`{visible(str(value))}`"


class _Reader:
    """Turns parser events into data without recursion."""

    def __init__(self, file: str, form: Format) -> None:
        self.file, self.form = file, form
        self.root: Data = None
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []
        self.stack: list[_Open] = []
        self.nodes = self.documents = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.stop(f"one file describes {self.form.describes}; this is a second YAML document", line)
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self.stop("anchors and aliases (`&name`, `*name`) are not supported", line)
        elif isinstance(event, yaml.NodeEvent):
            self.node(event, line)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.stack.pop()

    def node(self, event: yaml.NodeEvent, line: int) -> None:
        if (tag := getattr(event, "tag", None)) is not None:
            self.stop(f"tags such as `{visible(tag)}` are not supported", line)
        self.nodes += 1
        if self.nodes > self.form.max_nodes:
            self.stop(f"more than {self.form.max_nodes} values", line)
        top = self.stack[-1] if self.stack else None
        if top and isinstance(top.items, dict) and top.key is None:
            self.key(top, event, line)
            return
        path = self.place(top, line)
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event.value) if event.implicit[0] else str(event.value)
        else:
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.add(top, value)
        if value is None and top:
            self.problems.append(Problem("there is no value: write one, or leave the key out", path, line))
        if isinstance(value, dict | list):
            if len(self.stack) >= MAX_DEPTH:
                self.stop(f"nested deeper than {MAX_DEPTH} levels", line)
            self.stack.append(_Open(value, path))

    def key(self, top: _Open, event: yaml.NodeEvent, line: int) -> None:
        assert isinstance(top.items, dict)
        if not isinstance(event, yaml.ScalarEvent):
            self.stop("a key must be a plain word", line)
        top.key = str(event.value)
        path = (*top.path, top.key)
        if top.key in top.items:
            first = self.lines[path]
            self.problems.append(
                Problem(f"key {visible(top.key)!r} stands twice, first on line {first}", path, line)
            )
        else:
            self.lines[path] = line

    def place(self, top: _Open | None, line: int) -> KeyPath:
        """The path of the next value; list items have a line of their own."""
        if top is None:
            return ()
        if isinstance(top.items, list):
            path = (*top.path, len(top.items))
            self.lines[path] = line
            return path
        assert top.key is not None
        return (*top.path, top.key)

    def add(self, top: _Open | None, value: Data) -> None:
        if top is None:
            self.root = value
        elif isinstance(top.items, list):
            top.items.append(value)
        else:
            assert top.key is not None
            top.items.setdefault(top.key, value)
            top.key = None

    def stop(self, message: str, line: int) -> NoReturn:
        raise SpecError(message, loc=Loc(self.file, line=line))


def _scalar(text: str) -> Data:
    """The value of a plain scalar by the YAML 1.2 core schema: `no`, `y` and `1:30` stay text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) and len(text) < 100 else text


def _syntax_error(error: yaml.MarkedYAMLError, text: str, file: str) -> SpecError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    detail = " ".join(" ".join(part for part in (error.problem, error.context) if part).split())
    if "nesting depth" in detail:  # libyaml from 0.2.6 on has a limit of its own, met while it looks ahead
        return SpecError(f"nested deeper than {MAX_DEPTH} levels", loc=Loc(file, line=line))
    indent = "".join(text.split("\n")[line - 1 : line])
    hint = "indent with spaces, not with tabs" if "\t" in indent[: len(indent) - len(indent.lstrip())] else ""
    return SpecError(f"YAML syntax: {detail[:200]}", loc=Loc(file, line=line), hint=hint)
