"""Pattern of a gelu written out, by erf or by tanh.

What stands in the function is followed as a polynomial of x whose coefficients are products of known numbers.
The numbers themselves are no operands, so they have no values here; each is known by the op that multiplies
with it. An erf needs c x, a tanh c (x + d x^3) in any order of the products: anything else is no gelu.
"""

from catx.ir.graph import Op
from catx.ir.operand import Operand
from catx.ir.passes.pattern import Finder, Match, is_plain, is_unary, merged, same_box
from catx.ir.vector_op import VectorOp

Polynomial = dict[int, frozenset[str]]
"""By power of x, the scales (names of their ops) that its coefficient is a product of."""

_INNER = ("mul", "square", "cube", "add")
_LONGEST = 10


def match_gelu(find: Finder, anchor: Op) -> Match | None:
    """Match 0.5 x (1 + erf(x / sqrt 2)), or its approximation by tanh, in any order of the products."""
    if not isinstance(anchor, VectorOp) or anchor.kind not in ("erf", "tanh") or not is_plain(anchor):
        return None
    plus = find.reader(anchor.outputs[0].tensor, "add")
    if plus is None or not is_unary(plus):
        return None
    for x, after in _products(find, plus):
        before: dict[str, VectorOp] = {}
        inside = _polynomial(find, anchor.inputs[0].tensor, x.tensor, before)
        if inside is None or not _is_gelu(anchor.kind, inside) or not same_box(anchor, after[-1], x):
            continue
        parts = list({part.name: part for part in (*before.values(), anchor, *after)}.values())
        if find.private(parts):
            return merged(parts, "Gelu", "gelu", [x])
    return None


def _products(find: Finder, plus: VectorOp) -> list[tuple[Operand, list[VectorOp]]]:
    """What x may be, and the ops from the sum on, in which x and a half are multiplied with it."""
    halved = find.reader(plus.outputs[0].tensor, "mul")
    if halved is not None and is_unary(halved):
        product = find.reader(halved.outputs[0].tensor, "mul")
        other = _other(product, halved)
        return [] if product is None or other is None else [(other, [plus, halved, product])]
    product, other = halved, _other(halved, plus)
    if product is None or other is None:
        return []
    found: list[tuple[Operand, list[VectorOp]]] = []
    half = find.writer(other.tensor, "mul")
    if half is not None and is_unary(half):
        found.append((half.inputs[0], [half, plus, product]))
    last = find.reader(product.outputs[0].tensor, "mul")
    if last is not None and is_unary(last):
        found.append((other, [plus, product, last]))
    return found


def _other(product: VectorOp | None, part: VectorOp) -> Operand | None:
    """The factor of a product of two that `part` did not make."""
    if product is None or len(product.inputs) != 2:
        return None
    return next((o for o in product.inputs if o.tensor != part.outputs[0].tensor), None)


def _is_gelu(function: str, inside: Polynomial) -> bool:
    """Whether a polynomial is c x (erf), or c x + d x^3 where the cube has a scale of its own (tanh)."""
    if function == "erf":
        return inside.keys() == {1} and len(inside[1]) == 1
    return inside.keys() == {1, 3} and bool(inside[1]) and not inside[3] <= inside[1]


def _polynomial(find: Finder, tensor: str, x: str, found: dict[str, VectorOp]) -> Polynomial | None:
    """What a tensor is as a polynomial of x, or None where there is more to it; `found` gets its ops."""
    if tensor == x:
        return {1: frozenset()}
    op = find.writer(tensor, *_INNER)
    if op is None or (op.name not in found and len(found) >= _LONGEST):
        return None
    found[op.name] = op
    terms: list[Polynomial] = []
    for operand in op.inputs:
        term = _polynomial(find, operand.tensor, x, found)
        if term is None:
            return None
        terms.append(term)
    if op.kind in ("square", "cube"):
        terms *= {"square": 2, "cube": 3}[op.kind]
    elif len(terms) == 1:
        terms.append({0: frozenset((op.name,)) if op.kind == "mul" else frozenset()})
    result, *others = terms
    for other in others:
        result = _sum(result, other) if op.kind == "add" else _product(result, other)
    return result


def _sum(first: Polynomial, second: Polynomial) -> Polynomial:
    return {power: first.get(power, frozenset()) | second.get(power, frozenset()) for power in first | second}


def _product(first: Polynomial, second: Polynomial) -> Polynomial:
    result: Polynomial = {}
    for a, its in first.items():
        for b, other in second.items():
            result[a + b] = result.get(a + b, frozenset()) | its | other
    return result
