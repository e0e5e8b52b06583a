"""ResolvedModel: an ONNX graph whose every shape, element type and shape-arithmetic value is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

from catx.errors import Loc
from catx.ir.dtype import DType
from catx.ir.graph import FreeNode
from catx.ir.held import Held

ValueKind = Literal["input", "initializer", "constant", "computed"]


@dataclass(frozen=True, slots=True)
class Value:
    """A named tensor of the model: concrete shape, element type, and its data where it is known and small.

    `kind` is "input" (the user gives it), "initializer" (a weight, data known only if small and shipped),
    "constant" (folded: `data` is known) or "computed". `held` says which numbers of the file a constant has;
    None: the file holds it as it is.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    kind: ValueKind
    data: NDArray[Any] | None = field(default=None, compare=False)
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class ResolvedNode:
    """One node that survives folding. A missing optional input or output is an empty string.

    `attributes` holds Python values (int, float, str, lists of them, numpy arrays for tensors).
    `opset` is the version of the node's domain; the default domain is "". `captures` are tensors that the
    graphs in its attributes (loop body, branches) take from outside or hold themselves.
    """

    name: str
    op_type: str
    domain: str
    opset: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    loc: Loc
    captures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """Nodes in topological order, values by name, and the nodes that folding made free."""

    name: str
    file: str
    sha256: str
    nodes: tuple[ResolvedNode, ...]
    values: Mapping[str, Value]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    folded: tuple[FreeNode, ...]
    notes: tuple[str, ...] = ()
