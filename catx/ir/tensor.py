"""Tensor: a named array of the graph, without its values."""

from dataclasses import dataclass
from math import prod
from typing import Literal

from catx.errors import GraphError
from catx.ir.dtype import DType
from catx.ir.held import Held

TensorKind = Literal["input", "weight", "activation", "output"]


@dataclass(frozen=True, slots=True)
class Tensor:
    """Name, shape, element type, and what the tensor is to the graph.

    `held` says of a weight which numbers of the model's file it has; None: the file holds it as it is.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    kind: TensorKind
    held: Held | None = None

    def __post_init__(self) -> None:
        if bad := [extent for extent in self.shape if extent < 0]:
            raise GraphError(f"tensor {self.name!r} has negative extents {bad}")

    @property
    def elements(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def holds(self) -> Held:
        """Which numbers of the model's file it has, if it is a weight."""
        return self.held or Held(self.name, self.elements)

    @property
    def size_bytes(self) -> float:
        """Size in memory at the real bit width [byte]."""
        return self.elements * self.dtype.bits / 8
