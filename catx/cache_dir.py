"""Where catx keeps compiled kernels and mapper results between runs."""

import os
import tempfile
from pathlib import Path


def cache_dir() -> Path:
    """The cache folder: $CATX_CACHE_DIR, else `catx` in the user's cache, else in the temporary folder.

    Everything in it can be deleted at any time.
    """
    if chosen := os.environ.get("CATX_CACHE_DIR"):
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if base.startswith("~"):
        return Path(tempfile.gettempdir()) / f"catx-{os.getuid()}"
    return Path(base) / "catx"
