"""Timeloop's published reference outputs, reproduced count by count.

What Timeloop's numbers mean in catx's terms, all per instance:
- `reads` are `read_child + read_psum`: it leaves out the reads that drain results to the parent;
- `fills` are `fill`, for outputs the partial sums that come back;
- `updates` are `update`;
- `temporal_reductions` are the updates that need an old value, `read_psum`; it reports none for DRAM, which
  it takes to leave the adding to others (levels of DRAM have no size);
- bandwidths are words per cycle against these reads and writes: they never bind in these cases.
"""

import json
from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest

from catx.costmodel.evaluate import evaluate
from catx.ir.accelerator import Accelerator
from catx.ir.counts import Counts
from catx.ir.einsum import Einsum
from catx.ir.mapping import Loop, Mapping
from tests.oracle.timeloop_case import TimeloopCase, load
from tests.oracle.walk import illegal, walk

FILES = sorted((Path(__file__).parent.parent / "data" / "timeloop").glob("*.json"))
Model = Callable[[Einsum, Mapping, Accelerator], Counts]


def check(case: TimeloopCase, model: Model) -> None:
    counts = model(case.einsum, case.mapping, case.accelerator)
    assert counts.operations == case.summary["computes"]
    assert counts.cycles.compute == counts.cycles.latency_cycles == case.summary["cycles"]
    assert counts.cycles.bound_by == "compute"
    stored = {(name, case.roles[t]) for name, level in case.expected.items() for t in level["tensors"]}
    assert stored == {(row.memory, row.role) for row in counts.stores}
    for name, level in case.expected.items():
        rows = [row.busiest for row in counts.stores if row.memory == name]
        read = sum(row.read_child + row.read_psum for row in rows)
        written = sum(row.writes for row in rows)
        assert read / level.get("read_bandwidth", inf) <= counts.cycles.compute
        assert written / level.get("write_bandwidth", inf) <= counts.cycles.compute
        if "utilized_instances" in level:
            assert counts.compute_instances == level["utilized_instances"]
        assert level["cycles"] == counts.cycles.latency_cycles
        for tensor, expected in level["tensors"].items():
            row = counts.store(name, case.roles[tensor])
            one = row.busiest
            assert row.tile_elements == expected["utilized_capacity_words"], (name, tensor)
            assert row.instances == expected["utilized_instances"], (name, tensor)
            assert one.read_child + one.read_psum == expected["reads_per_instance"], (name, tensor)
            assert one.fill == expected["fills_per_instance"], (name, tensor)
            assert one.update == expected["updates_per_instance"], (name, tensor)
            if "size" in level:
                assert one.read_psum == expected["temporal_reductions_per_instance"], (name, tensor)
            # No remainders in these cases: all used instances do the same.
            assert row.total.reads == one.reads * row.instances
            assert row.total.writes == one.writes * row.instances


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_kernel_reproduces_timeloop(path: Path) -> None:
    check(load(path), evaluate)


SMALL = [path for path in FILES if load(path).summary["computes"] <= 5_000]
"""Cases whose operations can be walked one by one."""


@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
def test_oracle_reproduces_timeloop(path: Path) -> None:
    case = load(path)
    assert illegal(case.einsum, case.mapping, case.accelerator) is None
    check(case, walk)


@pytest.mark.slow
def test_oracle_reproduces_a_spatial_case() -> None:
    (path,) = (path for path in FILES if "3levelspatial" in path.stem)
    check(load(path), walk)


def test_all_files_are_here() -> None:
    assert len(FILES) >= 10


def test_spatial_loops_of_a_memory_stand_below_its_temporal_ones(tmp_path: Path) -> None:
    text = (Path(__file__).parent.parent / "data" / "timeloop" / "01-model-conv1d-2level-os.json").read_text()
    case = json.loads(text)
    case["nest"][0]["loops"] = [
        {"dim": "P", "bound": 2, "kind": "temporal"},
        {"dim": "P", "bound": 4, "kind": "spatial-x"},
        {"dim": "P", "bound": 2, "kind": "spatial-y"},
    ]
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case))
    loops = [node for node in load(path).mapping.nodes if isinstance(node, Loop)]
    below = "MainMemory fanout"
    assert loops[0] == Loop("P", 8)
    assert loops[1:3] == [Loop("P", 2, below, "spatial-x"), Loop("P", 1, below, "spatial-y")]
    converted = load(path)
    assert [level.name for level in converted.accelerator.levels] == ["MainMemory", below, "Buffer"]
    counts = evaluate(converted.einsum, converted.mapping, converted.accelerator)
    assert counts.compute_instances == 8
    # Eight neighbours fetch three inputs each: halos are distinct data; the weights are multicast once.
    assert counts.store("MainMemory", "input").total.read_child == 2 * 8 * 3
    assert counts.store("MainMemory", "weight").total.read_child == 3
