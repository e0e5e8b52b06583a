"""Einsum: any equation, as contractions of two operands, reductions and relabelled views."""

import re
from collections.abc import Sequence

import numpy as np

from catx.errors import Loc, ModelError
from catx.frontend.onnx.lower.build import contraction, vector
from catx.frontend.onnx.lower.node import Array, Lowered, Node, ax, operand
from catx.frontend.onnx.lower.registry import rule
from catx.ir.einsum import Einsum
from catx.ir.graph import Op
from catx.ir.operand import Operand
from catx.ir.tensor import Tensor

ELLIPSIS = "..."


def labels_of(
    equation: str, shapes: Sequence[tuple[int, ...]], loc: Loc
) -> tuple[list[list[str]], list[str]]:
    """Labels of every input and of the output; an ellipsis becomes labels `...0`, aligned at the right."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    valid = re.compile(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*")
    if len(terms) != len(shapes) or not all(valid.fullmatch(term) for term in (*terms, right)):
        raise ModelError(f"equation {equation!r} does not fit {len(shapes)} inputs", loc=loc)
    spans = [len(shape) - len(term.replace(ELLIPSIS, "")) for term, shape in zip(terms, shapes, strict=True)]
    for term, span in zip(terms, spans, strict=True):
        if span < 0 or (span and ELLIPSIS not in term):
            raise ModelError(f"term {term!r} of {equation!r} does not fit its input's rank", loc=loc)
    widest = max((span for term, span in zip(terms, spans, strict=True) if ELLIPSIS in term), default=0)

    def labels(term: str, span: int) -> list[str]:
        before, dots, after = term.partition(ELLIPSIS)
        rest = [f"...{i}" for i in range(widest - span, widest)] if dots else []
        return [*before, *rest, *after]

    inputs = [labels(term, span) for term, span in zip(terms, spans, strict=True)]
    if arrow:
        output = labels(right, widest)
    else:
        flat = [label for term in inputs for label in term]
        once = sorted(label for label in set(flat) if flat.count(label) == 1 and len(label) == 1)
        output = [f"...{i}" for i in range(widest)] + once
    if len(set(output)) != len(output) or not set(output) <= {label for term in inputs for label in term}:
        raise ModelError(f"the output of equation {equation!r} is no selection of its inputs", loc=loc)
    return inputs, output


@rule("Einsum")
def einsum(node: Node) -> Lowered:
    """Contractions in the order that numpy.einsum_path finds; a single operand is reduced or relabelled."""
    arrays: list[Array] = [*node.given()]
    inputs, output = labels_of(node.text("equation", ""), [array.shape for array in arrays], node.loc)
    extents: dict[str, int] = {}
    for labels, array in zip(inputs, arrays, strict=True):
        for label, extent in zip(labels, array.shape, strict=True):
            known = extents.setdefault(label, extent)
            if 1 not in (known, extent) and known != extent:
                raise ModelError(f"label {label!r} stands for extents {known} and {extent}", loc=node.loc)
            extents[label] = max(known, extent)
    if len(arrays) == 1:
        return single(node, arrays[0], inputs[0], output, extents)
    return pairwise(node, arrays, inputs, output, extents)


def single(
    node: Node, array: Array, labels: list[str], output: list[str], extents: dict[str, int]
) -> Lowered:
    """One operand: a sum over what the output lacks, a transpose, or a diagonal."""
    dims = {label: extents[label] for label in dict.fromkeys(labels)}
    read = operand(array, *_axes(array, labels))
    write = operand(node.out(), *ax(*output))
    if reduced := [label for label in dims if label not in output]:
        return Lowered(ops=(vector(node, "reduce_sum", dims, [read], [write], reduced=reduced),))
    if labels == output:
        return node.view(node.value(0), "same data under another name", node.layout(array.name))
    if len(set(labels)) < len(labels):
        return Lowered(ops=(vector(node, "gather", dims, [read], [write]),))
    return Lowered(ops=(vector(node, "transpose", dims, [read], [write]),))


def pairwise(
    node: Node,
    arrays: list[Array],
    terms: list[list[str]],
    output: list[str],
    extents: dict[str, int],
) -> Lowered:
    """Contract two operands at a time; results between are tensors of this node."""
    ops: list[Op] = []
    temps: list[Tensor] = []
    arrays, terms = list(arrays), list(terms)
    for step, pair in enumerate(_order(arrays, terms, output)):
        last = len(arrays) == 2
        picked = sorted(pair, reverse=True)
        chosen = [(arrays.pop(i), terms.pop(i)) for i in picked][::-1]
        later = {label for term in terms for label in term} | set(output)
        result = output if last else [x for x in dict.fromkeys(chosen[0][1] + chosen[1][1]) if x in later]
        out: Array = node.out()
        if not last:
            temps.append(node.temp(f"{step}.out", tuple(extents[x] for x in result), node.out().dtype))
            out = temps[-1]
        ops.append(_pair(node, chosen, out, result, extents, "" if last else str(step)))
        arrays.append(out)
        terms.append(result)
    return Lowered(ops=tuple(ops), tensors=tuple(temps))


def _pair(
    node: Node,
    factors: Sequence[tuple[Array, list[str]]],
    out: Array,
    result: list[str],
    extents: dict[str, int],
    part: str,
) -> Einsum:
    """The einsum of two operands; dims are named after what they index (b, m, n, k)."""
    (a, a_labels), (b, b_labels) = factors
    in_a, in_b, kept = _present(a, a_labels), _present(b, b_labels), set(result)
    roles = {"b": in_a & in_b & kept, "m": (in_a - in_b) & kept, "n": (in_b - in_a) & kept}
    roles["k"] = (in_a | in_b) - kept
    names: dict[str, str] = {}
    order = list(dict.fromkeys(a_labels + b_labels))
    for role, members in roles.items():
        named = [label for label in order if label in members]
        names |= {label: role if len(named) == 1 else f"{role}{i}" for i, label in enumerate(named)}
    dims = {name: extents[label] for label, name in names.items()}

    def read(array: Array, labels: list[str]) -> Operand:
        seen: set[str] = set()
        axes = []
        for label, extent in zip(labels, array.shape, strict=True):
            axes.append(() if extent == 1 or label in seen else ((names[label], 1),))
            seen.add(label)
        return operand(array, *axes)

    write = operand(out, *(((names[x], 1),) if x in names else () for x in result))
    return contraction(node, dims, (read(a, a_labels), read(b, b_labels)), write, part=part)


def _present(array: Array, labels: list[str]) -> set[str]:
    """Labels along which an operand is not broadcast."""
    return {label for label, extent in zip(labels, array.shape, strict=True) if extent != 1}


def _axes(array: Array, labels: list[str]) -> tuple[tuple[tuple[str, int], ...], ...]:
    """Axes of an operand: a label that repeats walks along a diagonal, which is one axis."""
    return tuple(((label, 1),) if label not in labels[:i] else () for i, label in enumerate(labels))


def _order(arrays: Sequence[Array], terms: Sequence[list[str]], output: list[str]) -> list[tuple[int, int]]:
    """Pairs of positions in numpy's contraction order; a result goes to the end.

    Where no pair saves work, numpy has one step of several operands: they are taken from the left.
    """
    if len(arrays) == 2:
        return [(0, 1)]
    letters: dict[str, str] = {}
    for term in terms:
        for label in term:
            letters.setdefault(label, chr(ord("A") + len(letters) + (6 if len(letters) >= 26 else 0)))
    equation = ",".join("".join(letters[x] for x in term) for term in terms)
    equation += "->" + "".join(letters[x] for x in output)
    views = [np.broadcast_to(np.float32(0), array.shape) for array in arrays]
    path, _ = np.einsum_path(equation, *views, optimize="greedy")
    steps: list[tuple[int, int]] = []
    left = len(arrays)
    for step in path[1:]:
        places = sorted(step)
        while len(places) > 1:
            first, second, *others = places
            steps.append((first, second))
            left -= 1
            places = [p - (p > first) - (p > second) for p in others] + ([left - 1] if others else [])
    return steps
