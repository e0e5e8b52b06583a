"""Time and memory of the whole process `catx-compile` with the built-in CLIP, and of `import catx`.

    python -m benchmarks.startup [--runs 5]

`first ever` has an empty cache folder and compiles all kernels. `new shapes` has the kernels and searches
every mapping. `warm` has both, as from the second run on. `import catx` loads nothing but names, `from catx
import *` loads what they stand for. Aims stand beside them, as ratios.
"""

import argparse
import os
import sys
import tempfile

from benchmarks.measure import Usage, best, command, empty_store, run, show, show_machine, warm_up

AIMS = {"first ever": 30.0, "warm": 1.5, "import catx": 0.2}
"""Wall time [s]."""

AIM_MB = 250.0
"""Peak memory, warm [MB]."""

IMPORT = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def first_ever() -> Usage:
    """With an empty cache folder."""
    before = os.environ.get("CATX_CACHE_DIR")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CATX_CACHE_DIR"] = folder
        try:
            return run([command("catx-compile")])
        finally:
            del os.environ["CATX_CACHE_DIR"]
            if before is not None:
                os.environ["CATX_CACHE_DIR"] = before


def new_shapes() -> Usage:
    """With compiled kernels and no mappings."""
    with empty_store():
        return run([command("catx-compile")])


def imported(statement: str) -> Usage:
    """An import alone, as the interpreter that does it sees it."""
    usage = run([sys.executable, "-c", IMPORT.format(statement)])
    return Usage(float(usage.output), usage.cpu_s, usage.peak_mb, "")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="of each but the first; the best one counts")
    runs = parser.parse_args().runs
    show_machine()
    warm_up()
    measured = {
        "first ever": first_ever(),
        "new shapes": best(runs, new_shapes),
        "warm": best(runs, lambda: run([command("catx-compile")])),
        "import catx": best(2 * runs, lambda: imported("import catx")),
        "from catx import *": best(2 * runs, lambda: imported("from catx import *")),
    }
    rows = []
    for name, usage in measured.items():
        aim = AIMS.get(name)
        ratio = f"{usage.wall_s / aim:.2f}" if aim else "-"
        aimed = f"{aim:.1f} s" if aim else "-"
        rows.append(
            (name, f"{usage.wall_s:.3f} s", aimed, ratio, f"{usage.cpu_s:.2f} s", f"{usage.peak_mb:.0f} MB")
        )
    show(
        "catx-compile, CLIP ViT-B/16 (both towers) on edge: whole process",
        ("", "wall", "aim", "ratio", "CPU", "peak memory"),
        rows,
        [
            f"peak memory against the aim of {AIM_MB:.0f} MB: warm {measured['warm'].peak_mb / AIM_MB:.2f}, "
            f"new shapes {measured['new shapes'].peak_mb / AIM_MB:.2f}"
        ],
    )


if __name__ == "__main__":
    main()
