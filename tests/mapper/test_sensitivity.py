"""What more of one resource changes, and what of a machine binds."""

from dataclasses import replace
from math import inf, isclose
from typing import Any, get_args

import pytest

import catx
from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO
from catx.errors import MappingError, OptionError
from catx.frontend.hardware import load_accelerator
from catx.ir.accelerator import Accelerator, Memory
from catx.ir.einsum import ROLES, Einsum
from catx.ir.graph import Graph
from catx.ir.mapping import Loop, Mapping, Store
from catx.ir.tensor import Tensor
from catx.mapper.binding import bound_shares, fullness
from catx.mapper.design import evaluate_design
from catx.mapper.objective import Objective, ObjectiveName
from catx.mapper.options import MapperOptions
from catx.mapper.resources import enlarged, resources
from catx.mapper.sensitivity import ROUNDING, Effect, Sensitivity, effect_of, sensitivity
from tests.einsums import matmul
from tests.mapper.test_map_einsum import INT8

QUICK = MapperOptions(1_000)


def product(m: int, k: int, n: int) -> Graph:
    """A graph of one matrix product."""
    shapes = {"a": (m, k), "b": (k, n), "c": (m, n)}
    tensors = tuple(Tensor(name, shape, INT8, "activation") for name, shape in shapes.items())
    return Graph("one", tensors, (matmul(m, k, n),), ("a", "b"), ("c",))


def with_memory(machine: Accelerator, name: str, **changes: Any) -> Accelerator:
    """The machine with another memory of that name."""
    levels = tuple(
        replace(level, **changes) if isinstance(level, Memory) and level.name == name else level
        for level in machine.levels
    )
    return replace(machine, levels=levels)


def study(machine: Accelerator, *, objective: ObjectiveName = "edp", step: float = 0.1) -> Sensitivity:
    return sensitivity(
        [product(32, 48, 40)],
        machine,
        scenario=DEFAULT_SCENARIO,
        objective=objective,
        step=step,
        options=QUICK,
    )


def of(found: Sensitivity, name: str, kind: str) -> Effect:
    (effect,) = [e for e in found.effects if (e.resource.name, e.resource.kind) == (name, kind)]
    return effect


@pytest.mark.parametrize("objective", get_args(ObjectiveName))
@pytest.mark.parametrize("machine", ["edge", "simba_like"])
def test_more_is_never_worse(machine: str, objective: ObjectiveName) -> None:
    found = study(load_accelerator(machine), objective=objective, step=0.5)
    changes = [effect.objective_change for effect in found.effects]
    assert max(changes) <= 0
    assert min(changes) < 0
    assert changes == sorted(changes)
    for effect in found.effects:
        assert effect.after > effect.resource.value
        assert effect.objective_value <= found.objective_value


@pytest.mark.parametrize(
    ("same", "new", "taken"),
    [
        ((1.1, 1.0), (1.0, 1.2), "base"),  # energy and latency, as shares of the base's
        ((1.0 + 1e-12, 1.0), (1.0, 1.0 - 1e-12), "base"),
        ((0.9, 1.0), (1.0, 1.0), "same"),
        ((0.9, 1.0), (0.9, 1.0 - 1e-12), "same"),
        ((0.9, 1.0), (1.2, 0.5), "new"),
        ((1.0, 1.0), (2.0, 0.5), "new"),  # the same EDP in half the time
    ],
)
def test_the_best_of_three_counts(same: tuple[float, float], new: tuple[float, float], taken: str) -> None:
    graph, machine = product(4, 8, 16), load_accelerator("edge")
    base = by_hand(graph, machine)
    shares = {"base": (1.0, 1.0), "same": same, "new": new}
    reports = [
        replace(base, energy_j=base.energy_j * energy, latency_s=base.latency_s * latency)
        for energy, latency in shares.values()
    ]
    (lanes,) = [r for r in resources(machine, set()) if r.kind == "lanes"]
    effect = effect_of(lanes, 300.0, Objective("edp"), (reports[0], reports[1], reports[2]))
    energy, latency = shares[taken]
    assert isclose(effect.energy_change, energy - 1, abs_tol=1e-9)
    assert isclose(effect.latency_change, latency - 1, abs_tol=1e-9)
    assert effect.new_mappings == (taken == "new")
    if taken == "base":
        assert (effect.energy_change, effect.latency_change, effect.objective_change) == (0, 0, 0)


def test_every_machine_alone_gives_the_numbers() -> None:
    graph, machine = product(32, 48, 40), load_accelerator("edge")
    found = study(machine, step=0.25)
    base = evaluate_design([graph], machine, scenario=DEFAULT_SCENARIO, options=QUICK)
    assert (found.base.latency_s, found.base.energy_j) == (base.latency_s, base.energy_j)
    assert found.objective_value == base.latency_s * base.energy_j
    faster = with_memory(machine, "DRAM", read_bytes_per_cycle=160.0)
    new = evaluate_design([graph], faster, scenario=DEFAULT_SCENARIO, options=QUICK)
    effect = of(found, "DRAM", "port")
    assert (effect.resource.value, effect.after) == (128.0, 160.0)
    assert effect.latency_s < base.latency_s
    assert effect.edp_js <= new.energy_j * new.latency_s * (1 + ROUNDING)
    for effect in found.effects:
        pairs = (
            (effect.latency_change, effect.latency_s, base.latency_s),
            (effect.energy_change, effect.energy_j, base.energy_j),
            (effect.edp_change, effect.latency_s * effect.energy_j, base.latency_s * base.energy_j),
        )
        for change, after, before in pairs:
            assert isclose(change, (after - before) / before, abs_tol=1e-12)
        assert effect.objective_change == effect.edp_change


