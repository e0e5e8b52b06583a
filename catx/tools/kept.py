"""Whether compiled kernels wait on disk for the next run; if not, the user is told why runs are slow."""

import sys

from catx.cache_dir import cache_dir
from catx.costmodel.kernel_cache import kernels_cached
from catx.tools.streams import tell_note


def tell_unkept_kernels() -> None:
    """Say, after a run, that the kernels which it compiled could not be kept."""
    if "catx.costmodel.jit" in sys.modules and not kernels_cached("costmodel"):
        tell_note(
            f"compiled kernels and found mappings could not be written to {cache_dir()}, so that each run "
            "compiles and searches again; CATX_CACHE_DIR names another folder"
        )
