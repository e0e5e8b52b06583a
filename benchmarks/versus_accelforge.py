"""Three matmuls of CLIP on the machine `edge4`: what catx finds, beside the optimum that AccelForge found.

    python -m benchmarks.versus_accelforge [--runs 3]

AccelForge's numbers are recorded ones (tests/data/edge4.json: version 1.0.467, CPU seconds of one process on
two shared cores), not measured in this run. catx searches anew each time, with compiled kernels, on one core.
"""

import argparse
import time

from benchmarks.gemms import RECORDED, edge4, matmul
from benchmarks.measure import empty_store, show, show_machine
from catx.mapper.map_einsum import MappedEinsum, map_einsum
from catx.mapper.objective import Objective

SPACES = {
    "perfect": "factors that divide",
    "imperfect_coarse2": "remainder tiles",
    "bypass_perfect": "buffers optional",
}
"""AccelForge's map spaces. catx has one space, with remainders; in the last row it may skip buffers, too."""

RATIOS = ("energy ratio", "latency ratio", "EDP ratio")


def timed(gemm: str, *, bypass: bool) -> tuple[MappedEinsum, float]:
    """A mapping for EDP, and the CPU time to find it [s]."""
    einsum, machine = matmul(gemm), edge4(bypass=bypass)
    with empty_store():
        start = time.process_time()
        found = map_einsum(einsum, machine, Objective("edp"))
        return found, time.process_time() - start


def row(gemm: str, space: str, runs: int) -> tuple[tuple[str, ...], float, float]:
    """One line of the table, and the CPU times of catx and AccelForge [s]."""
    found, cpu_s = min(
        (timed(gemm, bypass=space.startswith("bypass")) for _ in range(runs)), key=lambda entry: entry[1]
    )
    recorded = RECORDED[gemm][space]
    energy_j = found.counts.dynamic_energy_j  # the machine has no static power
    latency_s = found.counts.cycles.latency_cycles / edge4(bypass=False).clock_hz
    cells = (
        f"{gemm}, {SPACES[space]}",
        f"{energy_j * 1e6:.2f} uJ",
        f"{latency_s * 1e6:.2f} us",
        f"{energy_j / recorded['energy_j']:.4f}",
        f"{latency_s / recorded['latency_s']:.4f}",
        f"{energy_j * latency_s / recorded['edp']:.4f}",
        f"{cpu_s:.2f} s",
        f"{recorded['cpu_s']:.1f} s",
        f"{recorded['cpu_s'] / cpu_s:.0f} x",
    )
    return cells, cpu_s, recorded["cpu_s"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="of each search; the best one counts")
    runs = parser.parse_args().runs
    show_machine()
    map_einsum(matmul("proj"), edge4(bypass=False), Objective("edp"))  # loads numba; an old answer may do
    timed("proj", bypass=False)  # compiles what is not yet compiled
    entries = [row(gemm, space, runs) for gemm in RECORDED for space in SPACES if space in RECORDED[gemm]]
    ours, theirs = sum(entry[1] for entry in entries), sum(entry[2] for entry in entries)
    show(
        "catx beside AccelForge's recorded optima, objective EDP (ratios below 1: catx is better)",
        ("matmul, AccelForge's space", "energy", "latency", *RATIOS, "CPU", "AccelForge", "faster"),
        [entry[0] for entry in entries],
        [f"all rows: {ours:.2f} CPU-s, AccelForge {theirs:.0f} CPU-s (recorded): {theirs / ours:.0f} x"],
    )


if __name__ == "__main__":
    main()