@pytest.mark.parametrize(
    ("name", "field", "kind"),
    [
        ("GLB", "read_bytes_per_cycle", "read"),
        ("L2", "write_bytes_per_cycle", "write"),
        ("DRAM", "read_bytes_per_cycle", "port"),
    ],
)
def test_a_tiny_bandwidth_is_on_top(name: str, field: str, kind: str) -> None:
    slow = with_memory(load_accelerator("edge"), name, **{field: 0.25})
    found = study(slow, objective="latency")
    top = found.effects[0].resource
    assert (top.name, top.kind) == (name, kind)
    assert found.effects[0].latency_change < -0.08
    assert found.bounds[0].bound_by == name


def test_what_does_not_bind_changes_nothing() -> None:
    machine = with_memory(load_accelerator("edge"), "DRAM", read_bytes_per_cycle=0.5)
    found = study(machine, objective="latency", step=1.0)
    idle = of(found, "MAC", "rate")
    assert (idle.resource.value, idle.after) == (1.0, 2.0)
    assert abs(idle.latency_change) < 0.01
    spare = of(found, "GLB", "capacity")
    assert (spare.latency_s, spare.energy_j) == (found.base.latency_s, found.base.energy_j)
    assert (spare.latency_change, spare.objective_change, spare.new_mappings) == (0.0, 0.0, False)


def test_new_mappings_are_told_where_only_they_use_what_there_is() -> None:
    machine = with_memory(load_accelerator("edge"), "L2", capacity_bytes=600.0)
    effect = of(study(machine, step=2.0), "L2", "capacity")
    assert effect.after == 1800.0
    assert effect.objective_change < 0
    assert effect.new_mappings  # those of the base move as much as they did


def test_resources_of_a_machine() -> None:
    machine = load_accelerator("edge")
    listed = resources(machine, {catx.DType("int8")})
    assert [(resource.name, resource.kind, resource.unit) for resource in listed] == [
        ("DRAM", "port", "B/cycle"),
        ("GLB", "capacity", "B"),
        ("GLB", "read", "B/cycle"),
        ("GLB", "write", "B/cycle"),
        ("L2", "capacity", "B"),
        ("L2", "read", "B/cycle"),
        ("L2", "write", "B/cycle"),
        ("registers", "capacity", "B"),
        ("MAC", "rate", "MAC/cycle"),
        ("vector", "lanes", "lanes"),
    ]
    assert [r for r in resources(machine, set()) if r.kind == "rate"] == []
    (array,) = machine.fanouts
    levels = tuple(replace(x, link_bytes_per_cycle=64.0) if x is array else x for x in machine.levels)
    links = [r for r in resources(replace(machine, levels=levels), set()) if r.kind == "link"]
    assert [(link.name, link.value) for link in links] == [("array", 64.0)]


@pytest.mark.parametrize("machine", ["edge", "edge4", "simba_like", "a100_like"])
def test_one_resource_grows_and_nothing_else(machine: str) -> None:
    base = load_accelerator(machine)
    dtypes = {rate.dtype for rate in base.matrix.rates}
    before = {(r.name, r.kind, r.dtype): r.value for r in resources(base, dtypes)}
    for resource in resources(base, dtypes):
        after, changed = enlarged(base, resource, 0.1)
        values = {(r.name, r.kind, r.dtype): r.value for r in resources(changed, dtypes)}
        different = {key for key in before if before[key] != values[key]}
        assert different == {(resource.name, resource.kind, resource.dtype)}
        assert values[resource.name, resource.kind, resource.dtype] == after > resource.value
        assert (changed.static_w, changed.die_area_mm2) == (base.static_w, base.die_area_mm2)


@pytest.mark.parametrize(
    ("capacity", "step", "after"),
    [(32.0, 0.1, 35.0), (32.0, 0.01, 33.0), (2.0, 0.1, 3.0), (100.0, 0.1, 110.0)],
)
def test_capacities_grow_by_whole_bytes(capacity: float, step: float, after: float) -> None:
    machine = with_memory(load_accelerator("edge"), "registers", capacity_bytes=capacity)
    (registers,) = [r for r in resources(machine, set()) if r.name == "registers"]
    got, changed = enlarged(machine, registers, step)
    assert (got, changed.memories[-1].capacity_bytes) == (after, after)


def test_lanes_grow_beside_each_instance_of_their_memory() -> None:
    machine = load_accelerator("edge4")
    assert machine.vector
    count = machine.instances(machine.vector.memory)
    assert count > 1
    machine = replace(machine, vector=replace(machine.vector, lanes=5 * count))
    (lanes,) = [r for r in resources(machine, set()) if r.kind == "lanes"]
    assert enlarged(machine, lanes, 0.1)[0] == 6 * count


