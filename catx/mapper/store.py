"""Mapper results on disk: one entry per einsum, accelerator, objective and mapper."""

from catx.content_cache import Shelf
from catx.ir.accelerator import Accelerator
from catx.ir.counts import Access, Counts, Cycles, LinkCounts, StoreCounts
from catx.ir.einsum import Einsum
from catx.ir.fingerprint import fingerprint
from catx.ir.mapping import Loop, Mapping, Store
from catx.ir.plain import from_plain, to_plain
from catx.mapper.objective import Objective

Found = tuple[Mapping, Counts, int]
"""A mapping, what it costs, and how many nests were costed to find it."""

SHELF = Shelf("mappings", ("mapper/*.py", "costmodel/*.py", "ir/*.py"))
"""Other code of mapper or cost model finds other mappings and counts."""

_CLASSES = (Mapping, Loop, Store, Counts, StoreCounts, LinkCounts, Cycles, Access)


def _key(einsum: Einsum, accelerator: Accelerator, objective: Objective) -> str:
    """Names, texts and areas of the accelerator do not matter to a mapping; its static power does."""
    hardware = (
        accelerator.levels,
        accelerator.matrix,
        accelerator.static_w,
        accelerator.clock_hz,
        accelerator.overlap_only,
    )
    return fingerprint((einsum.canonical(), hardware, objective))


def load_found(einsum: Einsum, accelerator: Accelerator, objective: Objective) -> Found | None:
    """The stored result, or None if there is none that can be read."""
    data = SHELF.load(_key(einsum, accelerator, objective))
    if data is None:
        return None
    mapping, counts, evaluated = from_plain(data, _CLASSES)
    return mapping, counts, evaluated


def save_found(einsum: Einsum, accelerator: Accelerator, objective: Objective, found: Found) -> None:
    """Store a result; a cache that cannot be written is no error."""
    SHELF.save(_key(einsum, accelerator, objective), to_plain(found))
