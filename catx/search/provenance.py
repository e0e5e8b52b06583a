"""Who made evaluations, and of what: versions of packages, the machine, hashes of files that were read."""

import hashlib
import os
import platform
from collections.abc import Mapping
from pathlib import Path

from catx.errors import Loc, SpecError
from catx.search.grid import AnyStudy
from catx.search.study_files import files_of
from catx.search.versions import code_here, unlike, versions_in, versions_text

VERSIONS, CODE, MACHINE, INPUTS = "versions", "code", "machine", "inputs"


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
        CODE: code_here(),
        MACHINE: f"{platform.platform()}, {os.cpu_count()} cores, {workers}",
        INPUTS: inputs_of(study),
    }


def other_catx(facts: Mapping[str, object]) -> str:
    """How the catx of a run differs from this one, in words; empty where it does not.

    Args:
        facts: of the run; those that an older catx did not keep count as the same.
    """
    there, here = (versions_in(str(text)) for text in (facts.get(VERSIONS, ""), versions_text()))
    if there.get("catx", here["catx"]) != here["catx"]:
        return f"catx {there['catx']}, this is {here['catx']}"
    if facts.get(CODE, code_here()) != code_here():
        return f"catx {here['catx']} whose files differ from those of this one"
    return ""


def other_packages(facts: Mapping[str, object]) -> str:
    """Which packages of a run had other versions than here, in words; empty where none had."""
    there, here = (versions_in(str(text)) for text in (facts.get(VERSIONS, ""), versions_text()))
    return unlike(here, {**there, "catx": here["catx"]})


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
