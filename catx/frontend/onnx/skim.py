"""Big ONNX files without their weights' bytes: a copy of the wire format that leaves tensor data out.

A file with embedded weights would be held twice in memory by a protobuf parser, for numbers that no cost
depends on. The copy keeps every name, shape and type. Left-out data is marked as external without a
location, with its length in bytes where the file gives raw bytes.

Source of the field numbers: onnx.proto3 of onnx 1.23 (ModelProto, GraphProto, NodeProto, AttributeProto,
TensorProto); of the encoding: https://protobuf.dev/programming-guides/encoding (accessed 2026-07).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

Buffer = bytes | mmap

KEPT_BYTES = 1 << 20
"""Tensors up to this size stay as they are; constants that shapes are computed from are far smaller."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_PATHS = {(7,): True, (7, 5): True, (7, 1): True, (7, 1, 5): True, (7, 1, 5, 5): True}
"""Field paths below the model that lead to tensors: graph, its initializers, its nodes' attributes."""
_TENSORS = {(7, 5), (7, 1, 5, 5)}
_RAW_DATA = 9
_DATA = {4, 5, 6, 7, _RAW_DATA, 10, 11}
_EXTERNAL_MARK = b"\x70\x01"  # data_location (field 14) = EXTERNAL


class WireError(ValueError):
    """The bytes are not a protobuf message."""


@dataclass(frozen=True, slots=True)
class _Field:
    number: int
    kind: int
    start: int
    payload: int
    stop: int


def skim(data: Buffer) -> bytes:
    """The serialized model without the data of its big tensors.

    Raises:
        WireError: the bytes cannot be a protobuf message.
    """
    return b"".join(_copy(data, 0, len(data), ()))


def _copy(data: Buffer, start: int, stop: int, path: tuple[int, ...]) -> Iterator[bytes]:
    """The message between two offsets, rewritten where big tensors are inside."""
    big_tensor = path in _TENSORS
    copied = start
    for field in _fields(data, start, stop):
        inner = (*path, field.number)
        big = field.kind == _LENGTH and field.stop - field.payload > KEPT_BYTES
        if not (big and inner in _PATHS) and not (big_tensor and field.number in _DATA):
            continue
        yield data[copied : field.start]
        copied = field.stop
        if not big_tensor:
            body = b"".join(_copy(data, field.payload, field.stop, inner))
            yield _varint_bytes(field.number << 3 | _LENGTH) + _varint_bytes(len(body)) + body
        elif field.number == _RAW_DATA and field.kind == _LENGTH:
            yield _length_entry(field.stop - field.payload)
    yield data[copied:stop]
    if big_tensor:
        yield _EXTERNAL_MARK


def _length_entry(length: int) -> bytes:
    """An external_data entry (field 13) that says how many bytes were left out."""
    key, value = b"length", str(length).encode()
    entry = b"\x0a" + _varint_bytes(len(key)) + key + b"\x12" + _varint_bytes(len(value)) + value
    return b"\x6a" + _varint_bytes(len(entry)) + entry


def _fields(data: Buffer, at: int, stop: int) -> Iterator[_Field]:
    while at < stop:
        start = at
        tag, at = _varint(data, at, stop)
        kind = tag & 7
        if kind == _VARINT:
            end = _varint(data, at, stop)[1]
        elif kind == _LENGTH:
            length, at = _varint(data, at, stop)
            end = at + length
        elif kind in (_FIXED64, _FIXED32):
            end = at + (8 if kind == _FIXED64 else 4)
        else:
            raise WireError(f"wire type {kind} at byte {start}")
        if end > stop:
            raise WireError(f"the field at byte {start} ends beyond its message")
        yield _Field(tag >> 3, kind, start, at, end)
        at = end


def _varint(data: Buffer, at: int, stop: int) -> tuple[int, int]:
    value = shift = 0
    while at < stop and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise WireError(f"a number without end at byte {at}")


def _varint_bytes(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
