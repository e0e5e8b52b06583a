import re
from collections import Counter
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.errors import GraphError
from catx.ir.blueprint import Bill, Blueprint, Drawing
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph
from catx.ir.operand import Operand, plain_axes
from catx.ir.primes import primes_beside
from catx.ir.tensor import Tensor
from catx.ir.vector_op import VectorOp

FP32 = DType.FP32
DEEP, WIDE = {"width": 11, "ffn": 13}, {"width": 17, "ffn": 19}


def linear(name: str, source: str, rows: int, inner: int, outer: int) -> tuple[Einsum, list[Tensor]]:
    """y = x w with a bias that is fused, and the tensors that it brings."""
    bias = VectorOp(
        name=f"{name}_bias",
        op="Add",
        kind="add",
        dims=(("m", rows), ("n", outer)),
        inputs=(
            Operand(f"{name}_y", plain_axes("m", "n"), FP32),
            Operand(f"{name}_b", plain_axes("n"), FP32),
        ),
        outputs=(Operand(f"{name}_z", plain_axes("m", "n"), FP32),),
    )
    op = Einsum(
        name=name,
        op="Gemm",
        dims=(("m", rows), ("n", outer), ("k", inner)),
        inputs=(
            Operand(source, plain_axes("m", "k"), FP32),
            Operand(f"{name}_w", plain_axes("k", "n"), FP32),
        ),
        output=Operand(f"{name}_y", plain_axes("m", "n"), FP32),
        fused=(bias,),
    )
    tensors = [
        Tensor(f"{name}_w", (inner, outer), FP32, "weight"),
        Tensor(f"{name}_b", (outer,), FP32, "weight"),
        Tensor(f"{name}_y", (rows, outer), FP32, "activation"),
        Tensor(f"{name}_z", (rows, outer), FP32, "activation"),
    ]
    return op, tensors


def mlp(layers: int, width: int, ffn: int, *, odd: int = 0, more: int = 0) -> Graph:
    """A stack of two linear layers each, 4 rows, and a head of 10; `odd` layers are twice as wide inside."""
    tensors, ops, source = [Tensor("x", (4, width), FP32, "input")], [], "x"
    for at in range(layers):
        inside = ffn * (2 if odd and at % 2 else 1) + more
        for name, inner, outer in ((f"up{at}", width, inside), (f"down{at}", inside, width)):
            op, brought = linear(name, source, 4, inner, outer)
            ops.append(op)
            tensors += brought
            source = f"{name}_z"
    op, brought = linear("head", source, 4, width, 10)
    return Graph(
        name="mlp",
        tensors=(*tensors, *brought),
        ops=(*ops, op),
        inputs=("x",),
        outputs=("head_z",),
    )


def blueprint(**changes: int) -> Blueprint:
    return Blueprint(
        "mlp",
        [Drawing(mlp(n, **sizes, **changes), n, sizes) for n, sizes in ((1, DEEP), (2, DEEP), (3, WIDE))],
    )


@settings(deadline=None)
@given(layers=st.integers(1, 9), width=st.integers(1, 300), ffn=st.integers(1, 300))
def test_a_blueprint_has_the_ops_of_every_size(layers: int, width: int, ffn: int) -> None:
    graph = mlp(layers, width, ffn)
    bill = blueprint().bill(layers, {"width": width, "ffn": ffn})
    assert bill == Bill.of(graph)
    assert sum(op.macs * count for op, count in bill.ops.items()) == graph.macs
    assert sum(elements * count for (elements, _), count in bill.parameters.items()) == graph.parameters


def test_a_blueprint_that_was_used_has_the_same_ops() -> None:
    used, sizes = blueprint(), (3, 8, 300)
    for layers, width, ffn in product((1, 4), sizes, sizes):
        assert used.bill(layers, {"width": width, "ffn": ffn}) == Bill.of(mlp(layers, width, ffn))


def test_ops_that_become_equal_are_counted_together() -> None:
    bill = blueprint().bill(3, {"width": 8, "ffn": 8})
    assert sorted(bill.ops.values()) == [1, 6]
    assert bill.parameters == Counter({(64, 32): 6, (8, 32): 6, (80, 32): 1, (10, 32): 1})


def test_layers_that_differ_are_refused() -> None:
    with pytest.raises(GraphError, match="of 3 layers does not follow from those of 1 and 2: Gemm"):
        blueprint(odd=1)


def test_numbers_that_are_no_products_are_refused() -> None:
    with pytest.raises(GraphError, match="does not follow"):
        blueprint(more=1)


def test_drawings_and_sizes_that_do_not_fit() -> None:
    with pytest.raises(GraphError, match="graphs of 1, 2 and 3 layers"):
        Blueprint("mlp", [Drawing(mlp(n, **DEEP), n, DEEP) for n in (1, 3, 2)])
    with pytest.raises(GraphError, match=re.escape("the sizes are width, ffn, not width")):
        blueprint().bill(1, {"width": 3})


@settings(deadline=None)
@given(st.sets(st.integers(1, 10_000), max_size=8), st.integers(1, 8))
def test_primes(numbers: set[int], many: int) -> None:
    found = primes_beside(numbers, many)
    assert len(set(found)) == many
    assert all(prime >= 11 and all(prime % d for d in range(2, prime)) for prime in found)
    assert all(number % prime for number in numbers for prime in found)
