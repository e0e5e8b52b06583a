"""Pools: nests of one size are legal for others and cost what is said, and round sizes do nearly as well."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from catx.costmodel.evaluate import evaluate
from catx.costmodel.tiles_kernel import MAX_DIMS
from catx.frontend.hardware import accelerator_text
from catx.ir.einsum import Einsum
from catx.mapper import seed_kernel
from catx.mapper.forest import Forest
from catx.mapper.front import FrontPoint
from catx.mapper.map_einsum import map_front
from catx.mapper.pool import NestPool, References, new_forest, reference_pool, round_sizes
from catx.mapper.pooled_front import pooled_front
from catx.mapper.tree_search import unpack
from catx.search.hardware_space import HardwareSpace
from tests.mapper.test_map_einsum import CASES, machine


def sized(name: str, *extents: int) -> Einsum:
    """A case with other extents."""
    einsum = CASES[name].canonical()
    return replace(
        einsum, dims=tuple((dim, size) for (dim, _), size in zip(einsum.dims, extents, strict=True))
    )


def pool_of(einsum: Einsum) -> NestPool:
    """Nests that a short search finds."""
    forest, pool = new_forest(einsum, machine()), NestPool()
    forest.dive(look=0)
    pool.add(forest)
    return pool


def best(forest: Forest) -> float:
    """The least energy times latency on a forest's front [J s]."""
    n = int(forest.tree["n_front"])
    return float((forest.tree["front_energy"][:n] * forest.tree["front_time"][:n]).min())


@cache
def known() -> NestPool:
    """Nests of one size."""
    return pool_of(sized("prime tokens", 48, 96, 32))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=3, max_size=3))
def test_nests_of_other_sizes_are_legal_and_cost_what_is_said(extents: list[int]) -> None:
    einsum = sized("prime tokens", *extents)
    forest = new_forest(einsum, machine())
    known().seed(forest)
    assert forest.tree["evaluated"] > 0
    for i in range(int(forest.tree["n_front"])):
        rows = forest.tree["front_nest"][i, : forest.tree["front_rows"][i]]
        counts = evaluate(einsum, unpack(rows, einsum, machine()), machine())  # raises where it is illegal
        latency_s = counts.cycles.latency_cycles / machine().clock_hz + machine().launch_s
        energy_j = counts.dynamic_energy_j + machine().static_w * latency_s
        assert forest.tree["front_time"][i] == pytest.approx(latency_s, rel=1e-9)
        assert forest.tree["front_energy"][i] == pytest.approx(energy_j, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=3, max_size=3))
def test_points_of_a_pool_say_what_their_mappings_cost(extents: list[int]) -> None:
    einsum = sized("prime tokens", *extents)
    front = pooled_front(einsum, machine(), known())
    pairs = [(point.energy_j(machine()), point.latency_s(machine())) for point in front.points]
    assert pairs == sorted(pairs, reverse=True)
    for point in front.points:
        counts = evaluate(einsum, point.mapping, machine())
        whole = FrontPoint(point.mapping, counts)
        assert point.counts == counts
        assert (point.moved, point.loads) == (whole.moved, whole.loads)
        assert point.energy_by_part_j == whole.energy_by_part_j
        assert point.energy_j(machine()) == pytest.approx(whole.energy_j(machine()), rel=1e-9)
        assert point.latency_s(machine()) == pytest.approx(whole.latency_s(machine()), rel=1e-9)
        assert point.steady.compute == pytest.approx(whole.steady.compute, rel=1e-12)
        assert point.steady.link == pytest.approx(whole.steady.link, rel=1e-12)
        for got, said in zip(point.steady.moved, whole.steady.moved, strict=True):
            assert got == pytest.approx(said, rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=3, max_size=3))
def test_the_corners_of_a_pool_are_those_of_its_front(extents: list[int]) -> None:
    """A front that is kept nest by nest has the same least sums and products."""
    einsum = sized("prime tokens", *extents)
    forest = new_forest(einsum, machine())
    known().seed(forest)
    n = int(forest.tree["n_front"])
    assume(n > 0)
    energy, time = forest.tree["front_energy"][:n], forest.tree["front_time"][:n]
    points = pooled_front(einsum, machine(), known()).points
    got = [(point.energy_j(machine()), point.latency_s(machine())) for point in points]
    assert min(pair[0] for pair in got) == pytest.approx(energy.min(), rel=1e-9)
    assert min(pair[1] for pair in got) == pytest.approx(time.min(), rel=1e-9)
    assert min(pair[0] * pair[1] for pair in got) <= (energy * time).min() * 1.02


def test_where_no_nest_of_a_pool_fits_a_short_search_finds_some() -> None:
    einsum = CASES["prime tokens"].canonical()
    front = pooled_front(einsum, machine(), NestPool())
    assert front.points
    for point in front.points:
        assert point.counts == evaluate(einsum, point.mapping, machine())


