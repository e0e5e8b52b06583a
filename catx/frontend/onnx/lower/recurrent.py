"""LSTM, GRU and RNN: one einsum for the inputs of all steps, and the ops of one step, repeated.

The projection of the inputs depends on no state: all steps (and both directions) are rows of one product.
What depends on the state runs once per step: its ops carry `repeat` = number of steps. Two directions walk
at the same time, so they are a batch dim of the step's einsum.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from catx.errors import ModelError
from catx.frontend.onnx.lower.activation import activation_kind
from catx.frontend.onnx.lower.build import contraction, elementwise, vector
from catx.frontend.onnx.lower.node import Array, Lowered, Node, ax, operand
from catx.frontend.onnx.lower.norm import reduction
from catx.frontend.onnx.lower.registry import MICROSOFT, rule
from catx.ir.dtype import DType
from catx.ir.graph import Op
from catx.ir.tensor import Tensor

GATES = {"LSTM": 4, "DynamicQuantizeLSTM": 4, "GRU": 3, "RNN": 1}
ACTIVATIONS = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}


@dataclass(slots=True)
class Cell:
    """The ops of a recurrent layer under construction; sizes of one step."""

    node: Node
    steps: int
    directions: int
    batch: int
    inputs: int
    hidden: int
    quantized: bool
    ops: list[Op] = field(default_factory=list)
    temps: list[Tensor] = field(default_factory=list)
    views: list[tuple[str, str]] = field(default_factory=list)

    def temp(self, part: str, width: int, dtype: DType | None = None) -> Tensor:
        """A tensor of one step."""
        shape = (self.directions, self.batch, width)
        self.temps.append(self.node.temp(part, shape, dtype or self.node.value(0).dtype))
        return self.temps[-1]

    def each(
        self, kind: str, part: str, reads: Sequence[Array], width: int, out: Array | None = None
    ) -> Array:
        """An elementwise op of every step over `width` units; its inputs may be slices of wider tensors.

        Weights have no axis of the batch.
        """
        dims = {"b": self.directions, "m": self.batch, "h": width}
        result = out or self.temp(f"{part}.out", width)
        own = [array for array in reads if not self.node.immediate(array)]
        axes = [ax("b", "h") if len(array.shape) == 2 else ax("b", "m", "h") for array in own]
        op = vector(
            self.node,
            kind,
            dims,
            [operand(array, *its) for array, its in zip(own, axes, strict=True)],
            [operand(result, *ax("b", "m", "h"))],
            part=part,
            repeat=self.steps,
        )
        self.ops.append(op)
        return result

    def peep(self, state: Array, weights: Array) -> Array:
        """Products of the state and the weights of the three gates that see it: each unit is read once."""
        dims = {"b": self.directions, "m": self.batch, "h": self.hidden, "g": 3}
        out = self.temp("peephole.product.out", 3 * self.hidden)
        units = (("g", self.hidden), ("h", 1))
        reads = [operand(state, *ax("b", "m", "h")), operand(weights, *ax("b"), units)]
        write = operand(out, *ax("b", "m"), units)
        part = "peephole.product"
        self.ops.append(vector(self.node, "mul", dims, reads, [write], part=part, repeat=self.steps))
        return out

    def project(self, part: str, state: Array, weights: Array, width: int) -> Array:
        """Product of state and weights of every step; a dynamically quantized state is converted first."""
        raw = state
        if self.quantized:
            raw = self.temp(f"{part}.integers", self.hidden, DType.UINT8)
            self.each("quantize", f"{part}.quantize", [state], self.hidden, raw)
        out = self.temp(f"{part}.out", width, DType.INT32 if self.quantized else None)
        dims = {"b": self.directions, "m": self.batch, "n": width, "k": self.hidden}
        order = ax("b", "k", "n") if self.quantized else ax("b", "n", "k")
        factors = (operand(raw, *ax("b", "m", "k")), operand(weights, *order))
        write = operand(out, *ax("b", "m", "n"))
        self.ops.append(contraction(self.node, dims, factors, write, part=part, repeat=self.steps))
        return self.each("dequantize", f"{part}.rescale", [out], width) if self.quantized else out

    def carried(self, part: str, initial: int) -> Tensor:
        """The state that a step reads; before the first step it is the node's initial state."""
        state = self.temp(part, self.hidden)
        if self.node.has(initial):
            self.views.append((state.name, self.node.value(initial).name))
        return state

    def result(self, part: str, *outputs: int) -> Array:
        """What a step writes: the first of the node's outputs that is read, or a tensor of one step.

        Later outputs are then views of it: the last step of a whole sequence.
        """
        read = [self.node.out(index) for index in outputs if self.node.wants(index)]
        if not read:
            return self.temp(part, self.hidden)
        self.views += [(other.name, read[0].name) for other in read[1:]]
        return read[0]

    def lowered(self) -> Lowered:
        """Everything that was made."""
        return Lowered(ops=tuple(self.ops), tensors=tuple(self.temps), views=tuple(self.views))


