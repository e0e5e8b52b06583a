"""Who made evaluations, and of what: versions of packages, the machine, hashes of files that were read."""

import hashlib
import os
import platform
from pathlib import Path

from catx.errors import Loc, SpecError
from catx.search.grid import AnyStudy
from catx.search.study_files import files_of
from catx.search.versions import versions_text

VERSIONS, MACHINE, INPUTS = "versions", "machine", "inputs"


def facts_of(study: AnyStudy, workers: str) -> dict[str, object]:
    """What a run tells of itself.

    Args:
        study: what it evaluates; its seed is kept with it.
        workers: where points are evaluated.

    Raises:
        SpecError: a file of the study cannot be read.
    """
    return {
        VERSIONS: versions_text(),
        MACHINE: f"{platform.platform()}, {os.cpu_count()} cores, {workers}",
        INPUTS: inputs_of(study),
    }


def inputs_of(study: AnyStudy) -> dict[str, str]:
    """SHA-256 of each file that a study reads, by its path.

    Raises:
        SpecError: one cannot be read.
    """
    return {name: _sha256(Path(name)) for name in files_of(study)}


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", loc=Loc(str(path))) from None
