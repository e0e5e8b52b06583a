"""What the benchmarks share: child processes with their CPU time and peak memory, caches, tables."""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from catx.cache_dir import cache_dir


@dataclass(frozen=True, slots=True)
class Usage:
    """One process and all its children: wall time [s], CPU time [s], peak memory [MB], standard output."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    output: str


def run(arguments: Sequence[str | Path]) -> Usage:
    """Run a program to its end.

    Peak memory is the operating system's number for this child. A child starts as a copy of its parent, so
    less than the parent's own memory cannot be seen: benchmarks that measure memory import little.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        child = subprocess.Popen([str(argument) for argument in arguments], stdout=output, stderr=errors)
        _, status, usage = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if child.returncode:
            sys.exit(f"{arguments[0]} ended with {child.returncode}:\n{errors.read().decode()[-2000:]}")
        kilobyte = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss differs [byte]
        peak_mb = usage.ru_maxrss * kilobyte / 1e6
        return Usage(wall_s, usage.ru_utime + usage.ru_stime, peak_mb, output.read().decode())


def best(times: int, measured: Callable[[], Usage], *, by: str = "wall_s") -> Usage:
    """The run with the least time: the one that other work on the machine disturbed least."""
    return min((measured() for _ in range(times)), key=attrgetter(by))


def command(name: str) -> Path:
    """A command of catx, from the environment that runs the benchmark."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        sys.exit(f"no {path}: install catx into this environment first (python -m pip install .)")
    return path


@contextmanager
def empty_store() -> Iterator[Path]:
    """A cache folder with the user's compiled kernels and nothing else, for this process and its children.

    The kernels must be there already: `warm_up` sees to it.
    """
    before = os.environ.get("CATX_CACHE_DIR")
    with tempfile.TemporaryDirectory() as folder:
        for kernels in cache_dir().glob("kernels-*"):
            (Path(folder) / kernels.name).symlink_to(kernels.resolve())
        os.environ["CATX_CACHE_DIR"] = folder
        try:
            yield Path(folder)
        finally:
            del os.environ["CATX_CACHE_DIR"]
            if before is not None:
                os.environ["CATX_CACHE_DIR"] = before


def warm_up() -> None:
    """Compile and cache every kernel that mapping a model needs."""
    run([command("catx-compile")])


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> None:
    """Print a table: the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    print(f"\n{title}")
    for row in (head, ["-" * width for width in widths], *rows):
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)),
        ]
        print("  " + "  ".join(cells))
    for note in notes:
        print(f"  {note}")


def show_machine() -> None:
    """Print where and beside what the numbers were measured."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    where = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
    print(f"{where}, Python {platform.python_version()}; load average before: {load}")
