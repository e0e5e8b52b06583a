"""IR values as plain data: lossless through JSON for every type that is kept on disk."""

import json
from dataclasses import fields, is_dataclass, replace
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.errors import Loc
from catx.ir.accelerator import (
    Accelerator,
    Fanout,
    FanoutAxis,
    MacRate,
    MatrixUnit,
    Memory,
    Technology,
    VectorUnit,
)
from catx.ir.counts import Access, Counts, Cycles, LinkCounts, StoreCounts
from catx.ir.dtype import DType
from catx.ir.einsum import ROLES
from catx.ir.mapping import Loop, Mapping, Store
from catx.ir.plain import from_plain, to_plain

CLASSES = (
    *(Access, Counts, Cycles, LinkCounts, StoreCounts, Loop, Mapping, Store, Loc, DType),
    *(Accelerator, Fanout, FanoutAxis, MacRate, MatrixUnit, Memory, Technology, VectorUnit),
)


def through_json(value: object) -> object:
    return from_plain(json.loads(json.dumps(to_plain(value))), CLASSES)


def same(one: object, other: object) -> bool:
    """Equality that looks at types and at fields that do not compare."""
    if type(one) is not type(other):
        return False
    if is_dataclass(one):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.sampled_from(DType),
    st.frozensets(st.text()),
    st.builds(Loop, st.text(), st.integers(1)),
    st.builds(Loop, st.text(), st.integers(1), st.text(min_size=1), st.text(min_size=1)),
    st.builds(Store, st.text(), st.sampled_from(ROLES)),
    st.builds(Access, fill=st.integers(), drain=st.integers()),
    st.builds(Cycles, **dict.fromkeys([f.name for f in fields(Cycles)], st.floats(allow_nan=False))),
)


@given(st.recursive(plain, lambda inner: st.lists(inner).map(tuple)))
def test_values_survive(value: object) -> None:
    assert same(through_json(value), value)


def test_a_machine_survives_with_its_place() -> None:
    memory = Memory(name="m", keeps=frozenset({"input", "weight", "output"}), capacity_bytes=inf)
    rate = MacRate(dtype=DType.INT8, macs_per_cycle=2.0, j_per_mac=1e-12, accumulator=DType.INT32)
    machine = Accelerator(
        name="chip",
        levels=(memory, Fanout(name="f", axes=(FanoutAxis(name="x", size=3),))),
        matrix=MatrixUnit(name="u", rates=(rate,)),
        vector=VectorUnit(name="v", memory="m", lanes=4),
        clock_hz=1e9,
        technology=Technology(node_nm=22),
        loc=Loc("chip.yaml", "levels", 3),
    )
    assert same(through_json(machine), machine)
    assert same(through_json(replace(machine, vector=None)), replace(machine, vector=None))


def test_the_form_is_documented() -> None:
    mapping = Mapping((Store("glb", "input"), Loop("m", 4)))
    assert to_plain((mapping, 7)) == [
        {"Mapping": [[{"Store": ["glb", "input"]}, {"Loop": ["m", 4, "", ""]}]]},
        7,
    ]


def test_other_values_are_refused() -> None:
    for value in ([1], {"a": 1}, b"x", 1j):
        with pytest.raises(TypeError, match="as plain data"):
            to_plain(value)


def test_a_number_that_is_none_survives() -> None:
    assert str(through_json((nan,))) == "(nan,)"
