"""AccelForge's answers, reproduced action by action.

Its `read` at a component are all reads, the drain of results included; its `write` are all writes. Both count
actions of `bits_per_action` bits over all instances. Latency overlaps everything, and a component's share
is that of its busiest instance. Its time is in seconds, and the cases run at 1 Hz.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from catx.costmodel.evaluate import evaluate
from catx.errors import MappingError
from catx.ir.accelerator import Accelerator
from catx.ir.counts import Counts
from catx.ir.einsum import Einsum
from catx.ir.mapping import Mapping
from tests.oracle.accelforge_case import AccelForgeCase, convert, load, tensors_of
from tests.oracle.walk import illegal, walk

FILE = Path(__file__).parent.parent / "data" / "accelforge.json"
CASES, REFUSED = load(FILE)
Model = Callable[[Einsum, Mapping, Accelerator], Counts]


def check(case: AccelForgeCase, model: Model) -> None:
    counts = model(case.einsum, case.mapping, case.accelerator)
    expected = case.expected
    for action, number in expected["actions"].items():
        if action.endswith(".compute"):
            assert counts.operations == number
            continue
        component, kind, tensor = action.split(".")
        row = counts.store(component, case.roles[tensor])
        moved = row.read_bytes if kind == "read" else row.write_bytes
        assert moved * 8 / case.bits_per_action[component] == pytest.approx(number, rel=1e-12), action
    loads = dict(counts.cycles.memory) | {case.accelerator.matrix.name: counts.cycles.compute}
    for component, seconds in expected.get("latency_per_component", {}).items():
        assert loads[component] == pytest.approx(seconds, rel=1e-12), component
    assert counts.cycles.latency_cycles == pytest.approx(expected["latency"], rel=1e-12)
    energy = dict(counts.energy_j)
    for component, joules in expected.get("energy_per_component", {}).items():
        assert energy[component] == pytest.approx(joules, rel=1e-12), component
    assert counts.dynamic_energy_j == pytest.approx(expected["energy"], rel=1e-12)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_kernel_reproduces_accelforge(case: AccelForgeCase) -> None:
    check(case, evaluate)


SMALL = [case for case in CASES if case.einsum.macs <= 5_000]
"""Cases whose operations can be walked one by one."""


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_oracle_reproduces_accelforge(case: AccelForgeCase) -> None:
    assert illegal(case.einsum, case.mapping, case.accelerator) is None
    check(case, walk)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "bad"), REFUSED, ids=lambda value: getattr(value, "name", ""))
def test_oracle_refuses_what_does_not_fit(case: AccelForgeCase, bad: dict[str, str]) -> None:
    reason = illegal(case.einsum, case.mapping, case.accelerator)
    assert reason == "GB needs 768.0 bytes and has 767.875"


@pytest.mark.parametrize(("case", "bad"), REFUSED, ids=lambda value: getattr(value, "name", ""))
def test_kernel_refuses_what_does_not_fit(case: AccelForgeCase, bad: dict[str, str]) -> None:
    with pytest.raises(MappingError) as error:
        evaluate(case.einsum, case.mapping, case.accelerator)
    level = bad["change"].split()[0]
    assert level in str(error.value)
    assert "768" in str(error.value), "the bytes that it needs"
    assert "767.875" in str(error.value), "the bytes that there are"


def test_set_expressions_of_accelforge() -> None:
    roles = {"I": "input", "W": "weight", "O": "output"}
    assert tensors_of("All", roles) == {"I", "W", "O"}
    assert tensors_of("Nothing", roles) == set()
    assert tensors_of("~output", roles) == {"I", "W"}
    assert tensors_of("All - (I | W)", roles) == {"O"}
    assert tensors_of("input | O & ~W", roles) == {"I", "O"}


def test_unicast_pays_once_per_instance() -> None:
    data = json.loads(FILE.read_text())
    (case,) = (case for case in data["cases"] if case["name"] == "g06_multicast")
    (buffer,) = (part for part in case["arch"] if part["name"] == "LB")
    buffer["spatial"][0]["may_reuse"] = "~I"
    converted = convert(case)
    counts = evaluate(converted.einsum, converted.mapping, converted.accelerator)
    shared = case["expected"]["actions"]
    assert counts.store("GB", "input").total.read_child == 4 * shared["GB.read.I"]
    assert counts.store("GB", "weight").total.read_child == shared["GB.read.W"]


def test_bits_and_windows_are_converted() -> None:
    case = json.loads(FILE.read_text())["cases"][0]
    case["workload"]["bits_per_value"] = {"All": 8, "output": 16}
    (spec,) = case["workload"]["einsums"]
    spec["tensor_accesses"][0]["projection"] = {"X": "2*m + n", "C": "k"}
    einsum = convert(case).einsum
    assert einsum.inputs[0].axes == ((("m", 2), ("n", 1)), (("k", 1),))
    assert [operand.dtype.value for operand in einsum.operands] == ["int8", "int8", "int16"]
