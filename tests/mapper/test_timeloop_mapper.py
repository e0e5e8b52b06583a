"""Beside the mappings that Timeloop's own mapper found: ours never costs more, in a space that holds them.

Both are costed by catx on one machine: the memories of the recorded nest with their sizes and rates. A word
is a byte, as in the other cases; an access costs the mean of Timeloop's energies, which differ by tensor.
What a memory stores is fixed as recorded. Axes take the dims that the recorded mapping unrolls there, or
any.
"""

import json
from dataclasses import replace
from functools import cache
from math import inf
from pathlib import Path
from statistics import mean
from typing import Any

import pytest

from catx.costmodel.evaluate import evaluate
from catx.ir.accelerator import Accelerator, Fanout, Memory
from catx.ir.counts import Counts
from catx.ir.mapping import Loop
from catx.mapper.front import Front
from catx.mapper.map_einsum import map_front
from catx.mapper.objective import Objective, ObjectiveName
from tests.oracle.timeloop_case import TimeloopCase, load

DATA = Path(__file__).parents[1] / "data" / "timeloop"
SMALL, EYERISS = "05-mapper-conv1d_oc-3level-baked", "timeloop-06-mapper-convlayer-eyeriss"
SPACES = [(SMALL, False), (EYERISS, False), (EYERISS, True)]
"""Cases, and whether axes take any dim; the small one has no axes."""

GOALS: tuple[ObjectiveName, ...] = ("latency", "energy", "edp")


def _memory(memory: Memory, recorded: dict[str, Any]) -> Memory:
    """With rates and energy per access."""
    access_j = mean(tensor["pj_per_access"] for tensor in recorded["tensors"].values()) * 1e-12
    return replace(
        memory,
        read_bytes_per_cycle=recorded.get("read_bandwidth", inf),
        write_bytes_per_cycle=recorded.get("write_bandwidth", inf),
        read_j_per_byte=access_j,
        write_j_per_byte=access_j,
    )


def _fanout(fanout: Fanout, case: TimeloopCase) -> Fanout:
    """Axes that take the dims that are unrolled there, and no others."""
    spatial = [n for n in case.mapping.nodes if isinstance(n, Loop) and n.fanout == fanout.name]
    axes = tuple(
        replace(axis, dims=frozenset(loop.dim for loop in spatial if loop.axis == axis.name))
        for axis in fanout.axes
    )
    return replace(fanout, axes=axes)


def machine(case: TimeloopCase, *, any_dim: bool) -> Accelerator:
    levels = tuple(
        _memory(level, case.expected[level.name])
        if isinstance(level, Memory)
        else level
        if any_dim
        else _fanout(level, case)
        for level in case.accelerator.levels
    )
    return replace(case.accelerator, levels=levels)


@cache
def solved(name: str, *, any_dim: bool) -> tuple[TimeloopCase, Accelerator, Front]:
    case = load(DATA / f"{name}.json")
    accelerator = machine(case, any_dim=any_dim)
    return case, accelerator, map_front(case.einsum, accelerator)


def value(counts: Counts, accelerator: Accelerator, goal: ObjectiveName) -> float:
    seconds = counts.cycles.latency_cycles / accelerator.clock_hz
    return Objective(goal).value(counts.dynamic_energy_j + accelerator.static_w * seconds, seconds)


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize(("name", "any_dim"), SPACES)
def test_no_recorded_mapping_is_better(name: str, any_dim: bool, goal: ObjectiveName) -> None:
    case, accelerator, front = solved(name, any_dim=any_dim)
    recorded = evaluate(case.einsum, case.mapping, accelerator)  # raises if the space does not hold it
    assert recorded.cycles.latency_cycles == case.summary["cycles"]  # rates do not bind it here, either
    mine = min(value(point.counts, accelerator, goal) for point in front.points)
    assert mine <= value(recorded, accelerator, goal) * (1 + 1e-12)


@pytest.mark.parametrize(("name", "any_dim"), SPACES)
def test_recorded_mapping_respects_what_is_proved_of_the_rest(name: str, any_dim: bool) -> None:
    """A recorded mapping that beats what the search says nothing can beat would show a wrong bound."""
    case, accelerator, front = solved(name, any_dim=any_dim)
    recorded = evaluate(case.einsum, case.mapping, accelerator)
    known = [(p.energy_j(accelerator), p.latency_s(accelerator)) for p in front.points] + list(front.left)
    cost = value(recorded, accelerator, "energy"), value(recorded, accelerator, "latency")
    assert any(e <= cost[0] * (1 + 1e-12) and t <= cost[1] * (1 + 1e-12) for e, t in known)


def test_the_case_tells_what_is_compared() -> None:
    """Sizes, rates and energies of the file reach the machine: without them all would cost the same."""
    text = json.loads((DATA / f"{EYERISS}.json").read_text())["expected"]["shared_glb"]
    buffer = next(m for m in solved(EYERISS, any_dim=False)[1].memories if m.name == "shared_glb")
    assert (buffer.capacity_bytes, buffer.read_bytes_per_cycle) == (text["size"], text["read_bandwidth"])
    assert buffer.read_j_per_byte == pytest.approx(2.12e-12)
    axes = [axis for fanout in solved(EYERISS, any_dim=False)[1].fanouts for axis in fanout.axes]
    assert [(axis.size, sorted(axis.dims)) for axis in axes] == [(14, ["Q"]), (12, ["M", "S"])]
