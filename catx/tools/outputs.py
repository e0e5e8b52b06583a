"""Result files: written whole or not at all, and never over something that catx did not write."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from catx.errors import Loc, OutputError

MARKS = {
    "report.json": b'"schema": "catx.report/',
    "mapping.yaml": b"schema: catx.mapping/",
    "layers.csv": b"model,layer,op,kind,",
    "carbon_parts.png": b"catx carbon plot",
    "carbon_lifetime.png": b"catx carbon plot",
    "carbon_plots.json": b'"schema": "catx.plots/',
}
"""The files that catx writes, and what their first kilobyte tells them by."""

_SNIFFED = 1024


def check_folder(folder: Path) -> None:
    """Raise an OutputError unless the results could be written there; changes nothing.

    The folder may not exist yet. Results of an earlier run may be replaced, other files of these names not.
    """
    loc = Loc(str(folder))
    try:
        if folder.exists() and not folder.is_dir():
            raise OutputError("is a file, not a folder", loc=loc, hint="-o names a folder for result files")
        parent = next((p for p in (folder, *folder.absolute().parents) if p.exists()), folder)
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            raise OutputError(f"cannot write into {parent}", loc=loc)
        for name in MARKS:
            _check_replaceable(folder / name)
    except OSError as error:
        raise OutputError(f"cannot use this folder: {error.strerror}", loc=loc) from None


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write texts, or bytes, by file name into a folder, which is created if needed.

    Every file is complete in a temporary file beside its place before the first one is put there.
    """
    assert files.keys() <= MARKS.keys(), "a file without a mark could not be told apart later"
    check_folder(folder)
    waiting: dict[Path, Path] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            waiting[folder / name] = _write_temporary(folder, name, content)
        for place in list(waiting):
            waiting[place].replace(place)
            del waiting[place]
    except OSError as error:
        raise OutputError(f"cannot write: {error.strerror}", loc=Loc(str(folder))) from None
    finally:
        for temporary in waiting.values():
            with suppress(OSError):
                temporary.unlink()


def _write_temporary(folder: Path, name: str, content: str | bytes) -> Path:
    handle, path = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(
                content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
            )
            stream.flush()
            os.fsync(stream.fileno())
        Path(path).chmod(0o666 & ~_umask())
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
    return Path(path)


def _umask() -> int:
    """The process' file mode mask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _check_replaceable(path: Path) -> None:
    if not path.exists() and not path.is_symlink():
        return
    ours = False
    if path.is_file() and not path.is_symlink():
        with path.open("rb") as stream:
            ours = MARKS[path.name] in stream.read(_SNIFFED)
    if not ours:
        raise OutputError(
            "exists and was not written by catx",
            loc=Loc(str(path)),
            hint="move it away, or give another folder to -o",
        )
