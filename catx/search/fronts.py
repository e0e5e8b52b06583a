"""Fronts of einsums on the accelerators of a space, from pools of reference nests; each is found once."""

from collections.abc import Mapping
from functools import lru_cache

from catx.ir.accelerator import Accelerator
from catx.ir.einsum import Einsum
from catx.mapper.design import FindFront
from catx.mapper.front import Front
from catx.mapper.pool import NestPool, pooled_front, reference_pool
from catx.search.hardware_space import HardwareSpace
from catx.search.space import Value

_POOLS, _FRONTS = 20_000, 2_000
"""Entries that a process keeps: a pool takes some KB, a front some tens of KB."""


class Fronts:
    """Fronts on points of a hardware space; what is found of a point does not depend on those before it.

    Args:
        hardware: the space.
    """

    def __init__(self, hardware: HardwareSpace) -> None:
        self._hardware = hardware
        self._pools: dict[tuple[Einsum, tuple[Value, ...]], NestPool] = {}
        self._front = lru_cache(maxsize=_FRONTS)(pooled_front)

    def finder(self, values: Mapping[str, Value]) -> FindFront:
        """What finds fronts on the accelerator of a design point."""
        family = tuple(values[name] for name in self._hardware.structural_names)

        def find(einsum: Einsum, accelerator: Accelerator) -> Front:
            key = einsum, family
            pool = self._pools.get(key)
            if pool is None:
                if len(self._pools) >= _POOLS:
                    self._pools.clear()  # on disk they are still
                pool = self._pools[key] = reference_pool(einsum, self._hardware.references(values))
            return self._front(einsum, accelerator, pool)

        return find
