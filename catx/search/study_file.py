"""Study files and grid files, and those that come with catx (docs/search.md)."""

import os
from functools import cache
from importlib.resources import files
from pathlib import Path

from catx.errors import Loc, SpecError
from catx.frontend.file_kind import STUDY
from catx.frontend.hardware.document import Document, Format, read_document
from catx.frontend.text_file import is_missing, read_text
from catx.names import nearest
from catx.search.grid import AnyStudy, Grid
from catx.search.study import Study

GRID_KEYS = frozenset(("models", "accelerators"))
"""Keys at the top of a file that say that it is a grid, not a search."""

FORM = Format("one study", "a study file has keys such as `study: my-study` and `objectives:`", STUDY)


def load_study(path_or_name: str | Path) -> Study:
    """A study by the name of a built-in one, or from a file.

    Raises:
        SpecError: no such study, one of the other kind, or everything that is wrong in the file, by line.
    """
    found = load_any(path_or_name)
    if not isinstance(found, Study):
        raise SpecError(
            "this is a grid, whose points are all evaluated",
            loc=Loc(os.fspath(path_or_name)),
            hint="`catx study` runs it",
        )
    return found


def load_grid(path_or_name: str | Path) -> Grid:
    """A grid by the name of a built-in one, or from a file.

    Raises:
        SpecError: as `load_study`.
    """
    found = load_any(path_or_name)
    if not isinstance(found, Grid):
        raise SpecError(
            "this is a study to search, not a grid",
            loc=Loc(os.fspath(path_or_name)),
            hint="`catx search` runs it; `--sampler grid` takes points in their order, up to `--evaluations`",
        )
    return found


def load_any(path_or_name: str | Path) -> AnyStudy:
    """A study or a grid by the name of a built-in one, or from a file.

    Raises:
        SpecError: no such study, or everything that is wrong in the file, by line.
    """
    return parse_any(*study_text(path_or_name))


def study_text(path_or_name: str | Path) -> tuple[str, str]:
    """The YAML of a study, and what messages call it.

    Raises:
        SpecError: no such study or file.
    """
    name = os.fspath(path_or_name)
    if isinstance(path_or_name, str) and name in builtin_studies():
        return _builtin_text(name), f"{name} (built in)"
    if is_missing(name) and os.sep not in name and not Path(name).suffix:
        raise SpecError(
            f"no built-in study and no file {name!r}{nearest(name, builtin_studies())}",
            hint=f"built in are {', '.join(builtin_studies())}",
        )
    return read_text(name, FORM.max_bytes, STUDY), name


def parse_study(text: str, file: str = "<text>") -> Study:
    """The study that YAML text describes; paths in it are relative to `file`.

    Raises:
        SpecError: listing everything that is wrong, with lines.
    """
    found = parse_any(text, file)
    if not isinstance(found, Study):
        raise SpecError("this is a grid, not a study to search", loc=Loc(file))
    return found


def parse_any(text: str, file: str = "<text>") -> AnyStudy:
    """The study or grid that YAML text describes; paths in it are relative to `file`.

    Raises:
        SpecError: listing everything that is wrong, with lines.
    """
    document = read_document(text, file, FORM)
    if GRID_KEYS.intersection(document.data):
        from catx.search.grid_spec import grid_of  # pydantic is slow to import

        return grid_of(document)
    from catx.search.study_spec import study_of

    return study_of(document, builtin_studies(), _builtin_document)


@cache
def builtin_studies() -> tuple[str, ...]:
    """Names of the studies that come with catx."""
    entries = files("catx.data").joinpath("studies").iterdir()
    return tuple(
        sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml"))
    )


def _builtin_text(name: str) -> str:
    return files("catx.data").joinpath(f"studies/{name}.yaml").read_text(encoding="utf-8")


def _builtin_document(name: str) -> Document:
    return read_document(_builtin_text(name), name, FORM)
