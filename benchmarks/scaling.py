"""How the mapper's time grows: with extents, memory levels, dims and cores.

    python -m benchmarks.scaling [-o PLOT.png]

All but the last table are of one core, nothing stored, with compiled kernels, and of one search each.

- extents: matmuls n x n x n on `edge`, with the default budget;
- levels: 256 x 256 x 256 on chains of 2 to 6 memories, each smaller, faster and cheaper than the one before;
- dims: einsums of 2 to 8 dims and about 2^24 operations on `edge`;
- proofs: small matmuls on `edge`, and 32 x 32 x 32 on the chains, to the proof, or a million steps;
- cores: all contractions of CLIP ViT-B/16 on `edge`, kept to 1 core and allowed 2: wall time.

`-o` also draws CPU times as a PNG (matplotlib: `pip install '.[bench]'`); it never writes over a file.
"""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import catx
from benchmarks.kernel import MODELS
from benchmarks.measure import empty_store, show, show_machine, warm_up
from catx.ir.accelerator import Accelerator, MacRate, MatrixUnit, Memory, Technology
from catx.ir.dtype import DType
from catx.ir.operand import plain_axes
from catx.mapper.map_einsum import MappedEinsum, map_einsum
from catx.mapper.objective import Objective
from catx.mapper.options import BUDGET

EXTENTS = (32, 64, 128, 256, 512, 1024, 2048, 4096)
LEVELS = (2, 3, 4, 5, 6)
DIMS = (2, 3, 4, 5, 6, 7, 8)
PROOFS = (4, 8, 16, 32, 64, 128)
PROOF_BUDGET = 1_000_000
CORE_RUNS = 5
"""Of each number of cores; the quickest counts."""
OPERATIONS = 2**24
"""Of the einsums with many dims, about."""


@dataclass(frozen=True, slots=True)
class Point:
    """One search: where it stands on its axis, CPU time [s], and what it found."""

    at: int
    cpu_s: float
    found: MappedEinsum


def product(extents: list[int]) -> catx.Einsum:
    """A product of as many dims as extents: of rows, to add up, of columns, of rows again, and so on."""
    dims = [f"{'mkn'[i % 3]}{i // 3}" for i in range(len(extents))]
    rows, inner, columns = ([dim for dim in dims if dim[0] == kind] for kind in "mkn")
    return catx.Einsum(
        name="x".join(map(str, extents)),
        op="MatMul",
        dims=tuple(zip(dims, extents, strict=True)),
        inputs=(
            catx.Operand("input", plain_axes(*rows, *inner), DType.INT8),
            catx.Operand("weight", plain_axes(*inner, *columns), DType.INT8),
        ),
        output=catx.Operand("output", plain_axes(*rows, *columns), DType.INT8),
    )


def chain(levels: int) -> Accelerator:
    """Memories inside each other; the innermost holds 256 B, and outwards from one to the next:

    8 times the size, half the rate, 2.5 times the energy. Round figures of no chip.
    """
    memories = []
    for depth in range(levels):
        outwards = levels - 1 - depth
        memories.append(
            Memory(
                name=f"L{depth}",
                capacity_bytes=256 * 8**outwards if depth else float("inf"),
                read_bytes_per_cycle=4 / 2**outwards,
                write_bytes_per_cycle=4 / 2**outwards,
                read_j_per_byte=0.1e-12 * 2.5**outwards,
                write_j_per_byte=0.1e-12 * 2.5**outwards,
            )
        )
    rate = MacRate(dtype=DType.INT8, macs_per_cycle=1, j_per_mac=0.2e-12, accumulator=DType.INT32)
    return Accelerator(
        name=f"chain of {levels}",
        levels=tuple(memories),
        matrix=MatrixUnit(name="unit", rates=(rate,)),
        vector=None,
        clock_hz=1e9,
        technology=Technology(node_nm=22),
    )


def searched(at: int, einsum: catx.Einsum, machine: Accelerator, budget: int = BUDGET) -> Point:
    """Map for EDP with nothing stored."""
    with empty_store():
        start = time.process_time()
        found = map_einsum(einsum, machine, Objective("edp"), budget)
        return Point(at, time.process_time() - start, found)


def series() -> dict[str, list[Point]]:
    """All points, by the axis."""
    edge = catx.load_accelerator("edge")
    searched(0, product([32, 32, 32]), edge)  # loads numba
    return {
        "extent": [searched(n, product([n] * 3), edge) for n in EXTENTS],
        "levels": [searched(n, product([256] * 3), chain(n)) for n in LEVELS],
        "dims": [searched(n, product([round(OPERATIONS ** (1 / n))] * n), edge) for n in DIMS],
        "proof": [searched(n, product([n] * 3), edge, PROOF_BUDGET) for n in PROOFS],
        "proof of levels": [searched(n, product([32] * 3), chain(n), PROOF_BUDGET) for n in LEVELS],
    }


