"""Fronts of einsums on the accelerators of a space, from pools of reference nests; each is found once."""

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache

from catx.ir.accelerator import Accelerator
from catx.ir.einsum import Einsum
from catx.mapper.design import FindFronts
from catx.mapper.family import shape_of
from catx.mapper.front import Front
from catx.mapper.pool import NestPool, References, reference_pool, round_sizes
from catx.mapper.pooled_front import pooled_front
from catx.search.hardware_space import HardwareSpace
from catx.search.space import Value

_POOLS_BYTES = 256 * 2**20
"""Memory that a process keeps pools in [byte]: 50 KB each in the mean (pruned CLIP). On disk all are kept."""

_FRONTS, _FAMILIES = 2_000, 2_000
"""Fronts, and references of families, that a process keeps: some tens of KB each."""

_FEW = 3
"""References of einsums that come in many sizes: of each size there is a pool."""

_Sizes = tuple[Einsum, ...]
"""Einsums of the sizes whose nests an einsum takes over."""

_Family = tuple[object, ...]
"""Values of the keys that change levels or axes, and these."""


class Fronts:
    """Fronts on points of a hardware space; what is found of a point does not depend on those before it.

    Args:
        hardware: the space.
        many: whether einsums come in many sizes: they share pools of a few round ones.
    """

    def __init__(self, hardware: HardwareSpace, *, many: bool = False) -> None:
        self._hardware, self._many = hardware, many
        self._pools: dict[tuple[_Sizes, _Family], NestPool] = {}
        self._references: dict[_Family, References] = {}
        self._front = lru_cache(maxsize=_FRONTS)(pooled_front)
        self._order = random.Random()
        self._held_bytes = 0

    def finder(self, values: Mapping[str, Value]) -> FindFronts:
        """What finds fronts on the accelerator of a design point."""

        def find(einsums: Sequence[Einsum], accelerator: Accelerator) -> dict[Einsum, Front]:
            pools = self.pools(einsums, values, accelerator)
            return {einsum: self._front(einsum, accelerator, pools[einsum]) for einsum in einsums}

        return find

    def pools(
        self, einsums: Sequence[Einsum], values: Mapping[str, Value], accelerator: Accelerator
    ) -> dict[Einsum, NestPool]:
        """Pools of einsums for the family of a design point.

        New ones are made in an order of this process's own: processes that come to a family at the same time
        make different ones, and read those of the others from disk.
        """
        family, references = self._family_of(values, accelerator)
        sizes = {einsum: round_sizes(einsum) if self._many else (einsum,) for einsum in einsums}
        new = [key for key in dict.fromkeys(sizes.values()) if (key, family) not in self._pools]
        if self._held_bytes > _POOLS_BYTES:
            self._pools.clear()
            self._held_bytes, new = 0, list(dict.fromkeys(sizes.values()))
        self._order.shuffle(new)
        for key in new:
            pool = NestPool.joined([reference_pool(einsum, references) for einsum in key])
            self._pools[key, family] = pool
            self._held_bytes += pool.size_bytes
        return {einsum: self._pools[key, family] for einsum, key in sizes.items()}

    def _family_of(self, values: Mapping[str, Value], accelerator: Accelerator) -> tuple[_Family, References]:
        """What accelerators that share pools have in common, and their references.

        A point of a family for which there are none shares its pools with nobody.
        """
        family: _Family = *(values[name] for name in self._hardware.structural_names), shape_of(accelerator)
        found = self._references.get(family)
        if found is None:
            if len(self._references) >= _FAMILIES:
                self._references.clear()
            machines = self._hardware.references(values)
            found = self._references[family] = References(machines[:_FEW] if self._many else machines)
        if found.accelerators:
            return family, found
        own = tuple(values[gene.name] for gene in self._hardware.genes)
        return (*family, *own), References([accelerator])
