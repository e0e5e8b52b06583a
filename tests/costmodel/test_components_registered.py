"""Component classes of one's own: registered from Python, brought by packages, used by hardware files."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

import catx
from catx.costmodel.components import ComponentNumbers, parameters, registry, resolve
from catx.errors import SpecError
from catx.frontend.hardware import parse_accelerator
from tests.frontend.hardware_text import edited

NUMBERS = """\
    read_energy: 3 pJ/B
    write_energy: 4 pJ/B
    static_power: 5 mW
    area: 0.9 mm2
"""
"""What the file says of its GLB."""
RATES = """\
      int8: {macs_per_cycle: 1, energy: 0.2 pJ, accumulator: int32}
      fp16: {macs_per_cycle: 0.5, energy: 1 pJ}
    pipeline_cycles: 11
    static_power: 1 uW
    area: 100 um2
"""


def with_memory(component: str) -> str:
    return edited((NUMBERS, f"    component: {component}\n"))


def with_mac(component: str, components: str = "{}") -> str:
    rates = "      int8: {}\n      fp16: {macs_per_cycle: 0.5}\n"
    return edited(
        (RATES, f"{rates}    component: {component}\n"), ("levels:", f"components: {components}\nlevels:")
    )


def mram(*, node_nm: float, capacity_bytes: float, vdd: float = 1.0) -> ComponentNumbers:
    return ComponentNumbers(
        read_j_per_byte=1e-12 * vdd**2,
        write_j_per_byte=9e-12,
        area_mm2=1e-6 * capacity_bytes,
        source=f"test chip at {node_nm:g} nm",
    )


def multiplier(*, node_nm: float, dtype: str) -> ComponentNumbers:
    return ComponentNumbers(j_per_op=2e-12 if dtype == "int8" else 7e-12, area_mm2=1e-4, source="our mac")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_registered", {})
    registry._plugins.cache_clear()
    yield
    registry._plugins.cache_clear()


def test_a_registered_class_is_a_class() -> None:
    catx.register_component("mram", mram)
    assert parameters("mram") == {"capacity_bytes": True, "vdd": False}
    assert resolve("mram", node_nm=22, capacity_bytes=1024, vdd=2.0).read_j_per_byte == 4e-12
    with pytest.raises(SpecError, match="vdd must be a number, not 'low'"):
        resolve("mram", node_nm=22, capacity_bytes=1024, vdd="low")
    with pytest.raises(SpecError, match="did you mean 'mram'"):
        resolve("mrm", node_nm=22)


def test_what_cannot_be_registered() -> None:
    with pytest.raises(SpecError, match="a class of the library"):
        catx.register_component("sram", mram)
    with pytest.raises(SpecError, match="does not take `node_nm`"):
        catx.register_component("mine", lambda capacity_bytes: ComponentNumbers(source=""))
    with pytest.raises(SpecError, match="needs a name"):
        catx.register_component("", mram)
    catx.register_component("wrong", lambda node_nm: 3)  # type: ignore[arg-type, return-value]
    with pytest.raises(SpecError, match="gave int"):
        resolve("wrong", node_nm=22)
    catx.register_component(
        "fails", lambda node_nm: ComponentNumbers(j_per_op=1 / (node_nm - 22), source="x")
    )
    with pytest.raises(SpecError, match="component class fails failed: ZeroDivisionError"):
        resolve("fails", node_nm=22)
    catx.register_component("negative", lambda node_nm: ComponentNumbers(j_per_op=-node_nm, source="x"))
    with pytest.raises(SpecError, match="negative: j_per_op must be a finite number, 0 or more, not -22"):
        resolve("negative", node_nm=22)
    catx.register_component("silent", lambda node_nm: ComponentNumbers(j_per_op=node_nm, source=""))
    with pytest.raises(SpecError, match="says no `source`"):
        resolve("silent", node_nm=22)


def test_hardware_files_use_it_for_memories() -> None:
    catx.register_component("mram", mram)
    memory = parse_accelerator(with_memory("{class: mram, parameters: {vdd: 0.5}}")).memories[1]
    assert memory.read_j_per_byte == 0.25e-12
    assert memory.area_mm2 == pytest.approx(1e-6 * memory.capacity_bytes)
    assert "test chip at 22 nm" in memory.source


def test_hardware_files_use_it_for_units() -> None:
    catx.register_component("multiplier", multiplier)
    matrix = parse_accelerator(with_mac("multiplier")).matrix
    assert [rate.j_per_mac for rate in matrix.rates] == [2e-12, 7e-12]
    assert matrix.area_mm2 == 1e-4


@pytest.mark.parametrize(
    ("component", "message"),
    [
        ("{class: mram, parameters: {vd: 1}}", "did you mean 'vdd'"),
        ("{class: mram, width: 64 bit}", "write 'width' into `parameters`"),
        ("{class: sram, parameters: {vdd: 1}}", "has no parameter 'parameters'"),
        ("{class: mram, parameters: {vdd: low}}", "vdd must be a number"),
        ("{class: mram, parameters: {capacity_bytes: 10}}", "the machine gives capacity_bytes"),
        ("wire", "does not fit here: fanouts have `wire"),
        ("special_function", "does not fit here"),
        ("mrm", "did you mean 'mram'"),
    ],
)
def test_hardware_files_say_what_is_wrong(component: str, message: str) -> None:
    catx.register_component("mram", mram)
    with pytest.raises(SpecError, match=message):
        parse_accelerator(with_memory(component))


def test_a_class_without_energies_is_none() -> None:
    catx.register_component("bare", lambda node_nm: ComponentNumbers(area_mm2=1.0, source="ours"))
    with pytest.raises(SpecError, match="bare gives no energy per byte"):
        parse_accelerator(with_memory("bare"))
    with pytest.raises(SpecError, match="bare gives no energy per operation"):
        parse_accelerator(with_mac("bare"))


def test_installed_packages_bring_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    here = __name__
    points = [
        EntryPoint("tested", f"{here}:mram", registry.PLUGINS),
        EntryPoint("broken", "no_such_package:mram", registry.PLUGINS),
        EntryPoint("sram", f"{here}:mram", registry.PLUGINS),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == registry.PLUGINS else [])
    assert registry.own_classes() == ("tested", "broken")
    assert resolve("tested", node_nm=22, capacity_bytes=8).source == "test chip at 22 nm"
    with pytest.raises(SpecError, match="broken does not load from no_such_package:mram: No module"):
        resolve("broken", node_nm=22)
    assert "CACTI" in resolve("sram", node_nm=22, capacity_bytes=2**16, width_bits=64).source


def test_a_mac_of_the_file() -> None:
    mine = "{mine: {op_energy: 3 pJ, area: 200 um2, source: our mac}}"
    matrix = parse_accelerator(with_mac("mine", mine)).matrix
    assert {rate.j_per_mac for rate in matrix.rates} == {3e-12}
    assert matrix.area_mm2 == 200e-6
    assert "our mac" in matrix.source
    with pytest.raises(SpecError, match="the matrix unit takes this component: give `op_energy"):
        parse_accelerator(with_mac("mine", "{mine: {energy: 1 pJ/B, source: ours}}"))
    with pytest.raises(SpecError, match="noc is a class of the library"):
        parse_accelerator(with_mac("mac", "{noc: {op_energy: 1 pJ, source: ours}}"))


def test_a_mesh_across_a_fanout() -> None:
    across = edited(("link_energy: 0.1 pJ/B", "wire: across"))
    mesh = edited(("link_energy: 0.1 pJ/B", "wire: across\n    routers: {width: 64 bit, depth: 4}"))
    bus, routed = (parse_accelerator(text).fanouts[0] for text in (across, mesh))
    assert routed.link_j_per_byte > bus.link_j_per_byte > 0
    assert routed.area_mm2 > bus.area_mm2 == pytest.approx(0.2)
    assert "5 FIFOs each" in routed.source
    with pytest.raises(SpecError, match="they need `wire: across`"):
        parse_accelerator(edited(("area: 0.2 mm2", "routers: {width: 64 bit}")))


def test_a_fifo_as_a_level() -> None:
    text = edited(
        ("    energy: 0.05 pJ/B\n    area: 10 um2\n", "    component: {class: fifo, width: 16 bit}\n")
    )
    register = parse_accelerator(text).memories[-1]
    found = resolve("fifo", node_nm=22, capacity_bytes=4, width_bits=16)
    assert register.read_j_per_byte == found.read_j_per_byte
    with pytest.raises(SpecError, match="a fifo needs the width of its words"):
        parse_accelerator(edited(("width: 16 bit", ""), text=text.replace("{class: fifo, ", "{class: fifo")))