def by_hand(graph: Graph, machine: Accelerator) -> catx.Report:
    """One product whose mapping is given: tensors in GLB, a row and a column in L2, elements in registers."""
    (op,) = graph.ops
    assert isinstance(op, Einsum)
    at = {memory.name: [Store(memory.name, role) for role in ROLES] for memory in machine.memories}
    outer = [Loop(dim, 1) for dim in op.extents if dim != "k"]
    nodes = (*at["DRAM"], *at["GLB"], *outer, *at["L2"], Loop("k", 1), *at["registers"])
    return evaluate_design(
        [graph], machine, scenario=DEFAULT_SCENARIO, mappings={op.as_written().canonical(): Mapping(nodes)}
    )


def test_fullness_by_hand() -> None:
    machine = load_accelerator("edge")
    report = by_hand(product(4, 8, 16), machine)
    rows = fullness(report, machine)
    # one byte an element, GLB and L2 double buffered; sums build up in registers, at four bytes
    glb, l2, registers = 2 * (4 * 8 + 8 * 16 + 4 * 16), 2 * (8 + 8 + 1), 1 + 1 + 4
    assert [(row.memory, row.needed_bytes) for row in rows] == [
        ("GLB", glb),
        ("L2", l2),
        ("registers", registers),
    ]
    assert [row.share for row in rows] == [glb / 2**22, l2 / 2**19, registers / 32]
    assert [row.layer for row in rows] == [report.layers[0]] * 3
    unlimited = with_memory(machine, "GLB", capacity_bytes=inf)
    assert [row.memory for row in fullness(report, unlimited)] == ["L2", "registers"]


@pytest.mark.parametrize("name", ["edge", "simba_like"])
def test_needed_bytes_are_the_smallest_capacity_that_holds_the_mappings(name: str) -> None:
    machine = load_accelerator(name)
    graph = product(32, 48, 40)
    found = study(machine)
    nests = {
        layer.op.as_written().canonical(): layer.cost.mapping
        for layer in found.base.layers
        if isinstance(layer.op, Einsum) and layer.cost.mapping
    }
    assert found.fullness
    for row in found.fullness:
        fits = with_memory(machine, row.memory, capacity_bytes=row.needed_bytes)
        report = evaluate_design([graph], fits, scenario=DEFAULT_SCENARIO, mappings=nests)
        assert report.energy_j == found.base.energy_j
        small = with_memory(machine, row.memory, capacity_bytes=row.needed_bytes - 0.5)
        with pytest.raises(MappingError, match=f"{row.memory} overflows by 0.5 bytes"):
            evaluate_design([graph], small, scenario=DEFAULT_SCENARIO, mappings=nests)


def test_shares_of_the_latency_by_what_binds() -> None:
    report = catx.compile_model("clip_vit_b16_text", "edge4")
    rows = bound_shares(report)
    assert isclose(sum(row.share for row in rows), 1.0)
    assert [row.share for row in rows] == sorted((row.share for row in rows), reverse=True)
    of_first = [layer for layer in report.layers if layer.cost.bound_by == rows[0].bound_by]
    assert isclose(rows[0].latency_s, sum(layer.cost.latency_s * layer.count for layer in of_first))


def test_progress_covers_all_machines() -> None:
    told: list[tuple[int, int, str]] = []
    found = sensitivity(
        [product(4, 8, 8)],
        load_accelerator("edge"),
        scenario=DEFAULT_SCENARIO,
        progress=lambda done, total, what: told.append((done, total, what)),
    )
    machines = 1 + len(found.effects)
    assert told[-1] == (machines, machines, "")
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert any(what.startswith("more GLB capacity: ") for _, _, what in told)
    assert all(what for _, _, what in told[:-1])


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        *((0, "0"), (-0.1, "-0.1"), (float("nan"), "nan"), (inf, "inf"), (9.5, "9.5"), (10**400, "1000")),
        *(("10%", "'10%'"), (True, "True"), (None, "None")),
    ],
)
def test_steps_that_are_refused(step: Any, shown: str) -> None:
    with pytest.raises(
        OptionError, match=rf"^step: expected a relative step from 0.0001 to 9 .*, not {shown}"
    ):
        catx.sensitivity(product(4, 8, 8), step=step)


def test_the_api_takes_what_compile_model_takes() -> None:
    graph = product(4, 8, 8)
    found = catx.sensitivity(graph, "edge4", objective="energy", step=1)
    assert isinstance(found, catx.Sensitivity)
    assert (found.objective, found.step, found.base.accelerator) == ("energy", 1.0, "edge4")
    again = catx.sensitivity([graph], catx.load_accelerator("edge4"), objective="energy", step=1.0)
    assert again == found
    with pytest.raises(OptionError, match="every model is a graph"):
        catx.sensitivity(graph, dims={"n": 1})
    with pytest.raises(OptionError, match="unknown objective"):
        catx.sensitivity(graph, objective="speed")  # type: ignore[arg-type]
