"""Mapper results on disk: one small file per einsum, accelerator, objective and mapper."""

import contextlib
import hashlib
import json
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from catx.cache_dir import cache_dir
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import Einsum
from catx.ir.fingerprint import fingerprint
from catx.ir.mapping import Loop, Mapping, Node, Store
from catx.mapper.objective import Objective

MappedEntry = tuple[Mapping, int]
"""A mapping and how many nests were costed to find it."""


@cache
def _folder() -> Path:
    """A folder named after the content of mapper and cost model: other code finds other mappings."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for path in sorted((*package.glob("mapper/*.py"), *package.glob("costmodel/*.py"))):
        digest.update(path.read_bytes())
    return cache_dir() / f"mappings-{digest.hexdigest()[:16]}"


def _path(einsum: Einsum, accelerator: Accelerator, objective: Objective) -> Path:
    """Names, texts and areas of the accelerator do not matter to a mapping; its static power does."""
    hardware = (
        accelerator.levels,
        accelerator.matrix,
        accelerator.static_w,
        accelerator.clock_hz,
        accelerator.overlap_only,
    )
    return _folder() / f"{fingerprint((einsum.canonical(), hardware, objective))}.json"


def load_mapping(einsum: Einsum, accelerator: Accelerator, objective: Objective) -> MappedEntry | None:
    """The stored result, or None if there is none that can be read."""
    try:
        entry = json.loads(_path(einsum, accelerator, objective).read_text())
        return Mapping(tuple(_node(row) for row in entry["nodes"])), int(entry["evaluated"])
    except (OSError, ValueError, KeyError, TypeError):  # missing or damaged: it is found again
        return None


def save_mapping(
    einsum: Einsum, accelerator: Accelerator, objective: Objective, mapping: Mapping, evaluated: int
) -> None:
    """Store a result whole or not at all; a cache that cannot be written is no error."""
    path = _path(einsum, accelerator, objective)
    text = json.dumps({"nodes": [_row(node) for node in mapping.nodes], "evaluated": evaluated})
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "w") as file:
                file.write(text)
            os.replace(name, path)
        except OSError:
            os.unlink(name)
            raise


def _row(node: Node) -> list[Any]:
    if isinstance(node, Store):
        return [node.memory, node.role]
    return [node.dim, node.tile, node.fanout, node.axis]


def _node(row: list[Any]) -> Node:
    return Store(*row) if len(row) == 2 else Loop(*row)
