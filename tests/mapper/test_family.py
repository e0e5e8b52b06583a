"""Families: fronts are real, bounds hold, and what others found helps."""

from dataclasses import replace

import pytest

from catx.costmodel.evaluate import evaluate
from catx.errors import OptionError
from catx.ir.accelerator import Accelerator, Fanout, Memory
from catx.ir.mapping import Mapping
from catx.mapper.family import FamilyFront, family_fronts
from catx.mapper.tree_search import search_front, unpack
from tests.mapper.test_map_einsum import CASES, machine

SAME = 1 + 1e-9


def _family() -> list[Accelerator]:
    """The machine with buffers and rates of several sizes."""

    def changed(size: float, rate: float) -> Accelerator:
        levels = tuple(
            replace(level, capacity_bytes=level.capacity_bytes * size, read_bytes_per_cycle=64 * rate)
            if isinstance(level, Memory) and level.name == "glb"
            else level
            for level in machine().levels
        )
        return replace(machine(), levels=levels)

    return [changed(size, rate) for size in (0.25, 1, 4) for rate in (0.5, 1, 2)]


def _costs(front: FamilyFront) -> list[tuple[float, float]]:
    return list(zip(front.energy_j.tolist(), front.latency_s.tolist(), strict=True))


def _cost(name: str, mapping: Mapping, accelerator: Accelerator) -> tuple[float, float]:
    counts = evaluate(CASES[name], mapping, accelerator)
    latency_s = counts.cycles.latency_cycles / accelerator.clock_hz + accelerator.launch_s
    return counts.dynamic_energy_j + accelerator.static_w * latency_s, latency_s


@pytest.mark.parametrize("name", ["prime tokens", "attention", "conv"])
def test_fronts_cost_what_they_say_and_come_close_to_searches_alone(name: str) -> None:
    family = _family()
    for accelerator, front in zip(family, family_fronts(CASES[name], family, 1000), strict=True):
        for nest, costs in zip(front.nests, _costs(front), strict=True):
            again = _cost(name, unpack(nest, CASES[name], accelerator), accelerator)
            assert costs == pytest.approx(again, rel=1e-9)
        alone = search_front(CASES[name], accelerator, 1000)
        best = min(e * t for e, t in (_cost(name, nest, accelerator) for nest in alone.mappings))
        assert min(e * t for e, t in _costs(front)) <= best * 1.05


@pytest.mark.parametrize("name", ["prime tokens", "attention"])
def test_bounds_hold_for_what_searches_alone_find(name: str) -> None:
    family = _family()
    for accelerator, front in zip(family, family_fronts(CASES[name], family, 300), strict=True):
        known = [*_costs(front), *front.left]
        for mapping in search_front(CASES[name], accelerator, 20_000).mappings:
            energy, latency = _cost(name, mapping, accelerator)
            assert any(e <= energy * SAME and t <= latency * SAME for e, t in known)


def test_other_levels_are_no_family() -> None:
    one = machine()
    axes = tuple(
        replace(level, axes=(replace(level.axes[0], size=8), *level.axes[1:]))
        if isinstance(level, Fanout)
        else level
        for level in one.levels
    )
    with pytest.raises(OptionError, match="no family"):
        family_fronts(CASES["attention"], [one, replace(one, levels=axes)], 0)
