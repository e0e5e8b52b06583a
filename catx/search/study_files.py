"""Files that a study names: where they are, and whether another machine has the same ones."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from catx.errors import Loc, OptionError
from catx.search.grid import AnyStudy, Grid
from catx.search.study import ModelChoice

_PATHS = ("ranking", "data", "test", "validation", "table")
"""Parts of `AccuracyChoice` that may be paths."""

_PART = 1 << 20
"""Bytes of the begin and the end of a file that tell whether it is the same: data may be large."""


def with_full_paths(study: AnyStudy) -> AnyStudy:
    """The study with full paths of its files, for processes that run in another folder."""
    if isinstance(study, Grid):
        return replace(study, models=tuple((label, _full_models(choice)) for label, choice in study.models))
    models = _full_models(study.models)
    if study.accuracy is None:
        return replace(study, models=models)
    full: dict[str, Any] = {
        key: _full(name) for key in _PATHS if (name := getattr(study.accuracy, key)) is not None
    }
    return replace(study, models=models, accuracy=replace(study.accuracy, **full))


def files_of(study: AnyStudy) -> list[str]:
    """Files that a study reads when it is evaluated; folders, and names that are no path, are left out.

    Descriptions of hardware, scenarios and constraints are part of a study itself.
    """
    if isinstance(study, Grid):
        named = [name for _, choice in study.models for name in choice.names]
    else:
        named = list(study.models.names)
        if study.accuracy is not None:
            named += [name for key in _PATHS if (name := getattr(study.accuracy, key)) is not None]
    paths = [name if os.path.isfile(name) else name.rpartition(":")[2] for name in named]
    return [path for path in dict.fromkeys(paths) if os.path.isfile(path)]


def fingerprints(study: AnyStudy) -> dict[str, str]:
    """What tells files of a study from others, by path."""
    return {name: fingerprint(Path(name)) for name in files_of(study)}


def _full_models(choice: ModelChoice) -> ModelChoice:
    return replace(choice, names=tuple(_full(name) for name in choice.names))


def fingerprint(path: Path) -> str:
    """A hash of the size of a file, of its begin and of its end."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        digest = hashlib.sha256(f"{size};".encode())
        for start in (0, max(0, size - _PART)):
            file.seek(start)
            digest.update(file.read(_PART))
    return digest.hexdigest()


def check_files(known: Mapping[str, str]) -> None:
    """Check that this machine has the files that another one told of.

    Raises:
        OptionError: a file is missing or differs.
    """
    for path, told in known.items():
        try:
            found = fingerprint(Path(path))
        except OSError as error:
            raise OptionError(f"cannot be read there: {error.strerror}", loc=Loc(path)) from None
        if found != told:
            raise OptionError("is another file there", loc=Loc(path))


def _full(name: str) -> str:
    return os.path.abspath(name) if os.path.exists(name) else name
