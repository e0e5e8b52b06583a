"""Tensors of a model file: checked headers, and the values of the small ones."""

import stat
from collections.abc import Callable
from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from catx.errors import Loc, ModelError
from catx.frontend.onnx.names import first_line, shown
from catx.frontend.onnx.proto_types import DTYPES, SMALL, checked_shape

_TYPED_DATA: dict[int, Callable[[TensorProto], int]] = {
    TensorProto.FLOAT: lambda tensor: len(tensor.float_data),
    TensorProto.INT32: lambda tensor: len(tensor.int32_data),
    TensorProto.INT64: lambda tensor: len(tensor.int64_data),
    TensorProto.DOUBLE: lambda tensor: len(tensor.double_data),
}


def check_tensor(tensor: TensorProto, loc: Loc) -> tuple[int, ...]:
    """The shape of a tensor whose header, data and external place fit together.

    A tensor without any data is taken for a weight that was left out.

    Raises:
        ModelError: impossible extents, data of another length than they say, or a place for external data
            that is not below the model's folder.
    """
    shape = checked_shape(tensor.name, tensor.dims, loc)
    if tensor.data_location == TensorProto.EXTERNAL:
        entries = external_entries(tensor, loc)
        if "location" in entries:
            _check_location(entries["location"], tensor.name, loc)
        held: int | None = _number(entries, "length", tensor.name, loc)
    else:
        held = len(tensor.raw_data) or None
    wanted = _stored_bytes(tensor.data_type, prod(shape))
    if held is not None and wanted is not None and held != wanted:
        raise ModelError(
            f"tensor {shown(tensor.name)} of shape {list(shape)} needs {wanted} bytes, but has {held}",
            loc=loc,
        )
    count = _TYPED_DATA.get(tensor.data_type)
    if held is None and count and (stored := count(tensor)) and stored != prod(shape):
        raise ModelError(f"tensor {shown(tensor.name)} has shape {list(shape)}, but {stored} values", loc=loc)
    return shape


_COMPLEX_BYTES: dict[int, int] = {TensorProto.COMPLEX64: 8, TensorProto.COMPLEX128: 16}


def _stored_bytes(elem_type: int, elements: int) -> int | None:
    """Bytes of raw data; elements below a byte are packed. None for strings and unknown types."""
    if elem_type in DTYPES:
        return (elements * DTYPES[elem_type].bits + 7) // 8
    return elements * _COMPLEX_BYTES[elem_type] if elem_type in _COMPLEX_BYTES else None


def external_entries(tensor: TensorProto, loc: Loc) -> dict[str, str]:
    """Where the data of an external tensor is: location, offset, length."""
    entries = {}
    for entry in tensor.external_data:
        if not isinstance(entry.key, str) or not isinstance(entry.value, str):
            raise ModelError(f"tensor {shown(tensor.name)}: its place is not valid UTF-8", loc=loc)
        entries[entry.key] = entry.value
    return entries


def _number(entries: dict[str, str], key: str, name: str, loc: Loc) -> int | None:
    text = entries.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ModelError(f"tensor {shown(name)}: its external {key} {shown(text)} is no number", loc=loc)
    return int(text)


def _check_location(location: str, name: str, loc: Loc) -> None:
    windows = PureWindowsPath(location)
    absolute = windows.drive or windows.root or PurePosixPath(location).is_absolute()
    if not location or "\0" in location or absolute or ".." in windows.parts:
        raise ModelError(
            f"tensor {shown(name)} has its data in {shown(location)}, which is not below the model's folder",
            loc=loc,
            hint="external data is only read below the folder of the model; save the model again",
        )


def small_values(tensor: TensorProto, folder: Path, loc: Loc) -> NDArray[Any] | None:
    """The values of a small tensor that `check_tensor` passed; None where they are not shipped.

    Raises:
        ModelError: its data is in a file outside the model's folder, or is cut off.
    """
    if prod(tensor.dims) > SMALL or tensor.data_type not in DTYPES:
        return None
    if tensor.data_location == TensorProto.EXTERNAL:
        raw = _external_bytes(tensor, folder, loc)
        if raw is None:
            return None
        tensor = TensorProto(dims=tensor.dims, data_type=tensor.data_type, name=tensor.name, raw_data=raw)
    elif prod(tensor.dims) and not _has_data(tensor):
        return None
    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"tensor {shown(tensor.name)} cannot be read: {first_line(error)}", loc=loc
        ) from error


def _has_data(tensor: TensorProto) -> bool:
    typed = (tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data, tensor.uint64_data)
    return bool(tensor.raw_data) or any(len(values) for values in typed)


def _external_bytes(tensor: TensorProto, folder: Path, loc: Loc) -> bytes | None:
    """The bytes of an external tensor; None if its file does not exist."""
    entries = external_entries(tensor, loc)
    if "location" not in entries:
        return None
    path = folder / entries["location"]
    size = _stored_bytes(tensor.data_type, prod(tensor.dims)) or 0
    offset = _number(entries, "offset", tensor.name, loc) or 0
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(folder.resolve()):
            raise ModelError(
                f"tensor {shown(tensor.name)} has its data in {shown(entries['location'])}, "
                "a link that leaves the model's folder",
                loc=loc,
            )
        if not stat.S_ISREG(real.stat().st_mode):
            raise ModelError(f"{shown(entries['location'])} is not a regular file", loc=loc)
        with real.open("rb") as file:
            file.seek(offset)
            data = file.read(size)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, RuntimeError, OverflowError) as error:
        raise ModelError(f"cannot read {shown(entries['location'])}: {first_line(error)}", loc=loc) from error
    if len(data) < size:
        raise ModelError(
            f"{shown(entries['location'])} is cut off: {shown(tensor.name)} ends at byte {offset + size}",
            loc=loc,
        )
    return data
