"""Load an accelerator: by the name of a built-in machine, from a file, or from text."""

import os
import stat
from functools import cache
from importlib.resources import files
from pathlib import Path

from catx.errors import Loc, SpecError
from catx.frontend.hardware.document import MAX_BYTES, read_document
from catx.frontend.hardware.problems import nearest, visible
from catx.ir.accelerator import Accelerator

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
    if isinstance(path_or_name, str) and path_or_name in _builtin_names():
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
    for name in _builtin_names():
        data = read_document(accelerator_text(name), name).data
        heads.append((name, str(data["description"]).strip(), str(data["source"]).strip()))
    return tuple(heads)


def accelerator_text(name: str) -> str:
    """The YAML source of a built-in machine.

    Raises:
        SpecError: there is none of that name.
    """
    if name not in _builtin_names():
        raise SpecError(
            f"no built-in accelerator {visible(name)!r}{nearest(name, _builtin_names())}",
            hint=f"built in are {', '.join(_builtin_names())}",
        )
    return files("catx.data").joinpath(f"hardware/{name}.yaml").read_text(encoding="utf-8")


@cache
def _builtin_names() -> tuple[str, ...]:
    entries = files("catx.data").joinpath("hardware").iterdir()
    names = sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml"))
    return (DEFAULT, *(name for name in names if name != DEFAULT))


def _read(path: str | Path) -> str:
    """The text of a regular file of bounded size."""
    loc = Loc(os.fspath(path))
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise SpecError("not a regular file", loc=loc)
        with open(path, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _missing(path) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SpecError(f"cannot be read: {reason}", loc=loc) from None
    if len(data) > MAX_BYTES:
        raise SpecError(f"the file is larger than {MAX_BYTES} bytes", loc=loc)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"not UTF-8 text (byte {error.start})", loc=loc) from None


def _missing(path: str | Path) -> SpecError:
    names = _builtin_names()
    if os.sep in os.fspath(path) or Path(path).suffix:
        return SpecError("no such file", loc=Loc(os.fspath(path)))
    return SpecError(
        f"no built-in accelerator and no file {visible(os.fspath(path))!r}{nearest(path, names)}",
        hint=f"built in are {', '.join(names)}",
    )