def show_series(name: str, points: list[Point], title: str) -> None:
    """One table."""
    rows = []
    for point in points:
        known = point.found.certificate
        gap = known.status if known.status == "proved" else f"{known.gap:.1%}"
        cells = f"{point.cpu_s * 1e3:,.0f} ms", f"{known.visited:,}", f"{known.evaluated:,}", gap
        rows.append((f"{point.at}", *cells))
    show(title, (name, "CPU", "steps", "nests costed", "gap of EDP"), rows)


def compiled(graphs: list[catx.Graph], machine: Accelerator) -> tuple[float, float]:
    """Wall and CPU time of models with nothing stored [s]."""
    with empty_store():
        start, cpu_s = time.perf_counter(), time.process_time()
        catx.compile_model(graphs, machine)
        return time.perf_counter() - start, time.process_time() - cpu_s


def show_cores() -> None:
    """Wall time by the cores that this process may use."""
    if not hasattr(os, "sched_setaffinity"):
        print("\nCores: this system does not let a process choose them; not measured")
        return
    cores = sorted(os.sched_getaffinity(0))
    graphs, edge = [catx.load_model(model) for model in MODELS], catx.load_accelerator("edge")
    rows, alone_s = [], 0.0
    for count in (1, 2)[: len(cores)]:
        os.sched_setaffinity(0, cores[:count])
        try:
            wall_s, cpu_s = min(compiled(graphs, edge) for _ in range(CORE_RUNS))
        finally:
            os.sched_setaffinity(0, cores)
        alone_s = alone_s or wall_s
        rows.append((f"{count}", f"{wall_s:.2f} s", f"{cpu_s:.2f} s", f"{alone_s / wall_s:.2f} x"))
    show("CLIP ViT-B/16 on edge, every mapping searched", ("cores", "wall", "CPU", "faster"), rows)


def draw(found: dict[str, list[Point]], path: Path) -> None:
    """CPU time against each axis."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    titles = {
        "extent": "n x n x n on edge",
        "levels": "256 x 256 x 256",
        "dims": "2^24 operations on edge",
        "proof": "n x n x n on edge, to the proof",
        "proof of levels": "32 x 32 x 32, to the proof",
    }
    labels = {
        "extent": "n",
        "proof": "n",
        "levels": "memories",
        "proof of levels": "memories",
        "dims": "dims",
    }
    figure = Figure(figsize=(12, 2.6), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (name, points) in zip(figure.subplots(1, 5, sharey=True), found.items(), strict=True):
        axes.plot([p.at for p in points], [p.cpu_s for p in points], color="0.4", linewidth=1)
        for status, mark in (("proved", "o"), ("gap", "x")):
            some = [p for p in points if p.found.certificate.status == status]
            axes.plot([p.at for p in some], [p.cpu_s for p in some], mark, color="black", label=status)
        axes.set(xlabel=labels[name], yscale="log")
        axes.set_title(titles[name], fontsize="small")
        if labels[name] == "n":
            axes.set_xscale("log", base=2)
        axes.grid(alpha=0.3)
    figure.axes[0].set_ylabel("CPU [s]")
    figure.axes[-1].legend(fontsize="small")
    with path.open("xb") as file:
        figure.savefig(file, format="png", dpi=80)


def checked(path: Path) -> Path:
    """A path that a plot can go to; found out before minutes are spent."""
    if path.exists():
        sys.exit(f"{path} exists: name another file")
    if not path.parent.is_dir():
        sys.exit(f"{path.parent} is no folder")
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        sys.exit("-o needs matplotlib: python -m pip install '.[bench]'")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, help="draw the plot there (PNG)")
    output = parser.parse_args().output
    path = checked(output) if output else None
    show_machine()
    warm_up()
    found = series()
    show_series("extent", found["extent"], "Extents: n x n x n on edge")
    show_series("levels", found["levels"], "Levels: 256 x 256 x 256 on a chain of memories")
    show_series("dims", found["dims"], "Dims: about 2^24 operations on edge")
    show_series("extent", found["proof"], "To the proof: n x n x n on edge, up to 1,000,000 steps")
    show_series("levels", found["proof of levels"], "To the proof: 32 x 32 x 32, up to 1,000,000 steps")
    show_cores()
    if path:
        draw(found, path)
        print(f"\nplot: {path}")


if __name__ == "__main__":
    main()
