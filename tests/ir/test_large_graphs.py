"""Graphs of thousands of nodes: the work on them grows with their size, not with its square."""

from collections.abc import Callable

import pytest

from catx.frontend.onnx.resolved import ResolvedNode
from catx.ir import pipeline
from catx.ir.passes import fuse_elementwise
from catx.ir.passes.fuse_elementwise import _Search
from catx.ir.vector_op import VectorOp
from catx.ir.views import Holders, with_holders
from tests.frontend.resolved_models import Spec, accounted, lowered, model, node

N = 3000
X = (4, 4)


def chain(op_of: Callable[[int], str], inputs: str = "t{}", **attributes: object) -> list[ResolvedNode]:
    """Nodes t0 -> t1 -> ... -> tN."""
    return [
        node(op_of(i), inputs.format(i), f"t{i + 1}", **(attributes if op_of(i) == "Transpose" else {}))
        for i in range(N)
    ]


@pytest.mark.parametrize(
    ("nodes", "ops"),
    [
        (chain(lambda _: "Relu"), 1),
        (chain(lambda _: "Identity"), 0),
        (chain(lambda i: ("Softmax", "Identity", "Relu")[i % 3]), N // 3),
        (chain(lambda _: "Transpose", perm=[1, 0]), 1),
        (chain(lambda i: ("Softmax", "Transpose")[i % 2], perm=[1, 0]), N // 2),
        (chain(lambda _: "Add", "t{} t1"), 2),
    ],
    ids=["elementwise", "views", "rows", "transposes", "rows and transposes", "one tensor read by all"],
)
def test_chain_of_thousands(nodes: list[ResolvedNode], ops: int) -> None:
    tensors: dict[str, Spec] = {f"t{i}": X for i in range(N + 1)}
    resolved = model(nodes, tensors, f"t{N}")
    if nodes[0].inputs == ("t0", "t1"):
        nodes[0] = node("Relu", "t0", "t1")
        resolved = model(nodes, tensors, f"t{N}")
    graph = pipeline.run(lowered(nodes, tensors, f"t{N}"))
    accounted(graph, resolved)
    assert len(graph.ops) <= max(ops, 1)


def test_ops_are_looked_at_a_few_times_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether each result joins its reader, also where every second one has a late reader of its own."""
    looked = 0
    takes = _Search._takes

    def counted(self: _Search, op: VectorOp, tensor: str, size: int, repeat: int) -> bool:
        nonlocal looked
        looked += 1
        return takes(self, op, tensor, size, repeat)

    monkeypatch.setattr(_Search, "_takes", counted)
    nodes = chain(lambda _: "Relu")
    late = [node("Exp", f"t{i}", f"l{i}") for i in range(1, N, 2)]
    tensors: dict[str, Spec] = {f"t{i}": X for i in range(N + 1)} | {f"l{i}": X for i in range(N)}
    fuse_elementwise(lowered(nodes, tensors, f"t{N}"))
    assert looked < 4 * N
    looked = 0
    outputs = " ".join(name for each in late for name in each.outputs)
    fuse_elementwise(lowered([*nodes, *late], tensors, f"t{N} {outputs}"))
    assert looked < 20 * N


def test_holders_walk_a_chain_of_views_once() -> None:
    class Counted(dict[str, str]):
        reads = 0

        def __getitem__(self, key: str) -> str:
            self.reads += 1
            return super().__getitem__(key)

        def get(self, key: str, default: str | None = None) -> str | None:  # type: ignore[override]
            self.reads += 1
            return super().get(key, default)

    views = Counted({f"v{i + 1}": f"v{i}" for i in range(N)})
    holders = Holders({})
    holders._behind = views
    assert {holders.find(f"v{i}") for i in range(N, 0, -1)} == {"v0"}
    assert views.reads < 3 * N
    views = Counted({f"v{i + 1}": f"v{i}" for i in range(N)})
    assert len(with_holders([f"v{i}" for i in range(N, 0, -1)], views)) == N + 1
    assert views.reads < 3 * N
