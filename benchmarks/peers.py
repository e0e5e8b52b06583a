"""catx beside AccelForge and ZigZag, on the same work: one table of one run.

    python -m benchmarks.peers [--accelforge-python PATH] [--zigzag-python PATH] [--runs 3]

Each peer needs an environment of its own:

    python3.12 -m venv V && V/bin/pip install accelforge==1.0.467          # needs Python 3.12
    python3.11 -m venv W && W/bin/pip install zigzag-dse==3.9.1 six

Without `--accelforge-python V/bin/python` or `--zigzag-python W/bin/python` the peer's rows are recorded ones
(tests/data/edge4.json, benchmarks/zigzag/recorded.json), and marked so. With both it takes about 10 minutes.

AccelForge: matmuls of CLIP on `edge4`, described to both with the same freedoms (benchmarks/accelforge);
CPU seconds are of the search alone, on one core. ZigZag: CLIP's vision tower, the same ONNX file, on a
machine like `edge` (benchmarks/zigzag); CPU seconds are of whole processes. All start with nothing cached
but compiled code. ZigZag's energy and latency stand for orientation: the two describe the machine in
different terms, and ZigZag costs contractions alone, so catx's are summed up over those.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gemms import RECORDED, accelforge_edge4, matmul
from benchmarks.measure import Usage, best, command, empty_store, run, show, show_machine, warm_up
from catx.frontend.models import builtin_models
from catx.mapper.map_einsum import map_einsum
from catx.mapper.objective import Objective

HERE = Path(__file__).parent
MODEL = builtin_models()["clip_vit_b16_vision"].files[0]

SPACES = {
    "perfect": "factors that divide",
    "imperfect_coarse2": "remainder tiles",
    "bypass_perfect": "buffers optional",
}
"""AccelForge's map spaces. catx has one space, with remainders; in the last one it may skip buffers, too."""

ZIGZAG_CYCLE_S = 1.6e-9
"""Of the machine in zigzag/edge.yaml."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool found for a workload, and the CPU time that it took."""

    tool: str
    workload: str
    energy_j: float
    latency_s: float
    cpu_s: float

    @property
    def edp(self) -> float:
        """Energy times latency [J s]."""
        return self.energy_j * self.latency_s


@dataclass(frozen=True, slots=True)
class Pair:
    """A peer's answer and the one of catx."""

    peer: Answer
    catx: Answer


# --- matmuls, AccelForge ---------------------------------------------------------------------------------


def jobs() -> list[tuple[str, str]]:
    """Matmuls and map spaces that are compared."""
    return [(gemm, space) for gemm in RECORDED for space in SPACES if space in RECORDED[gemm]]


def catx_matmul(gemm: str, space: str) -> Answer:
    """One search with nothing stored."""
    einsum, machine = matmul(gemm), accelforge_edge4(bypass=space.startswith("bypass"))
    with empty_store():
        start = time.process_time()
        counts = map_einsum(einsum, machine, Objective("edp")).counts
        cpu_s = time.process_time() - start
    seconds = counts.cycles.latency_cycles / machine.clock_hz
    energy_j = counts.dynamic_energy_j + machine.static_w * seconds
    return Answer("catx", f"{gemm}, {SPACES[space]}", energy_j, seconds, cpu_s)


def accelforge_matmuls(python: Path | None) -> list[Answer]:
    """AccelForge's answers, of this run if its interpreter is given."""
    if python is None:
        tool, found = "AccelForge (recorded)", [RECORDED[gemm][space] for gemm, space in jobs()]
    else:
        shapes = [
            {name: RECORDED[gemm][name] for name in ("batch", "m", "k", "n")} | {"space": space}
            for gemm, space in jobs()
        ]
        folder = HERE / "accelforge"
        usage = run([python, folder / "run.py", folder / "edge4.yaml", json.dumps(shapes)])
        result = json.loads(usage.output.splitlines()[-1])
        tool, found = f"AccelForge {result['version']}", result["answers"]
    return [
        Answer(tool, f"{gemm}, {SPACES[space]}", row["energy_j"], row["latency_s"], row["cpu_s"])
        for (gemm, space), row in zip(jobs(), found, strict=True)
    ]


def matmul_pairs(python: Path | None, runs: int) -> list[Pair]:
    """All matmuls by both; of catx's runs the quickest."""
    catx_matmul("proj", "perfect")  # loads numba, and compiles what is not yet compiled
    pairs = []
    for (gemm, space), peer in zip(jobs(), accelforge_matmuls(python), strict=True):
        mine = min((catx_matmul(gemm, space) for _ in range(runs)), key=lambda answer: answer.cpu_s)
        pairs.append(Pair(peer, mine))
    return pairs


