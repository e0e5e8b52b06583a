"""The graph as a graph: unique node names, single assignment, topological order, what is read at all."""

import heapq
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

from onnx import AttributeProto, GraphProto, NodeProto

from catx.errors import Loc, ModelError
from catx.frontend.onnx.names import shown


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A node, under the unique name that the reader gives it, and what it reads."""

    name: str
    node: NodeProto
    reads: tuple[str, ...]

    def loc(self, file: str) -> Loc:
        """The place of the node."""
        return Loc(file, self.name)


def named_steps(nodes: Iterable[NodeProto], taken: set[str], prefix: str = "") -> list[Step]:
    """Nodes with unique names: their own where they have one, else operator and index.

    Args:
        nodes: the nodes of one graph, in its order.
        taken: names that are in use; the new ones are added.
        prefix: goes before every name; for the nodes of a subgraph.
    """
    steps = []
    copies: dict[str, int] = {}
    for index, node in enumerate(nodes):
        name = base = prefix + (node.name or f"{node.op_type}_{index}")
        while name in taken:
            copies[base] = copies.get(base, 0) + 1
            name = f"{base}_{copies[base]}"
        taken.add(name)
        steps.append(Step(name, node, tuple(reads(node))))
    return steps


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    """Graphs in the attributes of a node."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == AttributeProto.GRAPHS:
            yield from attribute.graphs


def reads(node: NodeProto) -> list[str]:
    """Names that a node reads: its inputs, and what its subgraphs take from outside."""
    names = [name for name in node.input if name]
    for graph in subgraphs(node):
        names += captured(graph)
    return names


def captured(graph: GraphProto) -> list[str]:
    """Names that a subgraph reads from the graphs around it."""
    local = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    local |= {sparse.values.name for sparse in graph.sparse_initializer}
    names = []
    for node in graph.node:
        names += [name for name in reads(node) if name not in local]
        local.update(node.output)
    return names + [value.name for value in graph.output if value.name not in local]


def in_order(steps: Sequence[Step], given: Container[str], file: str) -> list[Step]:
    """The steps in topological order, as close to the given order as possible.

    Raises:
        ModelError: a name is written twice or never, or the graph has a cycle.
    """
    writer: dict[str, int] = {}
    for index, step in enumerate(steps):
        for name in filter(None, step.node.output):
            if name in given or name in writer:
                raise ModelError(
                    f"{shown(name)} is written twice, here by {step.node.op_type}", loc=step.loc(file)
                )
            writer[name] = index
    needs: list[set[int]] = []
    readers: list[list[int]] = [[] for _ in steps]
    for index, step in enumerate(steps):
        sources = set()
        for name in step.reads:
            if name in writer:
                sources.add(writer[name])
            elif name not in given:
                raise ModelError(
                    f"{step.node.op_type} reads {shown(name)}, which nothing writes", loc=step.loc(file)
                )
        needs.append(sources)
        for source in sources:
            readers[source].append(index)
    return [steps[index] for index in _sorted_indices(steps, needs, readers, file)]


def _sorted_indices(
    steps: Sequence[Step], needs: Sequence[set[int]], readers: Sequence[Sequence[int]], file: str
) -> list[int]:
    waiting = [len(sources) for sources in needs]
    ready = [index for index, count in enumerate(waiting) if not count]
    order = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for reader in readers[index]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, reader)
    if len(order) < len(steps):
        stuck = next(index for index, count in enumerate(waiting) if count)
        raise ModelError(
            f"the graph has a cycle: {steps[stuck].node.op_type} waits for itself", loc=steps[stuck].loc(file)
        )
    return order


def split_live(steps: Sequence[Step], wanted: Iterable[str]) -> tuple[list[Step], list[Step]]:
    """Steps whose results reach the wanted names, and the others; both keep their order."""
    live = set(wanted)
    used: list[Step] = []
    unused: list[Step] = []
    for step in reversed(steps):
        if live.isdisjoint(step.node.output):
            unused.append(step)
        else:
            used.append(step)
            live.update(step.reads)
    return used[::-1], unused[::-1]
