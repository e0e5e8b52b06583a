"""Who made evaluations, and of what: versions of packages, the machine, hashes of files that were read."""

import hashlib
import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from catx.errors import Loc, SpecError
from catx.search.grid import AnyStudy, Grid
from catx.search.study import Study
from catx.version import VERSION

VERSIONS, MACHINE, INPUTS = "versions", "machine", "inputs"

_LIBRARIES = (
    "numpy",
    "numba",
    "onnx",
    "deap",
    "moocore",
    "scipy",
    "torch",
    "open_clip_torch",
    "transformers",
)


def facts_of(study: AnyStudy, workers: str) -> dict[str, object]:
    """What a run tells of itself.

    Args:
        study: what it evaluates; its seed is kept with it.
        workers: where points are evaluated.

    Raises:
        SpecError: a file of the study cannot be read.
    """
    return {
        VERSIONS: versions(),
        MACHINE: f"{platform.platform()}, {os.cpu_count()} cores, {workers}",
        INPUTS: inputs_of(study),
    }


def inputs_of(study: AnyStudy) -> dict[str, str]:
    """SHA-256 of each file that a study reads, by its path.

    Raises:
        SpecError: one cannot be read.
    """
    return {name: _sha256(Path(name)) for name in files_of(study)}


def versions() -> str:
    """Versions of catx, Python, and the packages that numbers may depend on."""
    found = [f"catx {VERSION}", f"python {platform.python_version()}"]
    for library in _LIBRARIES:
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            continue  # an extra that is not installed took no part
    return ", ".join(found)


def files_of(study: AnyStudy) -> list[str]:
    """Files that a study reads at every run; hardware, scenarios and constraints are part of it already."""
    studies = [study] if isinstance(study, Study) else list(_studies(study))
    return list(dict.fromkeys(name for one in studies for name in _files(one)))


def _studies(grid: Grid) -> Iterator[Study]:
    return (grid.study((at, 0, 0, 0)) for at in range(len(grid.models)))


def _files(study: Study) -> Iterator[str]:
    for name in study.models.names:
        path = name.rpartition(":")[2] if name.endswith(".pt") else name
        if path.endswith((".onnx", ".pt")):
            yield path
    if study.accuracy is not None:
        choice = study.accuracy
        named = (choice.ranking, choice.table, choice.data, choice.test, choice.validation)
        yield from (name for name in named if name is not None and Path(name).is_file())


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", loc=Loc(str(path))) from None
