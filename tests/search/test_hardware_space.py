import pytest
import yaml

from catx.errors import SpecError
from catx.frontend.hardware import accelerator_text, parse_accelerator
from catx.mapper.family import shape_of
from catx.search.hardware_space import HardwareSpace, spread

VARY: dict[str, list[int | float | str]] = {
    "clusters": [1, 2],
    "pe_width": [16, 32],
    "l2_kib": [64, 128, 256],
    "glb_mib": [2, 4],
}


def edge(vary: dict[str, list[int | float | str]]) -> HardwareSpace:
    return HardwareSpace(yaml.safe_load(accelerator_text("edge")), vary, "edge")


def point(**values: int) -> dict[str, int | float | str]:
    return {f"hw.{key}": value for key, value in values.items()}


def test_points_are_the_accelerators_of_their_text() -> None:
    space = edge(VARY)
    values = point(clusters=2, pe_width=16, l2_kib=128, glb_mib=4)
    machine = space.accelerator(values)
    assert machine == parse_accelerator(space.text(values))
    assert machine.name == "catransformers-2x16x16-l2-128-glb-4"
    assert machine is space.accelerator(dict(values))


def test_structural_keys_and_references() -> None:
    space = edge(VARY)
    assert space.structural == {"clusters", "pe_width"}
    values = point(clusters=2, pe_width=16, l2_kib=128, glb_mib=4)
    found = space.references(values)
    sizes = ["128-glb-4", "64-glb-2", "256-glb-4", "256-glb-2", "64-glb-4"]
    assert [machine.name for machine in found] == [f"catransformers-2x16x16-l2-{size}" for size in sizes]
    assert {shape_of(machine) for machine in found} == {shape_of(space.accelerator(values))}


@pytest.mark.parametrize("keys", [1, 2, 3, 5, 7])
def test_ends_of_keys_are_mixed_evenly(keys: int) -> None:
    middle, first, last, *mixes = spread([(0, 1, 2)] * keys)
    assert (middle, first, last) == ((1,) * keys, (0,) * keys, (2,) * keys)
    assert len(mixes) == (4 if keys <= 3 else 8)
    for one in range(keys):
        assert sum(mix[one] == 0 for mix in mixes) == len(mixes) // 2
        for other in range(one):
            assert sum(mix[one] == mix[other] == 0 for mix in mixes) == len(mixes) // 4


def test_many_keys_share_columns() -> None:
    assert all(mix[0] == mix[7] for mix in spread([(0, 1)] * 8))


def test_paths_into_a_general_form() -> None:
    data = yaml.safe_load(accelerator_text("eyeriss_like"))
    memory = data["levels"][1]["memory"]
    space = HardwareSpace(data, {f"levels.{memory}.capacity": ["64 KiB", "128 KiB"]}, "eyeriss")
    sizes = [
        space.accelerator({f"hw.levels.{memory}.capacity": size}).memories[1].capacity_bytes
        for size in ("64 KiB", "128 KiB")
    ]
    assert sizes == [65536, 131072]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("levels.GLB.capacity", "there is no levels"),
        ("clusters.x", "clusters holds no keys"),
    ],
)
def test_keys_without_a_place(key: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        edge({key: [1]})


def test_a_point_that_is_no_accelerator_says_which() -> None:
    space = edge({"l2_kib": [64, -1]})
    with pytest.raises(SpecError, match=r"edge \(l2_kib -1\).*l2_kib"):
        space.accelerator(point(l2_kib=-1))


@pytest.mark.parametrize("wrong", [-1, "sixteen"])
def test_values_that_make_no_accelerator_are_told_at_once(wrong: int | str) -> None:
    with pytest.raises(SpecError, match=f"edge: l2_kib: no accelerator with {wrong!r}: .*l2_kib"):
        edge({"clusters": [1, 2], "l2_kib": [64, wrong, 128]}).check()
    edge(VARY).check()


def test_values_that_need_one_of_another_key_are_no_mistake() -> None:
    data = yaml.safe_load(accelerator_text("edge")) | {"technology": {"node": "22 nm"}, "components": "catx"}
    nodes: list[int | float | str] = ["28 nm", "22 nm", "45 nm", "65 nm"]
    vary = {"components": ["catx", "catransformers"], "technology.node": nodes, "l2_kib": [64, 128]}
    HardwareSpace(data, vary).check()  # the components of CATransformers are of 22 nm alone


def test_two_wrong_values_are_told_by_their_own_keys() -> None:
    with pytest.raises(SpecError, match=r"edge: l2_kib: no accelerator with 0: l2_kib: [^;]*$"):
        edge({"l2_kib": [64, 0], "glb_mib": [2, 0]}).check()


def test_references_are_those_of_the_family_even_where_its_ends_are_no_accelerators() -> None:
    space = edge({"clusters": [1, 2], "l2_kib": [0, 16, -1, 1024, -2]})
    found = [
        [machine.name for machine in space.references(point(clusters=1, l2_kib=size))] for size in (16, 1024)
    ]
    assert found[0] == found[1]
    assert len(found[0]) == 1
