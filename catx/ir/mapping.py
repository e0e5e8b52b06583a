"""Mapping: one loop nest with storage nodes, outermost first."""

from dataclasses import dataclass

from catx.arguments import shown
from catx.errors import MappingError
from catx.ir.checks import is_count
from catx.ir.einsum import ROLES


@dataclass(frozen=True, slots=True)
class Loop:
    """Splits the current extent of `dim` into tiles of size `tile`; the last one may be smaller.

    Temporal by default. A spatial loop names the fanout and the axis along which its tiles lie side by side.
    """

    dim: str
    tile: int
    fanout: str = ""
    axis: str = ""

    def __post_init__(self) -> None:
        if not is_count(self.tile):
            raise MappingError(
                f"loop over {self.dim}: tile must be a whole number above 0, not {self.tile!r}"
            )
        if bool(self.fanout) != bool(self.axis):
            raise MappingError(
                f"loop over {self.dim}: it names fanout {self.fanout!r} and axis {self.axis!r}",
                hint="a spatial loop names both, a temporal one neither",
            )

    @property
    def spatial(self) -> bool:
        """Whether the tiles lie side by side on a fanout."""
        return bool(self.fanout)

    def __str__(self) -> str:
        """The loop as mapping.yaml has it."""
        place = f", fanout: {self.fanout}, axis: {self.axis}" if self.spatial else ""
        return f"{{loop: {self.dim}, tile: {self.tile}{place}}}"


@dataclass(frozen=True, slots=True)
class Store:
    """From here inwards, `memory` holds the current tile of the tensor with this role."""

    memory: str
    role: str

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise MappingError(
                f"store in {self.memory}: the role must be one of {', '.join(ROLES)}, not {shown(self.role)}"
            )

    def __str__(self) -> str:
        """The store as mapping.yaml has it, if it stands alone."""
        return f"{{store: {self.memory}, roles: [{self.role}]}}"


Node = Loop | Store


@dataclass(frozen=True, slots=True)
class Mapping:
    """The loop nest of one einsum on one accelerator. `costmodel.legality` says whether it is legal there."""

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        if not self.nodes:
            raise MappingError(
                "a mapping without nodes",
                hint="it begins with the outermost memory's stores of input, weight and output",
            )
        stores: set[Store] = set()
        for index, node in enumerate(self.nodes):
            if isinstance(node, Loop):
                continue
            if not isinstance(node, Store):
                raise MappingError(f"expected a Loop or a Store, not {shown(node)}", node=index)
            if node in stores:
                raise MappingError(f"{node}: {node.memory} stores the {node.role} already", node=index)
            stores.add(node)
