"""What a constraint file may hold, and the constraints that it stands for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from pydantic.json_schema import JsonSchemaValue

from catx.errors import Loc
from catx.frontend.hardware.document import Document, describe
from catx.frontend.hardware.fields import Reader, Role
from catx.frontend.hardware.problems import KeyPath, fail
from catx.frontend.hardware.spec import Spec
from catx.frontend.hardware.validate import validate
from catx.ir.constraints import Block, Constraint, Keep, Order, Range, Tile, Unroll
from catx.ir.einsum import ROLES

_RANGE = re.compile(r"([0-9]{1,18})?\s*\.\.\s*([0-9]{1,18})?")
OTHERS = "*"
"""Stands for the dims that no other constraint names there."""


@dataclass(frozen=True)
class RangeField(Reader):
    """A whole number above 0, or two with dots between them, of which one may be left out."""

    @property
    def expected(self) -> str:
        """What to write, with examples."""
        return "a whole number above 0 or a range such as `16..64`, `..64` or `16..`"

    def _read(self, value: object) -> Range:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return Range(least=value, most=value)
        match = _RANGE.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None or not (match[1] or match[2]):
            raise ValueError(f"expected {self.expected}, not {describe(value)}")
        least, most = int(match[1] or 1), int(match[2]) if match[2] else None
        if least < 1 or (most is not None and most < least):
            raise ValueError(f"no whole number above 0 lies in {describe(value)}")
        return Range(least=least, most=most)

    def _schema(self) -> JsonSchemaValue:
        text = {"type": "string", "pattern": r"^([0-9]*\s*\.\.\s*[0-9]*)$"}
        return {"anyOf": [{"type": "integer", "minimum": 1}, text]}


_Ranges = dict[str, Annotated[Range, RangeField()]]


class BlockSpec(Spec):
    """Constraints on some layers."""

    layers: Annotated[list[str], Field(alias="for", min_length=1)] = Field(["*"])
    keep: dict[str, list[Role]] = Field({})
    bypass: dict[str, list[Role]] = Field({})
    unroll: dict[str, _Ranges] = Field({})
    tiles: dict[str, _Ranges] = Field({})
    order: dict[str, Annotated[list[str], Field(min_length=2)]] = Field({})


class ConstraintsSpec(Spec):
    """A constraint file."""

    constraints: Annotated[list[BlockSpec], Field(min_length=1)]


def blocks_of(document: Document) -> tuple[Block, ...]:
    """The blocks that a file describes.

    Raises:
        SpecError: listing everything that is wrong in the file.
    """
    spec = validate(ConstraintsSpec, document)
    problems = []
    for index, block in enumerate(spec.constraints):
        path: KeyPath = ("constraints", index)
        for name in block.unroll:
            if not all(name.rpartition(".")[::2]):
                hint = "for example `unroll: {array.column: {n: 16}}`"
                problems.append(document.problem("expected FANOUT.AXIS", (*path, "unroll", name), hint))
        for name, dims in block.order.items():
            if len(set(dims)) < len(dims):
                problems.append(document.problem("a dim stands twice", (*path, "order", name)))
        for key in ("keep", "bypass", "unroll", "tiles", "order"):
            for name, entries in getattr(block, key).items():
                if not entries:
                    problems.append(document.problem("nothing is constrained here", (*path, key, name)))
        if not any((block.keep, block.bypass, block.unroll, block.tiles, block.order)):
            hint = "keys: keep, bypass, unroll, tiles, order"
            problems.append(document.problem("this block constrains nothing", path, hint))
    if problems:
        fail(document.file, problems)
    return tuple(
        Block(
            tuple(block.layers),
            tuple(_constraints(block, document, ("constraints", index))),
            _loc(document, ("constraints", index)),
        )
        for index, block in enumerate(spec.constraints)
    )


def _constraints(block: BlockSpec, document: Document, path: KeyPath) -> Iterator[Constraint]:
    for kept, key, roles_by_memory in ((True, "keep", block.keep), (False, "bypass", block.bypass)):
        for memory, roles in roles_by_memory.items():
            for i, role in enumerate(roles):
                yield Keep(memory=memory, role=role, kept=kept, loc=_loc(document, (*path, key, memory, i)))
    for name, factors in block.unroll.items():
        fanout, _, axis = name.rpartition(".")
        for dim, factor in factors.items():
            loc = _loc(document, (*path, "unroll", name, dim))
            yield Unroll(fanout=fanout, axis=axis, dim=_dim(dim), factor=factor, loc=loc)
    for name, extents in block.tiles.items():
        memory, tensor = _memory_and_role(name)
        for dim, extent in extents.items():
            loc = _loc(document, (*path, "tiles", name, dim))
            yield Tile(memory=memory, role=tensor, dim=_dim(dim), extent=extent, loc=loc)
    for name, dims in block.order.items():
        memory, tensor = _memory_and_role(name)
        loc = _loc(document, (*path, "order", name))
        yield Order(memory=memory, role=tensor, dims=tuple(dims), loc=loc)


def _dim(name: str) -> str | None:
    return None if name == OTHERS else name


def _memory_and_role(name: str) -> tuple[str, str | None]:
    """`L2.weight` is a memory and a role, `L2` a memory."""
    memory, _, role = name.rpartition(".")
    return (memory, role) if memory and role in ROLES else (name, None)


def _loc(document: Document, path: KeyPath) -> Loc:
    return Loc(document.file, line=document.line(path))