# --- a model, ZigZag -------------------------------------------------------------------------------------


def catx_model(tool: str, usage: Usage) -> Answer:
    """What catx found for the contractions alone, as ZigZag counts."""
    layers = [layer for layer in json.loads(usage.output)["layers"] if layer["macs"] > 0]
    energy_j = sum(layer["count"] * layer["energy_j"] for layer in layers)
    seconds = sum(layer["count"] * layer["latency_s"] for layer in layers)
    return Answer(tool, "CLIP vision tower", energy_j, seconds, usage.cpu_s)


def zigzag_model(python: Path | None) -> Answer:
    """ZigZag's answer, of this run if its interpreter is given."""
    folder = HERE / "zigzag"
    if python is None:
        result = json.loads((folder / "recorded.json").read_text(encoding="utf-8"))
        tool, cpu_s = "ZigZag (recorded)", result["cpu_s"]
    else:
        usage = run([python, folder / "run.py", MODEL, folder / "edge.yaml", folder / "mapping.yaml"])
        result = json.loads(usage.output.splitlines()[-1])
        tool, cpu_s = f"ZigZag {result['version']}", usage.cpu_s
    energy_j, seconds = result["energy_pj"] * 1e-12, result["cycles"] * ZIGZAG_CYCLE_S
    return Answer(tool, "CLIP vision tower", energy_j, seconds, cpu_s)


def model_pairs(python: Path | None, runs: int) -> list[Pair]:
    """The model by both; catx once searching every mapping, once with all of them stored."""
    arguments: list[str | Path] = [command("catx-compile"), MODEL, "--json"]

    def searching() -> Usage:
        with empty_store():
            return run(arguments)

    peer = zigzag_model(python)
    searched = best(runs, searching, by="cpu_s")
    run(arguments)
    stored = best(runs, lambda: run(arguments), by="cpu_s")
    return [
        Pair(peer, catx_model("catx", searched)),
        Pair(peer, catx_model("catx, mappings stored", stored)),
    ]


# --- the table -------------------------------------------------------------------------------------------


def row(answer: Answer, beside: Answer) -> tuple[str, ...]:
    """One line; ratios are of the answer to catx's."""
    return (
        answer.tool,
        answer.workload,
        f"{answer.energy_j * 1e6:,.2f} uJ",
        f"{answer.latency_s * 1e6:,.2f} us",
        f"{answer.edp:.4g} J s",
        f"{answer.edp / beside.edp:.4f}",
        f"{answer.cpu_s:.3f} s",
        f"{answer.cpu_s / beside.cpu_s:,.0f} x",
    )


def rows(pairs: Sequence[Pair]) -> list[tuple[str, ...]]:
    """Both lines of every pair."""
    return [line for pair in pairs for line in (row(pair.catx, pair.catx), row(pair.peer, pair.catx))]


def notes(pairs: Sequence[Pair], accelforge: Path | None, zigzag: Path | None) -> list[str]:
    """Sums, and what did not run."""
    ours, theirs = sum(pair.catx.cpu_s for pair in pairs), sum(pair.peer.cpu_s for pair in pairs)
    found = [f"all matmuls: catx {ours:.2f} CPU-s, AccelForge {theirs:.0f} CPU-s, {theirs / ours:,.0f} x"]
    if accelforge is None:
        found.append("AccelForge did not run: give --accelforge-python. Its rows are recorded ones.")
    if zigzag is None:
        found.append("ZigZag did not run: give --zigzag-python. Its row is a recorded one.")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for peer, package in (("accelforge", "accelforge"), ("zigzag", "zigzag-dse")):
        parser.add_argument(
            f"--{peer}-python", type=Path, help=f"interpreter of an environment that has {package}"
        )
    parser.add_argument("--runs", type=int, default=3, help="of catx; the quickest counts")
    options = parser.parse_args()
    show_machine()
    warm_up()
    models = model_pairs(options.zigzag_python, options.runs)
    matmuls = matmul_pairs(options.accelforge_python, options.runs)
    show(
        "catx and its peers, objective EDP; ratios are to the line of catx",
        ("tool", "workload", "energy", "latency", "EDP", "EDP ratio", "CPU", "CPU ratio"),
        rows([*matmuls, *models]),
        notes(matmuls, options.accelforge_python, options.zigzag_python),
    )


if __name__ == "__main__":
    main()
