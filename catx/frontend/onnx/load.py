"""From a path to an ONNX model in memory: what the file is, its hash, its header, functions inlined."""

import hashlib
import mmap
import os
import stat
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto

from catx.errors import Loc, ModelError
from catx.frontend.onnx.functions import inline_functions
from catx.frontend.onnx.names import clean_names, shown
from catx.frontend.onnx.skim import WireError, skim

MAX_BYTES = 2**31 - 1
"""Largest protobuf message; source: https://protobuf.dev/programming-guides/proto-limits (2026-07)."""
SKIMMED_BYTES = 16 << 20
"""Files above this size are read without their weights' data."""

_EXPORT = "export the model with torch.onnx.export, or tf2onnx for TensorFlow"
_MAGIC = (
    (0, b"PK\x03\x04", "a zip archive, as torch.save writes it"),
    (0, b"\x80\x02", "a Python pickle, as old torch.save wrote it"),
    (0, b"\x80\x04", "a Python pickle"),
    (0, b"\x89HDF", "an HDF5 file, as Keras writes it"),
    (0, b"\x1f\x8b", "a gzip archive; unpack it first"),
    (0, b"GGUF", "a GGUF file"),
    (4, b"TFL3", "a TensorFlow Lite file"),
    (4, b"ORTM", "an ONNX Runtime (.ort) file"),
    (8, b'{"', "a safetensors file: weights without a graph"),
)


def load(path: Path, loc: Loc) -> tuple[ModelProto, str]:
    """Read a model: its proto with functions inlined and printable names, and the file's SHA-256.

    Weights in other files are not touched; those inside a big file are left out.

    Raises:
        ModelError: the file cannot be read, or is not an ONNX model that the installed onnx package knows.
    """
    model, digest = _parse(path, loc)
    clean_names(model, loc)
    _check_header(model, loc)
    return inline_functions(model, loc), digest


def _parse(path: Path, loc: Loc) -> tuple[ModelProto, str]:
    try:
        status = path.stat()
        _check_file(status, loc)
        with path.open("rb") as file:
            if status.st_size <= SKIMMED_BYTES:
                data = file.read()
                return _decode(data, data[:64], loc), hashlib.sha256(data).hexdigest()
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                return _decode(skim(view), view[:64], loc), digest
    except WireError as error:
        raise ModelError(f"not an ONNX model, or damaged: {error}", loc=loc, hint=_EXPORT) from error
    except FileNotFoundError as error:
        raise ModelError("no such file", loc=loc) from error
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror or error}", loc=loc) from error
    except ValueError as error:  # a null byte in the path
        raise ModelError(f"cannot be read: {error}", loc=loc) from error


def _check_file(status: os.stat_result, loc: Loc) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise ModelError("is a directory", loc=loc, hint="name the .onnx file in it")
    if not stat.S_ISREG(status.st_mode):
        raise ModelError("is not a regular file", loc=loc, hint="save the model to a file first")
    if status.st_size == 0:
        raise ModelError("the file is empty", loc=loc)
    if status.st_size > MAX_BYTES:
        raise ModelError(
            f"the file has {status.st_size} bytes; an ONNX file cannot have more than 2 GiB",
            loc=loc,
            hint="save its weights beside it: onnx.save(model, path, save_as_external_data=True)",
        )


def _decode(data: bytes, head: bytes, loc: Loc) -> ModelProto:
    for offset, magic, kind in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            raise ModelError(f"not an ONNX model: this is {kind}", loc=loc, hint=_EXPORT)
    if all(32 <= byte < 127 or byte in b"\t\r\n" for byte in head):
        raise ModelError("not an ONNX model: this is a text file", loc=loc, hint=_EXPORT)
    try:
        model = ModelProto()
        model.ParseFromString(data)
    except DecodeError as error:
        raise ModelError(
            "not an ONNX model, or damaged or cut off: its bytes are no protobuf message",
            loc=loc,
            hint=_EXPORT,
        ) from error
    if not model.HasField("graph") or not (model.graph.node or model.graph.output):
        raise ModelError("not an ONNX model: it has no graph", loc=loc, hint=_EXPORT)
    return model


def _check_header(model: ModelProto, loc: Loc) -> None:
    newer = f"install a newer onnx package; {onnx.__version__} is installed"
    if not 1 <= model.ir_version <= onnx.IR_VERSION:
        unset = "it was not set when the model was made: model.ir_version = 10 sets it"
        raise ModelError(
            f"its ONNX IR version is {model.ir_version}; known are 1 to {onnx.IR_VERSION}",
            loc=loc,
            hint=newer if model.ir_version > onnx.IR_VERSION else unset,
        )
    versions: dict[str, int] = {}
    for opset in model.opset_import:
        if versions.setdefault(opset.domain, opset.version) != opset.version:
            raise ModelError(f"two versions of the domain {shown(opset.domain)} are imported", loc=loc)
    latest = onnx.defs.onnx_opset_version()
    if not versions and model.ir_version >= 3:
        raise ModelError("it does not say which operator set it uses (no opset_import)", loc=loc)
    if not 1 <= versions.get("", 1) <= latest:
        unset = "the version was not set when the model was made: onnx.helper.make_opsetid('', 17) sets it"
        raise ModelError(
            f"its opset is {versions['']}; known are 1 to {latest}",
            loc=loc,
            hint=newer if versions[""] > latest else unset,
        )


def opset_versions(model: ModelProto) -> dict[str, int]:
    """Version of every imported domain; the default domain is "", and old files without imports mean 1."""
    return {opset.domain: opset.version for opset in model.opset_import} or {"": 1}
