"""Fronts on disk: one entry per einsum, accelerator and mapper."""

from catx.content_cache import Shelf
from catx.ir.accelerator import Accelerator
from catx.ir.constraints import Constraints
from catx.ir.counts import Access, Counts, Cycles, LinkCounts, StoreCounts
from catx.ir.einsum import Einsum
from catx.ir.fingerprint import fingerprint
from catx.ir.mapping import Loop, Mapping, Store
from catx.ir.plain import from_plain, to_plain
from catx.mapper.front import Front, FrontPoint
from catx.mapper.options import Budget

SHELF = Shelf("fronts", ("mapper/*.py", "costmodel/*.py", "ir/*.py"))
"""Other code of mapper or cost model finds other mappings and counts."""

_CLASSES = (Front, FrontPoint, Mapping, Loop, Store, Counts, StoreCounts, LinkCounts, Cycles, Access)


def _key(einsum: Einsum, accelerator: Accelerator, budget: Budget | None, constraints: Constraints) -> str:
    """The budget (None) does not matter to a front that is proved."""
    return fingerprint((einsum.canonical(), hardware_of(accelerator), budget, constraints))


def hardware_of(accelerator: Accelerator) -> tuple[object, ...]:
    """What matters to a front: names, texts and areas do not, static power does."""
    return (
        accelerator.levels,
        accelerator.matrix,
        accelerator.static_w,
        accelerator.clock_hz,
        accelerator.overlap_only,
        accelerator.launch_s,
    )


def load_front(
    einsum: Einsum, accelerator: Accelerator, budget: Budget, constraints: Constraints = ()
) -> Front | None:
    """The stored front, proved or of this budget, or None if there is none that can be read."""
    data = SHELF.load(_key(einsum, accelerator, None, constraints))
    if data is None:
        data = SHELF.load(_key(einsum, accelerator, budget, constraints))
    if data is None:
        return None
    front = from_plain(data, _CLASSES)
    assert isinstance(front, Front)
    return front


def save_front(
    einsum: Einsum, accelerator: Accelerator, front: Front, budget: Budget, constraints: Constraints = ()
) -> None:
    """Store a front; a cache that cannot be written is no error."""
    key = _key(einsum, accelerator, budget if front.left else None, constraints)
    SHELF.save(key, to_plain(front))
