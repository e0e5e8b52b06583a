"""Leakage by part, and the most that a machine can draw."""

import pytest

import catx
from catx.costmodel.power import peak_by_part_w, static_by_part_w
from catx.frontend.hardware import builtin_names, load_accelerator


@pytest.mark.parametrize("name", builtin_names())
def test_parts_leak_what_the_machine_leaks(name: str) -> None:
    machine = load_accelerator(name)
    assert sum(watts for _, watts in static_by_part_w(machine)) == pytest.approx(machine.static_w)


@pytest.mark.parametrize("name", ["edge4", "eyeriss_like", "simba_like", "tpuv4i_like"])
def test_no_work_draws_more_than_the_peak(name: str) -> None:
    report = catx.compile_model("clip_vit_b16_text", name, mapper_budget=0)
    peak = dict(report.peak_by_part_w)
    assert report.energy_j / report.latency_s < sum(peak.values())
    machine = load_accelerator(name)
    for layer in report.layers:
        for part, energy in layer.cost.energy_by_part_j:
            busy_w = energy / (layer.cost.latency_s - machine.launch_s)
            assert busy_w <= peak.get(part, 0.0) * (1 + 1e-9), (layer.names[0], part)


def test_peak_of_a_machine_by_hand() -> None:
    """Eyeriss: 168 elements of one MAC per cycle at 200 MHz; DRAM at 0.72 GB/s and its standby."""
    machine = load_accelerator("eyeriss_like")
    peak = dict(peak_by_part_w(machine))
    (rate,) = [rate for rate in machine.matrix.rates if rate.dtype is machine.precision]
    assert peak[machine.matrix.name] == pytest.approx(168 * 200e6 * rate.j_per_mac)
    dram = machine.memories[0]
    assert peak[dram.name] == pytest.approx(0.72e9 * dram.read_j_per_byte + dram.static_w)
