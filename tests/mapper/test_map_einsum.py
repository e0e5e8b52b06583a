"""The mapper: legal, deterministic, honest about its bound, and better than random search."""

from dataclasses import replace
from math import inf
from random import Random

import pytest

from catx.costmodel.evaluate import evaluate
from catx.costmodel.pack import new_bench
from catx.errors import MappingError
from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, MacRate, MatrixUnit, Memory, Technology
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.operand import Operand, plain_axes
from catx.mapper.limits import limits_of
from catx.mapper.map_einsum import BUDGET, map_einsum, map_front
from catx.mapper.mapspace import allowed_unrollings, unrollings
from catx.mapper.objective import OBJECTIVES, Objective
from catx.mapper.store import load_front
from catx.mapper.tree_search import search_front
from tests.einsums import matmul
from tests.mapper.random_nests import random_mapping

INT8, INT32 = DType.INT8, DType.INT32


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("catx.content_cache.cache_dir", lambda: tmp_path)  # kernels have theirs already


def conv(f: int, c: int, y: int, r: int, stride: int) -> Einsum:
    image = ((("c", 1),), (("y", stride), ("r", 1)), (("x", stride), ("s", 1)))
    return Einsum(
        name="conv",
        op="Conv",
        dims=(("f", f), ("c", c), ("y", y), ("x", y), ("r", r), ("s", r)),
        inputs=(Operand("i", image, INT8), Operand("w", plain_axes("f", "c", "r", "s"), INT8)),
        output=Operand("o", plain_axes("f", "y", "x"), INT8),
    )


def machine(*, accumulator: DType = INT32, glb: float = 65536, overlap_only: bool = False) -> Accelerator:
    pj = 1e-12
    dram = Memory(
        name="dram",
        read_bytes_per_cycle=16,
        shared_port=True,
        read_j_per_byte=32 * pj,
        write_j_per_byte=32 * pj,
        static_w=0.01,
    )
    buffer = Memory(
        name="glb",
        capacity_bytes=glb,
        read_bytes_per_cycle=64,
        write_bytes_per_cycle=64,
        double_buffered=True,
        read_j_per_byte=6 * pj,
        write_j_per_byte=6 * pj,
        optional=frozenset({"weight"}),
    )
    array = Fanout(
        name="array",
        axes=(
            FanoutAxis(name="row", size=16, dims=frozenset({"reduction"})),
            FanoutAxis(name="column", size=16, dims=frozenset({"weight_output", "input_output", "batch"})),
        ),
        link_bytes_per_cycle=256,
        link_j_per_byte=0.1 * pj,
    )
    register = Memory(
        name="register",
        capacity_bytes=128,
        keeps=frozenset({"weight"}),
        double_buffered=True,
        read_j_per_byte=0.05 * pj,
        write_j_per_byte=0.05 * pj,
    )
    rate = MacRate(dtype=INT8, macs_per_cycle=1, j_per_mac=0.2 * pj, accumulator=accumulator)
    return Accelerator(
        name="small",
        levels=(dram, buffer, array, register),
        vector=None,
        clock_hz=1e9,
        matrix=MatrixUnit(name="mac", rates=(rate,), pipeline_cycles=31),
        technology=Technology(node_nm=22),
        overlap_only=overlap_only,
    )


CASES = {
    "prime tokens": matmul(197, 64, 96),
    "attention": matmul(77, 64, 77, batch=8),
    "conv": conv(24, 12, 14, 3, 1),
    "strided conv": conv(16, 3, 13, 5, 2),
    "vector": matmul(1, 768, 512),
}


def _value(einsum: Einsum, mapping, accelerator: Accelerator, objective: Objective) -> float:
    counts = evaluate(einsum, mapping, accelerator)
    latency_s = counts.cycles.latency_cycles / accelerator.clock_hz
    return objective.value(counts.dynamic_energy_j + accelerator.static_w * latency_s, latency_s)


def _value_or_inf(einsum: Einsum, mapping, accelerator: Accelerator, objective: Objective) -> float:
    """Infinite where the mapping overflows a memory; any other refusal is an error."""
    try:
        return _value(einsum, mapping, accelerator, objective)
    except MappingError as error:
        if "overflows" not in str(error):
            raise
        return inf


def _objective(name: str) -> Objective:
    return Objective(name, 1e-4, 1e-7) if name == "carbon" else Objective(name)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("case", CASES)
