"""Constraints: what a user fixes or bounds of the mappings that may be chosen."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from catx.errors import Loc

NOWHERE = Loc("<python>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Whole numbers from `least` to `most`; None: no limit."""

    least: int = 1
    most: int | None = None

    def __post_init__(self) -> None:
        top = self.least if self.most is None else self.most
        if self.least < 1 or top < self.least:
            raise ValueError(f"no whole number above 0 lies in {self}")

    def __contains__(self, value: int) -> bool:
        return self.least <= value and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        if self.most == self.least:
            return str(self.least)
        if self.most is None:
            return f"{self.least}.."
        return f"{self.least if self.least > 1 else ''}..{self.most}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Memory `memory` keeps a tensor (`kept`), or does not, where the accelerator leaves the choice."""

    memory: str
    role: str
    kept: bool
    loc: Loc = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        return f"{'keep' if self.kept else 'bypass'} {self.memory}: {self.role}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unroll:
    """How many instances along an axis of a fanout work on different parts of a dim; None: on any other dim.

    "Any other" are the dims that no other constraint names for that axis.
    """

    fanout: str
    axis: str
    dim: str | None
    factor: Range
    loc: Loc = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        return f"unroll {self.fanout}.{self.axis}: {{{self.dim or '*'}: {self.factor}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """The extent along a dim of the tile that a memory holds of a tensor.

    Without `role`: of each tensor that the memory keeps and that the dim indexes. Without `dim`: along all
    dims that no other constraint names for that memory and tensor.
    """

    memory: str
    role: str | None
    dim: str | None
    extent: Range
    loc: Loc = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        return f"tiles {_place(self.memory, self.role)}: {{{self.dim or '*'}: {self.extent}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The order, outermost first, of temporal loops inside a memory's tile of a tensor.

    It is that of the loops between the tile and the next tile further in of the same tensor, or the matrix
    unit; dims that are not named stand anywhere. Without `role`: of each tensor that the memory keeps, but
    for those with an order of their own.
    """

    memory: str
    role: str | None
    dims: tuple[str, ...]
    loc: Loc = field(default=NOWHERE, compare=False)

    def __str__(self) -> str:
        return f"order {_place(self.memory, self.role)}: [{', '.join(self.dims)}]"


Constraint = Keep | Unroll | Tile | Order

Constraints = tuple[Constraint, ...]
"""What holds for one einsum, all of it."""


@dataclass(frozen=True, slots=True)
class Block:
    """Constraints on the einsums whose name matches one of some patterns (`*` and `?` as in file names)."""

    patterns: tuple[str, ...]
    constraints: Constraints
    loc: Loc = field(default=NOWHERE, compare=False)

    def matches(self, name: str) -> bool:
        """Whether the block is about an einsum of this name."""
        return any(fnmatchcase(name, pattern) for pattern in self.patterns)


def dims_of(constraint: Constraint) -> tuple[str, ...]:
    """The dims that a constraint names."""
    if isinstance(constraint, Keep):
        return ()
    if isinstance(constraint, Order):
        return constraint.dims
    return () if constraint.dim is None else (constraint.dim,)


def _place(memory: str, role: str | None) -> str:
    return memory if role is None else f"{memory}.{role}"