def test_pools_are_nearly_as_good_as_searches_on_accelerators_between_their_references() -> None:
    space = HardwareSpace(
        yaml.safe_load(accelerator_text("edge")), {"l2_kib": [64, 128, 256, 512], "glb_mib": [2, 4, 8]}
    )
    ratios = []
    for dims in ((197, 768, 3072), (77, 512, 512), (197, 768, 768)):
        einsum = sized("prime tokens", *dims)
        for l2_kib, glb_mib in ((128, 4), (512, 4), (256, 8)):
            values = {"hw.l2_kib": l2_kib, "hw.glb_mib": glb_mib}
            accelerator = space.accelerator(values)
            pool = reference_pool(einsum, References(space.references(values)))
            edps = []
            for front in (pooled_front(einsum, accelerator, pool), map_front(einsum, accelerator, 0)):
                pairs = [(one.energy_j(accelerator), one.latency_s(accelerator)) for one in front.points]
                edps.append(min(energy * latency for energy, latency in pairs))
            ratios.append(edps[0] / edps[1])
    assert max(ratios) < 1.2
    assert sum(ratios) / len(ratios) < 1.03


def test_nests_of_the_same_size_stay_as_they_are() -> None:
    einsum = sized("prime tokens", 48, 96, 32)
    there, again = new_forest(einsum, machine()), new_forest(einsum, machine())
    there.dive(look=0)
    known().seed(again)
    n = int(there.tree["n_front"])
    assert int(again.tree["n_front"]) == n
    for name in ("front_energy", "front_time"):
        assert sorted(again.tree[name][:n]) == pytest.approx(sorted(there.tree[name][:n]), rel=1e-12)


@pytest.mark.parametrize(
    ("extents", "around"),
    [
        ((64, 96, 1), [(64, 96, 1)]),
        ((197, 700, 5), [(192, 512, 4), (256, 768, 6)]),
        ((3, 2, 7), [(3, 2, 6), (3, 2, 8)]),
    ],
)
def test_round_sizes(extents: tuple[int, ...], around: list[tuple[int, ...]]) -> None:
    found = round_sizes(sized("prime tokens", *extents))
    assert [tuple(one.extents.values()) for one in found] == around


def test_windows_keep_their_size() -> None:
    einsum = CASES["conv"].canonical()
    assert round_sizes(einsum) == (einsum,)


def test_pools_of_round_sizes_are_nearly_as_good() -> None:
    references = References([machine()])
    ratios = []
    for extents in ((197, 700, 330), (77, 130, 520), (50, 37, 211), (13, 640, 101)):
        einsum = sized("prime tokens", *extents)
        pool = NestPool.joined([reference_pool(one, references) for one in round_sizes(einsum)])
        edps = []
        for nests in (pool, reference_pool(einsum, references)):
            points = pooled_front(einsum, machine(), nests).points
            edps.append(min(one.energy_j(machine()) * one.latency_s(machine()) for one in points))
        ratios.append(edps[0] / edps[1])
    assert max(ratios) < 1.15
    assert sum(ratios) / len(ratios) < 1.05


def test_pools_on_disk_are_the_same() -> None:
    again = NestPool.from_plain(known().to_plain())
    assert again.to_plain() == known().to_plain()
    assert NestPool.joined([again]) is again


@given(st.lists(st.sampled_from((0, 1, 2**15 - 1, 2**15, 2**31 - 1, 2**31, 2**62)), min_size=4, max_size=4))
def test_numbers_of_any_size_are_kept_on_disk(row: list[int]) -> None:
    pool = NestPool()
    pool.nests, pool.n_rows = np.array([[row]]), np.array([1])
    pool.extents = np.zeros((1, MAX_DIMS), np.int64)
    again = NestPool.from_plain(json.loads(json.dumps(pool.to_plain())))
    assert again.nests.tolist() == [[row]]
    assert {one.dtype for one in (again.nests, again.n_rows, again.extents)} == {np.dtype(np.int64)}


def test_a_nest_is_in_a_pool_once() -> None:
    forest = new_forest(sized("prime tokens", 48, 96, 32), machine())
    forest.dive(look=0)
    pool = NestPool()
    pool.add(forest)
    once = pool.to_plain()
    pool.add(forest)
    assert len(pool.n_rows) > 0
    assert pool.to_plain() == once


def test_a_joined_pool_costs_what_its_parts_do() -> None:
    einsum, references = sized("prime tokens", 77, 130, 520), References([machine()])
    parts = [reference_pool(one, references) for one in round_sizes(einsum)]
    joined = NestPool.joined(parts)
    assert len(parts) == 2
    apart = np.concatenate([part.cost(einsum, machine()) for part in parts])[:, : seed_kernel.COMPUTE]
    together = joined.cost(einsum, machine())[:, : seed_kernel.COMPUTE]
    fits = np.isfinite(apart[:, seed_kernel.ENERGY])  # of the others nothing else is told
    assert fits.any()
    assert np.array_equal(np.isfinite(together[:, seed_kernel.ENERGY]), fits)
    assert np.array_equal(together[fits], apart[fits])
    assert joined.size_bytes >= sum(part.size_bytes for part in parts)