def test_never_worse_than_random_mappings(case: str, name: str) -> None:
    einsum, accelerator, objective = CASES[case], machine(), _objective(name)
    found = map_einsum(einsum, accelerator, objective)
    ours = _value(einsum, found.mapping, accelerator, objective)
    random = Random(f"{case} {name}")
    best, fitting = inf, 0
    for _ in range(600):
        value = _value_or_inf(einsum, random_mapping(random, einsum, accelerator), accelerator, objective)
        best = min(best, value)
        fitting += value < inf
    assert fitting > 50
    assert ours <= best
    assert found.certificate.bound <= ours * (1 + 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_never_worse_than_thousands_of_random_mappings(case: str) -> None:
    einsum, accelerator = CASES[case], machine()
    objectives = [_objective(name) for name in OBJECTIVES]
    ours = {o: _value(einsum, map_einsum(einsum, accelerator, o).mapping, accelerator, o) for o in objectives}
    random = Random(case)
    for _ in range(5000):
        mapping = random_mapping(random, einsum, accelerator)
        assert all(ours[o] <= _value_or_inf(einsum, mapping, accelerator, o) for o in objectives)


@pytest.mark.parametrize("tokens", [197, 77])
def test_remainders_are_no_cliff(tokens: int) -> None:
    accelerator = machine(overlap_only=True)
    padded = 16 * -(-tokens // 16)
    ours, round_up = (
        map_einsum(matmul(m, 256, 256), accelerator, Objective("latency")).counts.cycles.latency_cycles
        for m in (tokens, padded)
    )
    assert ours <= round_up


def test_the_order_of_axes_in_a_description_does_not_matter() -> None:
    def unrolled(*sizes: int) -> set[frozenset[tuple[str, int]]]:
        axes = tuple(FanoutAxis(name=f"a{size}", size=size) for size in sizes)
        fanout = Fanout(name="array", axes=axes)
        levels = tuple(fanout if level.name == "array" else level for level in machine().levels)
        chip = replace(machine(), levels=levels)
        einsum, limits = CASES["conv"], limits_of(CASES["conv"], chip, ())
        allowed = allowed_unrollings(einsum, chip)
        found = unrollings(new_bench(einsum, chip), chip, einsum, limits, allowed)
        dims = list(CASES["conv"].extents)
        return {frozenset((f"{axes[a].name} {dims[d]}", factor) for a, d, factor in rows) for rows in found}

    assert unrolled(16, 4, 3) == unrolled(4, 3, 16)


def test_the_same_answer_every_time() -> None:
    first, second = (map_einsum(CASES["conv"], machine(), Objective("edp")) for _ in range(2))
    assert first == second


def test_a_stored_answer_is_the_same(tmp_path) -> None:
    first = map_einsum(CASES["vector"], machine(), Objective("edp"))
    assert len(list(tmp_path.glob("fronts-*/*.json"))) == 1
    assert map_einsum(CASES["vector"], machine(), Objective("edp")) == first


@pytest.mark.parametrize("case", CASES)
def test_a_stored_front_is_what_search_and_cost_model_say(case: str) -> None:
    einsum, accelerator = CASES[case], machine()
    map_front(einsum, accelerator)
    front = load_front(einsum, accelerator, BUDGET)
    assert front is not None
    found = search_front(einsum, accelerator, BUDGET)
    assert tuple(point.mapping for point in front.points) == found.mappings
    assert (front.evaluated, front.visited, front.left) == (found.evaluated, found.visited, found.left)
    for point in front.points:
        assert point.counts == evaluate(einsum, point.mapping, accelerator)


@pytest.mark.parametrize("case", CASES)
def test_points_of_a_front_trade_energy_for_latency(case: str) -> None:
    accelerator = machine()
    points = map_front(CASES[case], accelerator).points
    latencies = [point.latency_s(accelerator) for point in points]
    energies = [point.energy_j(accelerator) for point in points]
    assert latencies == sorted(set(latencies))
    assert energies == sorted(set(energies), reverse=True)


@pytest.mark.parametrize("case", CASES)
def test_no_objective_beats_another_at_its_own_game(case: str) -> None:
    einsum, accelerator = CASES[case], machine()
    found = {name: map_einsum(einsum, accelerator, _objective(name)).mapping for name in OBJECTIVES}
    for name in OBJECTIVES:
        values = {of: _value(einsum, found[of], accelerator, _objective(name)) for of in OBJECTIVES}
        assert values[name] == min(values.values())


def test_the_launch_of_an_op_is_part_of_what_is_minimized() -> None:
    einsum, slow = CASES["attention"], replace(machine(), launch_s=1.0)
    eager = map_einsum(einsum, machine(), Objective("energy"))
    found = map_einsum(einsum, slow, Objective("edp"))
    assert found.mapping == eager.mapping  # time hardly differs any more: energy decides
    assert found.certificate.bound > 1.0 * machine().static_w


def test_a_damaged_store_is_found_again(tmp_path) -> None:
    first = map_einsum(CASES["vector"], machine(), Objective("edp"))
    for path in tmp_path.glob("fronts-*/*.json"):
        path.write_bytes(path.read_bytes()[:-20])
    assert map_einsum(CASES["vector"], machine(), Objective("edp")) == first


def test_what_cannot_fit_is_told_in_bytes() -> None:
    with pytest.raises(
        MappingError,
        match=r"not even one element of each tensor: glb overflows by 7 bytes.*input 2, output 8",
    ):
        map_einsum(CASES["vector"], machine(glb=3), Objective("edp"))


def test_an_element_type_that_is_not_computed_is_named() -> None:
    wide = replace(
        CASES["vector"], inputs=tuple(replace(o, dtype=DType.FP32) for o in CASES["vector"].inputs)
    )
    with pytest.raises(MappingError, match="multiplies fp32, but mac of small computes int8"):
        map_einsum(wide, machine(), Objective("edp"))
