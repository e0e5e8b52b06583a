"""The compiled search judges nests as the cost model does, and never loses what it had."""

from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings

from catx.costmodel.legality import check_legal
from catx.costmodel.pack import new_bench, put_mapping
from catx.errors import MappingError
from catx.ir.einsum import ROLES
from catx.ir.mapping import Loop, Mapping, Store
from catx.mapper import nests_kernel
from catx.mapper.mapspace import new_state, put_tiles, tile_candidates
from tests.strategies import Case, cases, mutated

quick = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def _tidied(case: Case) -> Case:
    """The case without loops that split nothing, and with the outermost stores on top."""
    outer = case.accelerator.memories[0].name
    nominal = dict(case.einsum.dims)
    rest = []
    for node in case.mapping.nodes:
        if isinstance(node, Loop):
            if node.tile < nominal.get(node.dim, 0):
                rest.append(node)
            nominal[node.dim] = node.tile
        elif node.memory != outer:
            rest.append(node)
    return replace(case, mapping=Mapping((*(Store(outer, role) for role in ROLES), *rest)))


def _names_exist(case: Case) -> bool:
    memories = {memory.name for memory in case.accelerator.memories}
    axes = {(fanout.name, axis.name) for fanout in case.accelerator.fanouts for axis in fanout.axes}
    return all(
        node.memory in memories and node.role in ROLES
        if isinstance(node, Store)
        else node.dim in case.einsum.extents and (not node.spatial or (node.fanout, node.axis) in axes)
        for node in case.mapping.nodes
    )


def _judged(case: Case) -> bool:
    try:
        check_legal(case.einsum, case.mapping, case.accelerator)
    except MappingError:
        return False
    return True


@quick
@given(case=cases(max_points=60).flatmap(mutated))
def test_both_judge_nests_alike(case: Case) -> None:
    assume(_names_exist(case))
    case = _tidied(case)
    bench, state = new_bench(case.einsum, case.accelerator), new_state(case.einsum, case.accelerator)
    put_mapping(bench, case.mapping, case.einsum, case.accelerator)
    assert nests_kernel.legal(bench, state) == _judged(case)


@quick
@given(case=cases(max_points=60))
def test_climbing_never_loses(case: Case) -> None:
    bench, state = new_bench(case.einsum, case.accelerator), new_state(case.einsum, case.accelerator)
    put_tiles(state, tile_candidates(case.einsum, case.accelerator))
    state["objective"], state["second"] = nests_kernel.EDP, 1e-9
    put_mapping(bench, _tidied(case).mapping, case.einsum, case.accelerator)
    before = nests_kernel.score(bench, state)
    after = nests_kernel.climb(bench, state, 300)
    assert not nests_kernel.better(before, after)
    best = state["best"][: state["n_best"]]
    bench["nest"][: len(best)], bench["n_rows"] = best, len(best)
    assert nests_kernel.legal(bench, state)
    assert nests_kernel.score(bench, state) == after
