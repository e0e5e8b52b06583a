"""Read mapping.yaml: the loop nests that `mapping_writer` wrote or a person edited.

A layer is identified by its canonical einsum (dims, projections, element types); names are for people.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from catx.errors import GraphError, Loc, MappingError, SpecError
from catx.frontend.file_kind import MAPPING
from catx.frontend.hardware.document import Data, Document, Format, describe, read_document
from catx.frontend.hardware.problems import KeyPath, Problem, fail
from catx.frontend.mapping_writer import SCHEMA, einsum_text
from catx.frontend.text_file import read_text
from catx.ir.dtype import DType
from catx.ir.einsum import ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store
from catx.ir.operand import Axis, Operand
from catx.names import nearest

FORM = Format(
    "one set of mappings",
    f"a mapping file starts with `schema: {SCHEMA}`; `catx compile -o DIR` writes one",
    MAPPING,
    max_bytes=2**23,
    max_nodes=500_000,
)

_FILE_KEYS = ("schema", "accelerator", "accelerator_sha256", "objective", "models", "layers")
_LAYER_KEYS = ("einsum", "dims", "dtypes", "used_by", "nest")
_STORE_KEYS = ("store", "roles")
_LOOP_KEYS = ("loop", "tile", "fanout", "axis")
_TERM = re.compile(r"(?:([1-9][0-9]{0,17})\s*\*\s*)?([A-Za-z_][A-Za-z0-9_.]*)", re.ASCII)
_EINSUM = re.compile(r"O\[([^\[\]]*)\]\s*\+=\s*I\[([^\[\]]*)\]\s*\*\s*W\[([^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class MappedEinsum:
    """One layer of a mapping file: a canonical einsum, its mapping, who uses it, and where it stands.

    `lines` has the line of every node of the mapping.
    """

    einsum: Einsum
    mapping: Mapping
    used_by: tuple[str, ...]
    loc: Loc
    lines: tuple[int, ...]

    def place(self, node: int | None) -> Loc:
        """Where a node of the mapping stands; without one, the layer."""
        return self.loc if node is None else replace(self.loc, line=self.lines[node])


@dataclass(frozen=True, slots=True)
class MappingFile:
    """A mapping file's content; `accelerator`, its hash, `objective`, `models` say what it was made for."""

    file: str
    accelerator: str
    accelerator_sha256: str
    objective: str
    models: tuple[str, ...]
    entries: tuple[MappedEinsum, ...]

    @property
    def mappings(self) -> dict[Einsum, Mapping]:
        """Mappings by canonical einsum."""
        return {entry.einsum: entry.mapping for entry in self.entries}


def any_order(einsum: Einsum) -> Einsum:
    """The same for einsums that list their dims in different orders."""
    return replace(einsum, dims=tuple(sorted(einsum.dims)))


def load_mappings(path: str | Path) -> MappingFile:
    """Read a mapping file. Whether its nests are legal is for `mapping_check`.

    Raises:
        SpecError: with file, line and key, for anything that does not follow the format.
    """
    return _Reader(read_document(read_text(path, FORM.max_bytes, MAPPING), str(path), FORM)).read()


