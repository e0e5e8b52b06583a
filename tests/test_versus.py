"""The table of docs/versus-catransformers.md: one chip with both component libraries."""

import re
from pathlib import Path

import pytest

import catx
from catx.ir.report import Report

DOCUMENT = Path(__file__).parents[1] / "docs" / "versus-catransformers.md"
CHIP = """\
template: catransformers
clusters: 1
pe_width: 256
pe_depth: 16
l2_kib: 256
l2_bandwidth: 128 B/cycle
glb_mib: 4
"""


def told(row: str) -> tuple[float, float]:
    """Both numbers of a row of the document."""
    (line,) = [
        line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {row}")
    ]
    parity, library = re.findall(r"\| ([0-9.]+) (?=\|)", line)[:2]
    return float(parity), float(library)


def both(tmp_path: Path) -> list[tuple[catx.Accelerator, Report]]:
    found = []
    for library in ("catransformers", "catx"):
        file = tmp_path / f"{library}.yaml"
        file.write_text(f"{CHIP}components: {library}\n")
        towers = ["clip_vit_b16_text", "clip_vit_b16_vision"]
        report = catx.compile_model(towers, file, scenario="catransformers")
        found.append((catx.load_accelerator(file), report))
    return found


def test_the_table_of_both_libraries(tmp_path: Path) -> None:
    rows: dict[str, list[float]] = {}
    for machine, report in both(tmp_path):
        outer, buffer, local, *_ = machine.memories
        numbers = {
            "read LPDDR4": outer.read_j_per_byte * 1e12,
            "read global": buffer.read_j_per_byte * 1e12,
            "read local": local.read_j_per_byte * 1e12,
            "read register": machine.memories[-1].read_j_per_byte * 1e12,
            "link": machine.fanouts[0].link_j_per_byte * 1e12,
            "int8 MAC": machine.matrix.rates[0].j_per_mac * 1e12,
            "static power": machine.static_w * 1e3,
            "die": machine.die_area_mm2,
            "latency": report.latency_s * 1e3,
            "energy of": report.energy_j * 1e3,
            "embodied [g]": report.carbon.embodied_gco2e,
            "operational, 30": report.carbon.operational_gco2e,
            "total [g]": report.carbon.total_gco2e,
        }
        for name, value in numbers.items():
            rows.setdefault(name, []).append(value)
    for name, values in rows.items():
        assert told(name) == pytest.approx(values, rel=0.03, abs=0.001), name
