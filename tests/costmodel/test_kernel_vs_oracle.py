"""The compiled kernel against the oracle that walks every step: they follow one page and agree exactly."""

from dataclasses import fields, is_dataclass, replace
from math import inf

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from catx.costmodel.evaluate import evaluate
from catx.errors import MappingError
from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, MacRate, MatrixUnit, Memory, Technology
from catx.ir.counts import Counts
from catx.ir.dtype import DType
from catx.ir.einsum import ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Store
from catx.ir.operand import Operand, plain_axes
from tests.einsums import matmul
from tests.oracle.legality import needed_bytes
from tests.oracle.walk import illegal, walk
from tests.strategies import Case, cases, mutated

quick = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
thorough = settings(max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))


def comparable(value: object) -> object:
    """Dataclasses and tables as dicts, so that a difference shows by name; the order of rows says nothing."""
    if isinstance(value, Counts):
        plain = {f.name: getattr(value, f.name) for f in fields(value)}
        plain["stores"] = {(row.memory, row.role): row for row in value.stores}
        plain["links"] = {row.fanout: row for row in value.links}
        plain["energy_j"] = dict(value.energy_j)
        return comparable(plain)
    if is_dataclass(value):
        return {f.name: comparable(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {key: comparable(entry) for key, entry in value.items()}
    if isinstance(value, tuple) and all(isinstance(entry, tuple) for entry in value):
        return [(name, comparable(number)) for name, number in value]
    return value


def differences(actual: object, expected: object, where: str = "") -> list[str]:
    """Every entry that differs: integers and names exactly, floats beyond rounding."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict)
        assert actual.keys() == expected.keys(), where
        return [d for key in expected for d in differences(actual[key], expected[key], f"{where}.{key}")]
    if isinstance(expected, list):
        assert isinstance(actual, list)
        assert [name for name, _ in actual] == [name for name, _ in expected], where
        return differences(dict(actual), dict(expected), where)
    if isinstance(expected, float):
        same = actual == pytest.approx(expected, rel=1e-12, abs=1e-9 if expected == 0 else 0)
    else:
        same = actual == expected and type(actual) is type(expected)
    return [] if same else [f"{where}: {actual} instead of {expected}"]


def agree(case: Case) -> None:
    actual = evaluate(case.einsum, case.mapping, case.accelerator)
    expected = walk(case.einsum, case.mapping, case.accelerator)
    assert differences(comparable(actual), comparable(expected)) == []


def agree_on_legality(case: Case) -> None:
    reason = illegal(case.einsum, case.mapping, case.accelerator)
    if reason is None:
        agree(case)
        return
    with pytest.raises(MappingError):
        evaluate(case.einsum, case.mapping, case.accelerator)


@quick
@given(case=cases())
def test_kernel_counts_what_moves(case: Case) -> None:
    assert illegal(case.einsum, case.mapping, case.accelerator) is None
    agree(case)


@quick
@given(case=cases(max_points=60).flatmap(mutated))
def test_both_refuse_the_same_mappings(case: Case) -> None:
    agree_on_legality(case)


@settings(quick, max_examples=60)
@given(case=cases(max_points=60), data=st.data())
def test_capacity_is_exact(case: Case, data: st.DataObject) -> None:
    need = needed_bytes(case.einsum, case.mapping, case.accelerator)
    inner = [memory for memory in case.accelerator.memories[1:] if need[memory.name]]
    assume(inner)
    chosen = data.draw(st.sampled_from(inner))

    def sized(capacity: float) -> Case:
        levels = tuple(
            replace(level, capacity_bytes=capacity if level.name == chosen.name else inf)
            if isinstance(level, Memory)
            else level
            for level in case.accelerator.levels
        )
        return replace(case, accelerator=replace(case.accelerator, levels=levels))

    agree(sized(need[chosen.name]))
    tight = sized(need[chosen.name] - 0.125)
    with pytest.raises(MappingError, match=chosen.name):
        evaluate(tight.einsum, tight.mapping, tight.accelerator)


MACHINE = Accelerator(
    name="machine",
    levels=(
        Memory(name="L0", read_bytes_per_cycle=2.0, shared_port=True),
        Fanout(name="F0", axes=(FanoutAxis(name="x", size=2),)),
        Fanout(name="F1", axes=(FanoutAxis(name="x", size=2, reduces=False),)),
        Memory(name="L1", double_buffered=True),
    ),
    matrix=MatrixUnit(
        name="unit",
        rates=(MacRate(dtype=DType.INT8, macs_per_cycle=1.0, j_per_mac=0.0, accumulator=DType.INT32),),
        pipeline_cycles=3.0,
    ),
    vector=None,
    clock_hz=1e9,
    technology=Technology(node_nm=22),
)


def stores(memory: str) -> list[Store]:
    return [Store(memory, role) for role in ROLES]


def test_last_drain_with_reducing_instances_of_different_length() -> None:
    # Instance 0 of F0 has 4 steps over k and ends with one instance of F1; instance 1 has 3, ends with two.
    # A full tile counts, whatever comes last: three int8 results of both instances of F1, 2 bytes per cycle.
    loops = [Loop("k", 7, "F0", "x"), Loop("k", 2), Loop("k", 1, "F1", "x")]
    inner = [Loop("n", 1)]
    case = Case(matmul(1, 13, 3), Mapping((*stores("L0"), *loops, *stores("L1"), *inner)), MACHINE)
    agree(case)
    counts = evaluate(case.einsum, case.mapping, case.accelerator)
    assert counts.cycles.last_drain == 2 * 3 / 2


def test_a_window_slides_over_tiles_of_several_sizes() -> None:
    # Splits of x leave tiles of 6, 2 and 5 side by side; each slides in steps of 2 on its own. What came
    # before must not matter: steps of another tile once leaked into the tile of 2.
    image = ((("y", 1), ("r", 1)), (("x", 1), ("s", 1)))
    einsum = Einsum(
        name="conv",
        op="Conv",
        dims=(("y", 4), ("r", 1), ("x", 13), ("s", 3)),
        inputs=(Operand("i", image, DType.INT8), Operand("w", plain_axes("r", "s"), DType.INT8)),
        output=Operand("o", plain_axes("y", "x"), DType.INT8),
    )
    wide = FanoutAxis(name="y", size=4)
    levels = (
        MACHINE.levels[0],
        Fanout(name="F0", axes=(FanoutAxis(name="x", size=4), wide)),
        *MACHINE.levels[3:],
    )
    loops = [Loop("y", 1, "F0", "x"), Loop("x", 8, "F0", "y"), Loop("x", 6, "F0", "y"), Loop("x", 2)]
    nodes = (*stores("L0"), *loops, *stores("L1"), Loop("x", 1), Loop("s", 1))
    case = Case(einsum, Mapping(nodes), replace(MACHINE, levels=levels))
    agree(case)
    agree(case)


def test_trivial_loops_may_stand_anywhere() -> None:
    plain = (*stores("L0"), *stores("L1"), Loop("k", 1))
    spread = (Loop("m", 1), *stores("L0"), *stores("L1"), Loop("k", 5, "F0", "x"), Loop("k", 1))
    for nodes in (plain, spread):
        agree_on_legality(Case(matmul(1, 5, 1), Mapping(nodes), MACHINE))
    actual = [evaluate(matmul(1, 5, 1), Mapping(nodes), MACHINE) for nodes in (plain, spread)]
    assert actual[0] == actual[1]


@pytest.mark.parametrize("dtype", [DType.INT16, DType.FP8, DType.FP32])
def test_types_that_the_unit_lacks_are_refused(dtype: DType) -> None:
    case = Case(matmul(1, 5, 1, dtype=dtype), Mapping((*stores("L0"), *stores("L1"), Loop("k", 1))), MACHINE)
    assert illegal(case.einsum, case.mapping, case.accelerator) is not None
    with pytest.raises(MappingError, match=dtype.value):
        evaluate(case.einsum, case.mapping, case.accelerator)


@pytest.mark.slow
@thorough
@given(case=cases(max_points=800))
def test_kernel_counts_what_moves_thoroughly(case: Case) -> None:
    agree(case)


@pytest.mark.slow
@thorough
@given(case=cases(max_points=100).flatmap(mutated))
def test_both_refuse_the_same_mappings_thoroughly(case: Case) -> None:
    agree_on_legality(case)
