"""Where the kernels' machine code is kept, and whether it is there; asked without importing the compiler."""

from pathlib import Path

from catx.content_cache import Shelf

SHELF = Shelf(
    "kernels", ("*/*_kernel.py", "costmodel/jit.py", "costmodel/machine_code.py"), ("numba", "llvmlite")
)
"""Named after the content of all kernel files, as a kernel's code holds that of those which it calls."""

COMPILING = "compiling kernels (once, about a minute)"
"""What progress calls work that waits for the compiler."""


def kernels_cached(*rooms: str) -> bool:
    """Whether machine code of the kernels of these rooms (`costmodel`, `mapper`) is on disk.

    Loading it takes a second. A run that was stopped while it compiled leaves a part, which counts as all.
    """
    try:
        return all(any(room_folder(room).glob("*.nbc")) for room in rooms)
    except OSError:  # a folder that may not be looked into holds nothing that can be loaded
        return False


def room_folder(room: str) -> Path:
    """Where the machine code of the kernels of one room is; it may not exist."""
    return SHELF.folder / room


def phase_of(work: str, *rooms: str) -> str:
    """What to call work that needs kernels while it begins: compiling, if they have to be compiled first."""
    return work if kernels_cached(*rooms) else COMPILING