class _Reader:
    """Turns a document into a MappingFile, collecting every problem on the way."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def read(self) -> MappingFile:
        data = self.document.data
        if data.get("schema", SCHEMA) != SCHEMA:
            self.problem(f"expected `{SCHEMA}`, not {describe(data['schema'])}", ("schema",), FORM.hint)
            self.stop()
        self.record(data, (), _FILE_KEYS, optional=_FILE_KEYS[1:5])
        self.stop()
        rows = self.items(data["layers"], ("layers",))
        entries = [self.layer(row, ("layers", index)) for index, row in enumerate(rows)]
        name, sha256, objective = (self.text(data.get(key, ""), (key,)) for key in _FILE_KEYS[1:4])
        models = [
            self.text(model, ("models", index))
            for index, model in enumerate(self.items(data.get("models", []), ("models",)))
        ]
        self.stop()
        return MappingFile(self.document.file, name, sha256, objective, tuple(models), self.unique(entries))

    # --- layers ------------------------------------------------------------------------------------------

    def layer(self, row: Data, path: KeyPath) -> MappedEinsum | None:
        """One layer, or None after noting what is wrong with it."""
        known = len(self.problems)
        entry = self.record(row, path, _LAYER_KEYS, optional=("used_by",))
        if len(self.problems) > known:
            return None
        einsum = self.einsum(entry, path)
        names = self.items(entry.get("used_by", []), (*path, "used_by"))
        rows = self.items(entry["nest"], (*path, "nest"))
        places: list[KeyPath] = [(*path, "nest", index) for index in range(len(rows))]
        nest = [(n, place) for row, place in zip(rows, places, strict=True) for n in self.nodes(row, place)]
        if einsum is None or len(self.problems) > known:
            return None
        loc = Loc(self.document.file, einsum_text(einsum), self.document.line(path))
        lines = tuple(self.document.line(place) for _, place in nest)
        try:
            mapping = Mapping(tuple(node for node, _ in nest))
        except MappingError as error:
            self.problem(str(error.args[0]), (*path, "nest") if error.node is None else nest[error.node][1])
            return None
        return MappedEinsum(einsum.canonical(), mapping, tuple(map(str, names)), loc, lines)

    def unique(self, entries: list[MappedEinsum | None]) -> tuple[MappedEinsum, ...]:
        """The entries, after checking that no einsum has two."""
        first: dict[Einsum, MappedEinsum] = {}
        for entry in filter(None, entries):
            other = first.setdefault(any_order(entry.einsum), entry)
            if other is not entry:
                raise SpecError(
                    f"this einsum has a mapping already, on line {other.loc.line}",
                    loc=entry.loc,
                    hint="layers with the same einsum, dims and dtypes share one mapping",
                )
        return tuple(first.values())

    def einsum(self, entry: dict[str, Data], path: KeyPath) -> Einsum | None:
        """The einsum of a layer, as written."""
        known, where = len(self.problems), (*path, "einsum")
        text = self.text(entry["einsum"], where)
        dims = self.record(entry["dims"], (*path, "dims"))
        types = self.record(entry["dtypes"], (*path, "dtypes"), ROLES)
        extents = [(dim, self.whole(extent, (*path, "dims", dim))) for dim, extent in dims.items()]
        dtypes = [self.dtype(name, (*path, "dtypes", role)) for role, name in types.items()]
        if (match := _EINSUM.fullmatch(text.strip())) is None:
            hint = "write it as `O[m,n] += I[m,k] * W[k,n]`"
            self.problem(f"{describe(text)} is no einsum", where, hint)
        if match is None or len(self.problems) > known:
            return None
        by_role = dict(zip(types, dtypes, strict=True))
        axes = [self.axes(match[group], where) for group in (2, 3, 1)]
        first, second, out = (Operand(r, a, by_role[r]) for r, a in zip(ROLES, axes, strict=True))
        if len(self.problems) > known:
            return None
        try:
            return Einsum(name="", op="", dims=tuple(extents), inputs=(first, second), output=out)
        except GraphError as error:
            self.problem(str(error.args[0]).removeprefix(": "), where)
            return None

    def axes(self, text: str, path: KeyPath) -> tuple[Axis, ...]:
        """Axes of one operand, from what stands between its brackets."""
        axes = []
        for part in text.split(",") if text.strip() else []:
            terms = [] if part.strip() == "0" else [term.strip() for term in part.split("+")]
            matches = [_TERM.fullmatch(term) for term in terms]
            for term, match in zip(terms, matches, strict=True):
                if match is None:
                    self.problem(f"{describe(term)} is no term of an axis such as `2*z+r`", path)
            axes.append(tuple((match[2], int(match[1] or 1)) for match in matches if match))
        return tuple(axes)

    def nodes(self, row: Data, path: KeyPath) -> list[Node]:
        """The stores or the loop of one row of a nest."""
        if not isinstance(row, dict) or ("store" in row) == ("loop" in row):
            hint = "a node is `{store: MEMORY, roles: [..]}` or `{loop: DIM, tile: T}`"
            self.problem(f"expected a `store` or a `loop`, not {describe(row)}", path, hint)
            return []
        if "store" in row:
            if set(row) != set(_STORE_KEYS):
                self.record(row, path, _STORE_KEYS)
                return []
            memory = self.text(row["store"], (*path, "store"))
            roles = self.items(row["roles"], (*path, "roles"))
            return [Store(memory, self.role(role, (*path, "roles", i))) for i, role in enumerate(roles)]
        optional = () if "fanout" in row or "axis" in row else _LOOP_KEYS[2:]
        known = len(self.problems)
        data = self.record(row, path, _LOOP_KEYS, optional=optional)
        if len(self.problems) > known:
            return []
        tile = self.whole(data["tile"], (*path, "tile"))
        names = [self.text(data[key], (*path, key)) for key in ("loop", "fanout", "axis") if key in data]
        if "" in names:
            self.problem("a loop has an empty name", path)
            return []
        return [Loop(names[0], tile, *names[1:])]

    # --- values ------------------------------------------------------------------------------------------

    def record(
        self, value: Data, path: KeyPath, keys: tuple[str, ...] = (), *, optional: tuple[str, ...] = ()
    ) -> dict[str, Data]:
        """A mapping with these keys; with any keys if none are given."""
        if not isinstance(value, dict):
            self.problem(f"expected keys and values, not {describe(value)}", path)
            return {}
        for key in value:
            if keys and key not in keys:
                self.problem(f"unknown key{nearest(key, keys)}", (*path, key), f"keys: {', '.join(keys)}")
        for key in keys:
            if key not in value and key not in optional:
                self.problem(f"key `{key}` is missing", path)
        return value

    def items(self, value: Data, path: KeyPath) -> list[Data]:
        if isinstance(value, list):
            return value
        self.problem(f"expected a list, not {describe(value)}", path)
        return []

    def text(self, value: Data, path: KeyPath) -> str:
        if not isinstance(value, str):
            self.problem(f"expected text, not {describe(value)}", path)
        return str(value)

    def whole(self, value: Data, path: KeyPath) -> int:
        if type(value) is int and value >= 1:
            return value
        self.problem(f"expected a whole number above 0, not {describe(value)}", path)
        return 1

    def role(self, value: Data, path: KeyPath) -> str:
        if value in ROLES:
            return str(value)
        self.problem(
            f"unknown role {describe(value)}{nearest(value, ROLES)}", path, f"roles: {', '.join(ROLES)}"
        )
        return ROLES[0]

    def dtype(self, value: Data, path: KeyPath) -> DType:
        known = [str(dtype) for dtype in DType]
        if value in known:
            return DType(value)
        self.problem(f"unknown element type {describe(value)}{nearest(value, known)}", path)
        return DType.INT8

    def problem(self, message: str, path: KeyPath, hint: str = "") -> None:
        self.problems.append(self.document.problem(message, path, hint))

    def stop(self) -> None:
        if self.problems:
            fail(self.document.file, self.problems)
