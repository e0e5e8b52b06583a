"""A node at the moment when it is resolved, with everything that is known about its inputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from onnx import NodeProto, TypeProto

from catx.errors import Loc, ModelError


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A node, its attributes, and the type, shape and (where it is known) value of each input.

    They stand by position; None for a missing optional input, and for data that is not known.
    `version` is the opset of the node's domain.
    """

    node: NodeProto
    version: int
    attributes: Mapping[str, Any]
    types: tuple[TypeProto | None, ...]
    shapes: tuple[tuple[int, ...] | None, ...]
    data: tuple[NDArray[Any] | None, ...]
    loc: Loc

    @property
    def op(self) -> str:
        """The operator."""
        return self.node.op_type

    def type_at(self, index: int) -> TypeProto | None:
        """Type of an input; None if it is missing."""
        return self.types[index] if index < len(self.types) else None

    def shape_at(self, index: int) -> tuple[int, ...] | None:
        """Shape of an input; None if it is missing."""
        return self.shapes[index] if index < len(self.shapes) else None

    def data_at(self, index: int) -> NDArray[Any] | None:
        """Value of an input; None if it is missing or not known."""
        return self.data[index] if index < len(self.data) else None

    def as_standard(
        self, op: str, places: Sequence[int], version: int, keep: Callable[[str], bool]
    ) -> "Call":
        """The call with a standard operator in place of its own, on some of its inputs, for its first output.

        Args:
            op: the standard operator.
            places: which inputs it takes.
            version: its opset.
            keep: which attributes it takes.
        """
        node = NodeProto(op_type=op, name=self.node.name, output=self.node.output[:1])
        node.input.extend(self.node.input[index] for index in places)
        node.attribute.extend(attribute for attribute in self.node.attribute if keep(attribute.name))
        return Call(
            node,
            version,
            {name: value for name, value in self.attributes.items() if keep(name)},
            tuple(self.types[index] for index in places),
            tuple(self.shapes[index] for index in places),
            tuple(self.data[index] for index in places),
            self.loc,
        )

    def error(self, message: str, hint: str = "") -> ModelError:
        """An error at this node that begins with its operator."""
        return ModelError(f"{self.op}: {message}", loc=self.loc, hint=hint)
