"""Results that are kept on disk between runs, each found by what it was made from."""

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from catx.cache_dir import cache_dir

_PACKAGE = Path(__file__).parent


@cache
def code_digest(code: tuple[str, ...], libraries: tuple[str, ...] = ()) -> str:
    """A hash of the content of catx's own files, and of the versions of libraries.

    Args:
        code: patterns of files below the package; each must match some.
        libraries: names of installed distributions.
    """
    digest = hashlib.sha256()
    for pattern in code:
        paths = sorted(_PACKAGE.glob(pattern))
        assert paths, f"no file matches {pattern!r}"
        for path in paths:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    for name in libraries:
        digest.update(f"{name} {version(name)};".encode())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Shelf:
    """Results of one kind, one file each, in a folder that is named after all code that makes them.

    Whoever saves must put everything else that decides the result into the key: then an entry that is found
    is right, whatever was installed or edited in between. Old entries are never read again. Every file starts
    with a hash of the rest, so that a damaged one is as good as none.
    """

    name: str
    code: tuple[str, ...]
    libraries: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Where the entries are; it may not exist."""
        return cache_dir() / f"{self.name}-{code_digest(self.code, self.libraries)[:16]}"

    def load(self, key: str) -> Any | None:
        """The data that was saved under a key, or None if there is none that can be read."""
        body = read_sealed(self._path(key))
        return None if body is None else json.loads(body)

    def save(self, key: str, data: Any) -> None:
        """Keep JSON data, whole or not at all; a cache that cannot be written is no error."""
        write_sealed(self._path(key), json.dumps(data, separators=(",", ":")).encode())

    def _path(self, key: str) -> Path:
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def read_sealed(path: Path) -> bytes | None:
    """What `write_sealed` wrote; None if there is no such file, it cannot be read, or its content differs."""
    try:
        head, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return body if head == _seal(body) else None


def write_sealed(path: Path, body: bytes) -> None:
    """Write a file that starts with a hash of the rest: whole, or not at all where it cannot be written.

    Processes that write the same file at once do not disturb each other: the last one's file stays.
    """
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_seal(body) + b"\n" + body)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise


def _seal(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
