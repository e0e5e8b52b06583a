"""Result files: written whole or not at all, and never over something that the user wrote or changed."""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
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

_FAMILIES = (("search_", ".png", b"catx search plot"), ("search_", ".json", b'"schema": "catx.search-plot/'))
"""The same of files whose names a study decides: beginning, end and mark."""

WRITTEN = ".catx.json"
"""Beside them: a hash of each file as catx wrote it. One that the user has changed since is not replaced."""

_SNIFFED = 1024


def check_folder(folder: Path, names: Iterable[str] = MARKS) -> None:
    """Raise an OutputError unless files of these names could be written there; changes nothing.

    The folder may not exist yet. Results of an earlier run are replaced, unless they were changed since;
    other files of these names never are.
    """
    loc = Loc(str(folder))
    try:
        if folder.exists() and not folder.is_dir():
            raise OutputError("is a file, not a folder", loc=loc, hint="-o names a folder for result files")
        parent = next((p for p in (folder, *folder.absolute().parents) if p.exists()), folder)
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            raise OutputError(f"cannot write into {parent}", loc=loc)
        written = _written(folder)
        for name in names:
            _check_replaceable(folder / name, written.get(name, ""))
    except OSError as error:
        raise OutputError(f"cannot use this folder: {error.strerror}", loc=loc) from None


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write texts, or bytes, by file name into a folder, which is created if needed.

    Every file is complete in a temporary file beside its place before the first one is put there.
    """
    assert all(map(_mark, files)), "a file without a mark could not be told apart later"
    check_folder(folder, files)
    waiting: dict[Path, Path] = {}
    raw = {name: _bytes(content) for name, content in files.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        hashes = _written(folder) | {name: sha256(content).hexdigest() for name, content in raw.items()}
        raw[WRITTEN] = _bytes(json.dumps(hashes, indent=1) + "\n")
        for name, content in raw.items():
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


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet; nothing is left of one that cannot be written whole.

    Raises:
        OutputError: there is a file already, or it cannot be written.
    """
    loc = Loc(str(path))
    try:
        with path.open("xb") as stream:
            try:
                stream.write(content)
                stream.flush()
            except BaseException:
                path.unlink(missing_ok=True)
                raise
    except FileExistsError:
        raise OutputError(
            "exists already: nothing is overwritten", loc=loc, hint="name another file with -o"
        ) from None
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror}", loc=loc) from None


def _mark(name: str) -> bytes:
    """What a file of this name is told by; nothing where catx writes none."""
    if name in MARKS:
        return MARKS[name]
    return next(
        (mark for start, end, mark in _FAMILIES if name.startswith(start) and name.endswith(end)), b""
    )


def _bytes(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")


def _written(folder: Path) -> dict[str, str]:
    """Hashes of the files as catx wrote them; none where nothing says so."""
    try:
        found = json.loads((folder / WRITTEN).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _write_temporary(folder: Path, name: str, content: bytes) -> Path:
    handle, path = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
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


def _check_replaceable(path: Path, written: str) -> None:
    """Raise an OutputError where there is something else than what catx wrote, `written` being its hash."""
    if not path.exists() and not path.is_symlink():
        return
    content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
    marked = _mark(path.name) in content[:_SNIFFED]
    if marked and sha256(content).hexdigest() == written:
        return
    raise OutputError(
        "exists, and is not as catx wrote it" if marked else "exists and was not written by catx",
        loc=Loc(str(path)),
        hint="move it away, or give another folder to -o",
    )