@rule("LSTM", "GRU", "RNN")
@rule("DynamicQuantizeLSTM", domain=MICROSOFT)
def recurrent(node: Node) -> Lowered:
    """A recurrent layer over a whole sequence, in one or both directions."""
    kind = node.raw.op_type
    cell = _sizes(node, GATES[kind])
    x = _input_projection(cell, GATES[kind])
    {"LSTM": _lstm, "DynamicQuantizeLSTM": _lstm, "GRU": _gru, "RNN": _rnn}[kind](cell, x)
    return cell.lowered()


def _sizes(node: Node, gates: int) -> Cell:
    """Sizes from shapes, checked against each other."""
    x, w, r = node.shape(0), node.shape(1), node.shape(2)
    quantized = node.raw.op_type == "DynamicQuantizeLSTM"
    if len(x) != 3 or len(w) != 3 or len(r) != 3:
        raise ModelError(
            f"X {list(x)}, W {list(w)} and R {list(r)} of {node.raw.op_type} must have 3 axes", loc=node.loc
        )
    steps, batch = (x[1], x[0]) if node.integer("layout", 0) else (x[0], x[1])
    inputs, hidden = (w[1], r[1]) if quantized else (w[2], r[2])
    wide = (w[2], r[2]) if quantized else (w[1], r[1])
    if inputs != x[2] or wide != (gates * hidden, gates * hidden) or w[0] != r[0]:
        expected = "W and R of as many directions, input size and hidden size, times the gates"
        raise ModelError(
            f"{node.raw.op_type} has X {list(x)}, W {list(w)}, R {list(r)}; expected {expected} ({gates})",
            loc=node.loc,
        )
    return Cell(node, steps, w[0], batch, inputs, hidden, quantized)


def _input_projection(cell: Cell, gates: int) -> Array:
    """Product of inputs and weights of all steps and gates, plus both biases, summed ahead of time."""
    node, width = cell.node, gates * cell.hidden
    x: Array = node.value(0)
    shape = (cell.steps, cell.batch, cell.directions, width)
    real = x.dtype
    if cell.quantized:
        factor = node.temp("x.scale", (), real)
        whole = node.temp("x.integers", x.shape, DType.UINT8)
        cell.temps += [factor, whole]
        cell.ops.append(reduction(node, "reduce_max", x, factor, [0, 1, 2], part="x.range"))
        cell.ops.append(elementwise(node, "quantize", [x, factor], whole, part="x.quantize"))
        x = whole
    raw = node.temp("x.raw", shape, DType.INT32 if cell.quantized else real)
    cell.temps.append(raw)
    dims = {"m0": cell.steps, "m1": cell.batch, "n0": cell.directions, "n1": width, "k": cell.inputs}
    rows = ax("m1", "m0") if node.integer("layout", 0) else ax("m0", "m1")
    columns = ax("n0", "k", "n1") if cell.quantized else ax("n0", "n1", "k")
    factors = (operand(x, *rows, *ax("k")), operand(node.value(1), *columns))
    cell.ops.append(contraction(node, dims, factors, operand(raw, *ax("m0", "m1", "n0", "n1")), part="x"))
    current = raw
    steps = [("dequantize", "x.rescale")] * cell.quantized + [("add", "x.bias")] * node.has(3)
    for kind, part in steps:
        reads = [operand(current, *ax("m0", "m1", "n0", "n1"))]
        reads += [operand(node.value(3), *ax("n0", "n1"))] if kind == "add" else []
        current = node.temp(f"{part}.out", shape, real)
        cell.temps.append(current)
        write = operand(current, *ax("m0", "m1", "n0", "n1"))
        box = {name: extent for name, extent in dims.items() if name != "k"}
        cell.ops.append(vector(node, kind, box, reads, [write], part=part))
    return current


