"""CLIP's vision tower, the same ONNX file, by catx and by ZigZag in one run: CPU seconds of whole processes.

    python -m benchmarks.versus_zigzag [--zigzag-python PATH] [--runs 3]

ZigZag needs an environment of its own, `python3.11 -m venv V && V/bin/pip install zigzag-dse==3.9.1 six`, and
`--zigzag-python V/bin/python`; it takes some minutes. Without one, catx is set beside a recorded number.

Both run on a machine like catx's `edge` (benchmarks/zigzag/edge.yaml), minimize EDP, and start with nothing
cached but their own compiled code. Their answers are printed for orientation: the two describe the machine in
different terms, and ZigZag costs contractions alone.
"""

import argparse
import json
from pathlib import Path

from benchmarks.measure import Usage, best, command, empty_store, run, show, show_machine, warm_up
from catx.frontend.models import builtin_models

INPUTS = Path(__file__).parent / "zigzag"
MODEL = builtin_models()["clip_vit_b16_vision"].files[0]

RECORDED_CPU_S = 195.0
"""ZigZag 3.9.1 with these input files, in the run that README.md shows [s]."""


def catx_alone() -> Usage:
    """catx with compiled kernels and no stored mappings."""
    with empty_store():
        return run([command("catx-compile"), MODEL, "--json"])


def catx_answer(usage: Usage) -> str:
    """What catx found for the contractions alone, as ZigZag counts."""
    report = json.loads(usage.output)
    einsums = [layer for layer in report["layers"] if layer["macs"] > 0]
    seconds = sum(layer["count"] * layer["latency_s"] for layer in einsums)
    joules = sum(layer["count"] * layer["energy_j"] for layer in einsums)
    runs = sum(layer["count"] for layer in einsums)
    return (
        f"catx: {seconds * 1e3:.1f} ms, {joules * 1e3:.1f} mJ in {runs} layers, {len(einsums)} different ones"
    )


def version_of(usage: Usage) -> str:
    """ZigZag's version."""
    return str(json.loads(usage.output.splitlines()[-1])["version"])


def zigzag_answer(usage: Usage) -> str:
    """What ZigZag found; its cycles are of 1.6 ns."""
    result = json.loads(usage.output.splitlines()[-1])
    milliseconds, millijoules = result["cycles"] * 1.6e-6, result["energy_pj"] * 1e-9
    return f"ZigZag: {milliseconds:.1f} ms, {millijoules:.1f} mJ in {result['layers']} layers"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--zigzag-python", type=Path, help="interpreter of an environment that has zigzag-dse"
    )
    parser.add_argument("--runs", type=int, default=3, help="of catx; the best one counts")
    options = parser.parse_args()
    show_machine()
    warm_up()
    searched = best(options.runs, catx_alone, by="cpu_s")
    run([command("catx-compile"), MODEL])
    stored = best(options.runs, lambda: run([command("catx-compile"), MODEL]), by="cpu_s")
    notes = [catx_answer(searched)]
    if options.zigzag_python:
        arguments = [
            options.zigzag_python,
            INPUTS / "run.py",
            MODEL,
            INPUTS / "edge.yaml",
            INPUTS / "mapping.yaml",
        ]
        usage = run(arguments)
        name, cpu_s, wall, peak = (
            f"ZigZag {version_of(usage)}",
            usage.cpu_s,
            f"{usage.wall_s:.1f} s",
            f"{usage.peak_mb:.0f} MB",
        )
        notes.append(zigzag_answer(usage))
    else:
        name, cpu_s, wall, peak = "ZigZag (recorded)", RECORDED_CPU_S, "-", "-"
        notes.append(
            "ZigZag did not run: give --zigzag-python. Its number is a recorded one, not of this run."
        )
    ours = (("catx, searching", searched), ("catx, mappings stored", stored))
    rows = [(name, f"{cpu_s:.1f} s", wall, peak, "1 x")]
    for label, usage in ours:
        times = f"{cpu_s / usage.cpu_s:.0f} x"
        rows.append(
            (label, f"{usage.cpu_s:.2f} s", f"{usage.wall_s:.2f} s", f"{usage.peak_mb:.0f} MB", times)
        )
    show(
        "CLIP ViT-B/16 vision tower, whole process", ("", "CPU", "wall", "peak memory", "faster"), rows, notes
    )


if __name__ == "__main__":
    main()
