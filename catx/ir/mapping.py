"""Mapping: one loop nest with storage nodes, outermost first."""

from dataclasses import dataclass

from catx.errors import MappingError


@dataclass(frozen=True, slots=True)
class Loop:
    """Splits the current extent of `dim` into tiles of size `tile`; the last one may be smaller.

    Temporal by default. A spatial loop names the fanout and the axis along which its tiles lie side by side.
    """

    dim: str
    tile: int
    fanout: str = ""
    axis: str = ""

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

    def __str__(self) -> str:
        """The store as mapping.yaml has it, if it stands alone."""
        return f"{{store: {self.memory}, roles: [{self.role}]}}"


Node = Loop | Store


@dataclass(frozen=True, slots=True)
class Mapping:
    """The loop nest of one einsum on one accelerator. `costmodel.legality` says whether it is legal there."""

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        stores: set[Store] = set()
        for index, node in enumerate(self.nodes):
            if isinstance(node, Loop):
                if node.tile < 1:
                    raise MappingError(f"{node}: the tile must be at least 1", node=index)
                continue
            if node in stores:
                raise MappingError(f"{node}: {node.memory} stores the {node.role} already", node=index)
            stores.add(node)