def _activations(cell: Cell, kind: str) -> list[str]:
    """Kinds of the activation functions of one direction."""
    names = cell.node.texts("activations", ACTIVATIONS[kind])
    if len(names) < len(ACTIVATIONS[kind]):
        raise ModelError(f"{kind} needs {len(ACTIVATIONS[kind])} activations", loc=cell.node.loc)
    return [activation_kind(cell.node, name) for name in names[: len(ACTIVATIONS[kind])]]


def _lstm(cell: Cell, x: Array) -> None:
    """Gates i, o, f = s(x W + h R + b), cell c = f c + i g(x W + h R + b), state h = o tanh(c)."""
    node, hidden = cell.node, cell.hidden
    gate, candidate, output = _activations(cell, "LSTM")
    h, c = cell.carried("h", 5), cell.carried("c", 6)
    gates = cell.each(
        "add", "gates", [cell.project("h.product", h, node.value(2), 4 * hidden), x], 4 * hidden
    )
    inner, fresh = gates, gates
    if node.has(7):
        inner = cell.each("add", "peephole", [gates, cell.peep(c, node.value(7))], 3 * hidden)
    if node.number("clip", 0.0):
        separate = inner is not gates
        inner = cell.each("clip", "clip", [inner], (3 if separate else 4) * hidden)
        fresh = cell.each("clip", "candidate.clip", [gates], hidden) if separate else inner
    opened = cell.each(gate, "gate", [inner], 3 * hidden)
    new = cell.each(candidate, "candidate", [fresh], hidden)
    kept = cell.each("mul", "forget", [opened, c], hidden)
    added = cell.each("mul", "input", [opened, new], hidden)
    state = cell.each("add", "cell", [kept, added], hidden, cell.result("c.next", 2))
    shown = cell.each(output, "output", [state], hidden)
    cell.each("mul", "hidden", [opened, shown], hidden, cell.result("h.next", 0, 1))


def _gru(cell: Cell, x: Array) -> None:
    """Gates z, r = s(x W + h R), n = g(x W + r (h R)) or g(x W + (r h) R), state h = n + z (h - n)."""
    node, hidden = cell.node, cell.hidden
    gate, candidate = _activations(cell, "GRU")
    h = cell.carried("h", 5)
    before = bool(node.integer("linear_before_reset", 0))
    first = 3 * hidden if before else 2 * hidden
    product = cell.project("h.product", h, node.value(2), first)
    gates = cell.each("add", "gates", [product, x], 2 * hidden)
    opened = cell.each(gate, "gate", [gates], 2 * hidden)
    if before:
        inner = product
        if node.has(3):
            inner = cell.each("add", "reset.bias", [product, node.value(3)], hidden)
        reset = cell.each("mul", "reset", [opened, inner], hidden)
    else:
        held = cell.each("mul", "reset", [opened, h], hidden)
        reset = cell.project("reset.product", held, node.value(2), hidden)
    new = cell.each(candidate, "candidate", [cell.each("add", "new", [reset, x], hidden)], hidden)
    step = cell.each("sub", "change", [h, new], hidden)
    part = cell.each("mul", "update", [opened, step], hidden)
    cell.each("add", "hidden", [new, part], hidden, cell.result("h.next", 0, 1))


def _rnn(cell: Cell, x: Array) -> None:
    """New state h = f(x W + h R)."""
    (function,) = _activations(cell, "RNN")
    h = cell.carried("h", 5)
    total = cell.each(
        "add", "sum", [cell.project("h.product", h, cell.node.value(2), cell.hidden), x], cell.hidden
    )
    cell.each(function, "hidden", [total], cell.hidden, cell.result("h.next", 0, 1))
