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


@dataclass(frozen=True, slots=True)
class Store:
    """From here inwards, `memory` holds the current tile of the tensor with this role."""

    memory: str
    role: str


Node = Loop | Store


@dataclass(frozen=True, slots=True)
class Mapping:
    """The loop nest of one einsum on one accelerator. `costmodel.legality` says whether it is legal there."""

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        stores = [node for node in self.nodes if isinstance(node, Store)]
        if len(set(stores)) != len(stores):
            raise MappingError("a memory stores the same tensor twice")
        if bad := [node for node in self.nodes if isinstance(node, Loop) and node.tile < 1]:
            raise MappingError(f"tile sizes below 1: {bad}")
