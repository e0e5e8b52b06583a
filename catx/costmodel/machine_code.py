"""Machine code of kernels on disk, one sealed file per kernel and signature; damaged ones count as missing.

Takes the place of numba's own cache, which ends in a traceback or an abort on a damaged file, can give one
signature the code of another where two processes compile at once, and falls back to folders that are named
after a single source file where it cannot write.
"""

import hashlib
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba.core import compiler, serialize

from catx.content_cache import read_sealed, write_sealed
from catx.costmodel.kernel_cache import room_folder

_COMPILER: Any = compiler
_SERIALIZE: Any = serialize


class MachineCode:
    """The cache of one kernel, with the methods that numba's dispatcher calls.

    The folder stands for the content of all kernel files and for numba's version; a file's name for the
    kernel, the types of its arguments, Python and the processor. What the name stands for is in the file,
    too, and is compared.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        module = function.__module__
        parts = module.split(".")
        assert (parts[0], len(parts), module.endswith("_kernel")) == ("catx", 3, True), (
            f"{module}.{function.__qualname__}: the cache folder is named after catx/*/*_kernel.py alone"
        )
        assert function.__closure__ is None, f"{function.__qualname__}: its code depends on a closure"
        self._room = parts[1]
        self._name = f"{parts[2]}.{function.__qualname__}"
        self._code = hashlib.sha256(function.__code__.co_code).hexdigest()

    @property
    def cache_path(self) -> str:
        """The folder that holds the files; for `stats` of numba's dispatcher."""
        return str(room_folder(self._room))

    def load_overload(self, signature: Any, target: Any) -> Any | None:
        """The kernel's code for one signature, or None if there is none that is whole."""
        target.refresh()
        key = self._key(signature, target.codegen())
        body = read_sealed(self._path(key))
        if body is None:
            return None
        found, code = pickle.loads(body)
        return _COMPILER.CompileResult._rebuild(target, *code) if found == key else None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep a kernel's code, whole or not at all; a cache that cannot be written is no error."""
        assert not result.lifted, f"{self._name}: a loop of it is compiled by itself"
        assert not result.library.has_dynamic_globals, f"{self._name}: it holds addresses of this process"
        key = self._key(signature, result.codegen)
        write_sealed(self._path(key), _SERIALIZE.dumps((key, result._reduce())))

    def flush(self) -> None:
        """Forget all code of this kernel."""
        for path in room_folder(self._room).glob(f"{self._name}-*"):
            path.unlink(missing_ok=True)

    def _key(self, signature: Any, codegen: Any) -> tuple[Any, ...]:
        return signature, codegen.magic_tuple(), sys.implementation.cache_tag, self._code

    def _path(self, key: tuple[Any, ...]) -> Path:
        digest = hashlib.sha256(repr(key).encode()).hexdigest()
        return room_folder(self._room) / f"{self._name}-{digest[:32]}.nbc"
