"""Costs many nests of one einsum at once: a nest is a string of bytes, one per node.

The numbers are those of `catx.costmodel.evaluate`, from the same kernel: other tests prove it equal to the
slow oracle. What is spared is the way from objects to arrays, once per nest.
"""

from itertools import product
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.pack import new_bench, put_mapping
from catx.costmodel.tiles_kernel import SEARCH, SUM_ENERGY, SUM_LATENCY
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store

END = 255
"""Fills up the strings of shorter nests."""


class BatchCost:
    """Every node that can stand in a nest of `einsum` on `accelerator`, its byte, and what nests cost.

    Raises:
        ValueError: there are more nodes than bytes.
    """

    def __init__(self, einsum: Einsum, accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        axes = [(fanout.name, axis.name) for fanout in accelerator.fanouts for axis in fanout.axes]
        self.nodes: list[Node] = [Store(m.name, role) for m in accelerator.memories for role in ROLES]
        for (dim, extent), place in product(einsum.dims, (("", ""), *axes)):
            self.nodes += [Loop(dim, tile, *place) for tile in range(1, extent)]
        if len(self.nodes) >= END:
            raise ValueError(f"{len(self.nodes)} different nodes do not fit into one byte")
        self.bytes = {node: bytes([code]) for code, node in enumerate(self.nodes)}
        self.bench: Any = new_bench(einsum, accelerator)
        self.rows = np.zeros((len(self.nodes), 4), np.int64)
        for code, node in enumerate(self.nodes):
            put_mapping(self.bench, Mapping((node,)), einsum, accelerator)
            self.rows[code] = self.bench["nest"][0]

    def encode(self, *nodes: Node) -> bytes:
        """The bytes of some nodes."""
        return b"".join(self.bytes[node] for node in nodes)

    def decode(self, nest: bytes) -> Mapping:
        """The mapping that a string stands for."""
        return Mapping(tuple(self.nodes[code] for code in nest))

    def costs(self, nests: list[bytes]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Energy with static power [J], latency with launch [s] of legal nests; inf where one overflows."""
        longest = max(map(len, nests), default=0)
        text = b"".join(nest.ljust(longest, bytes([END])) for nest in nests)
        codes = np.frombuffer(text, np.uint8).reshape(len(nests), longest)
        found = np.full((len(nests), 2), np.inf)
        _cost_nests(self.bench, codes, self.rows, found)
        latency_s = found[:, 1] / self.accelerator.clock_hz + self.accelerator.launch_s
        fits = latency_s < np.inf  # without static power the others would cost 0 * inf
        energy_j = found[:, 0]
        energy_j[fits] += self.accelerator.static_w * latency_s[fits]
        return energy_j, latency_s


@numba.njit(error_model="numpy")
def _cost_nests(
    bench: Any, codes: NDArray[np.uint8], rows: NDArray[np.int64], found: NDArray[np.float64]
) -> None:
    """Dynamic energy [J] and latency [cycle] of each nest that fits, into `found`."""
    for i in range(codes.shape[0]):
        n = 0
        while n < codes.shape[1] and codes[i, n] != END:
            for column in range(4):
                bench.nest[n, column] = rows[codes[i, n], column]
            n += 1
        bench.n_rows = n
        if evaluate_nest(bench, SEARCH):
            found[i, 0] = bench.summary[SUM_ENERGY]
            found[i, 1] = bench.summary[SUM_LATENCY]
