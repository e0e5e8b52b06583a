"""Write a mapping by hand, evaluate it, and compare it with what the mapper finds.

The op is the projection of an attention block of ViT-B/16, output[m, n] += input[m, k] * weight[k, n], on the
machine `edge4`: DRAM, a global buffer, 4 cores with a local buffer each, and in each core an array of 32 x 64
elements with a weight register. docs/cost-model.md has the rules of a legal nest and how it is counted.

Run it: python examples/03_mapping_by_hand.py
"""

import catx
from catx import Loop, Mapping, Operand, Store
from catx.ir.dtype import DType
from catx.ir.operand import plain_axes
from catx.mapper.map_einsum import map_einsum
from catx.mapper.objective import Objective

PROJECTION = catx.Einsum(
    name="projection",
    op="MatMul",
    dims=(("m", 197), ("k", 768), ("n", 768)),
    inputs=(
        Operand("input", plain_axes("m", "k"), DType.INT8),
        Operand("weight", plain_axes("k", "n"), DType.INT8),
    ),
    output=Operand("output", plain_axes("m", "n"), DType.INT8),
)

# Outermost first. A loop splits what is left of a dim into tiles; a store is the place from where inwards a
# memory holds the current tile of a tensor.
BY_HAND = Mapping(
    (
        Store("DRAM", "input"),
        Store("DRAM", "weight"),
        Store("DRAM", "output"),
        Store("GlobalBuffer", "input"),  # 197 x 768 B: everything fits
        Store("GlobalBuffer", "weight"),
        Store("GlobalBuffer", "output"),
        Loop("n", 192, fanout="cores", axis="core"),  # each core computes 192 columns
        Store("LocalBuffer", "input"),  # each holds all inputs, 148 KiB of its 256 KiB
        Loop("n", 64),
        Store("LocalBuffer", "output"),  # 64 columns of the output accumulate here ...
        Loop("k", 32),
        Store("LocalBuffer", "weight"),  # ... while weights pass, 32 x 64 at a time
        Loop("k", 1, fanout="array", axis="row"),
        Loop("n", 1, fanout="array", axis="column"),
        Store("Register", "weight"),  # one in each element, for all of m
        Loop("m", 1),
    )
)

# Everything in the local buffer at once, on one core: it does not fit.
TOO_LARGE = Mapping(
    (
        *BY_HAND.nodes[:6],
        Store("LocalBuffer", "input"),
        Store("LocalBuffer", "weight"),
        Store("LocalBuffer", "output"),
        Loop("n", 12, fanout="array", axis="column"),
        Loop("n", 1),
        Loop("k", 1),
        Store("Register", "weight"),
        Loop("m", 1),
    )
)


def show(title: str, counts: catx.Counts, machine: catx.Accelerator) -> float:
    """Print what a mapping costs; returns its energy-delay product [J s]."""
    latency_s = counts.cycles.latency_cycles / machine.clock_hz
    energy_j = counts.dynamic_energy_j  # this machine has no static power
    print(f"{title}: {latency_s * 1e6:.1f} us, {energy_j * 1e6:.1f} uJ, bound by {counts.cycles.bound_by}")
    for store in counts.stores:
        print(
            f"  {store.memory:12} {store.role:6}  tile {store.tile_bytes / 1024:7.1f} KiB"
            f"  reads {store.total.reads / 1e6:8.2f} M  writes {store.total.writes / 1e6:7.2f} M"
        )
    return latency_s * energy_j


def text(node: Loop | Store) -> str:
    """One node of a nest in words."""
    if isinstance(node, Store):
        return f"{node.memory} holds {node.role}"
    return f"{node.dim} in tiles of {node.tile}" + (f", one per {node.axis}" if node.spatial else "")


def main() -> None:
    edge4 = catx.load_accelerator("edge4")
    by_hand = show("By hand", catx.evaluate_mapping(PROJECTION, BY_HAND, edge4), edge4)

    found = map_einsum(PROJECTION, edge4, Objective("edp"))
    best = show("\nFound by the mapper", found.counts, edge4)
    print("  its nest:")
    for depth, node in enumerate(found.mapping.nodes):
        print("    " + " " * depth + text(node))
    print(f"\nEnergy-delay product by hand: {by_hand / best:.2f} times that of the mapper.")
    sure = found.certificate
    print(f"Its own is at most {sure.gap:.0%} above a lower bound; {sure.evaluated:,} nests were tried.")

    # A nest that breaks a rule, or overflows a memory, is refused with the reason.
    try:
        catx.evaluate_mapping(PROJECTION, TOO_LARGE, edge4)
    except catx.CatxError as error:
        print(f"\nToo large: {error}")


if __name__ == "__main__":
    main()
