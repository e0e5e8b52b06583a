"""Load an accelerator: by the name of a built-in machine, from a file, or from text."""

import os
from functools import cache
from importlib.resources import files
from pathlib import Path

from catx.errors import Loc, SpecError
from catx.frontend.file_kind import HARDWARE
from catx.frontend.hardware.document import MAX_BYTES, read_document
from catx.frontend.hardware.problems import visible
from catx.frontend.text_file import is_missing, read_text
from catx.ir.accelerator import Accelerator
from catx.names import nearest

DEFAULT = "edge"
"""The built-in machine that is used when none is named."""


def load_accelerator(path_or_name: str | Path) -> Accelerator:
    """A built-in machine by its name, or the machine that a hardware file describes.

    A bare name of a built-in machine means that machine; write `./edge` for a file of that name.

    Example:
        >>> load_accelerator("edge").clock_hz
        625000000.0

    Raises:
        SpecError: no such machine or file, or everything that is wrong in the file.
    """
    if isinstance(path_or_name, str) and path_or_name in builtin_names():
        return parse_accelerator(accelerator_text(path_or_name), f"{path_or_name} (built in)")
    return parse_accelerator(_read(path_or_name), os.fspath(path_or_name))


def parse_accelerator(text: str, file: str = "<text>") -> Accelerator:
    """The machine that hardware YAML describes; `file` is what messages call it.

    Raises:
        SpecError: listing everything that is wrong, with lines.
    """
    from catx.frontend.hardware.build import build  # pydantic is slow to import
    from catx.frontend.hardware.templates import general_form

    return build(*general_form(read_document(text, file)))


def builtin_accelerators() -> tuple[tuple[str, str, str], ...]:
    """Name, description and source of every built-in machine, the default one first."""
    heads = []
    for name in builtin_names():
        data = read_document(accelerator_text(name), name).data
        heads.append((name, str(data["description"]).strip(), str(data["source"]).strip()))
    return tuple(heads)


def accelerator_text(name: str) -> str:
    """The YAML source of a built-in machine.

    Raises:
        SpecError: there is none of that name.
    """
    if name not in builtin_names():
        raise SpecError(
            f"no built-in accelerator {visible(name)!r}{nearest(name, builtin_names())}",
            hint=f"built in are {', '.join(builtin_names())}",
        )
    return files("catx.data").joinpath(f"hardware/{name}.yaml").read_text(encoding="utf-8")


@cache
def builtin_names() -> tuple[str, ...]:
    """Names of the built-in machines, the default one first."""
    entries = files("catx.data").joinpath("hardware").iterdir()
    names = sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml"))
    return (DEFAULT, *(name for name in names if name != DEFAULT))


def _read(path: str | Path) -> str:
    """The text of a hardware file; where there is none, the nearest built-in name may be meant."""
    if is_missing(path):
        raise _missing(path)
    return read_text(path, MAX_BYTES, HARDWARE)


def _missing(path: str | Path) -> SpecError:
    names = builtin_names()
    if os.sep in os.fspath(path) or Path(path).suffix:
        return SpecError("no such file", loc=Loc(os.fspath(path)))
    return SpecError(
        f"no built-in accelerator and no file {visible(os.fspath(path))!r}{nearest(path, names)}",
        hint=f"built in are {', '.join(names)}",
    )
