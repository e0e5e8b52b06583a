"""Describe your own hardware and compare variants of it.

hw.yaml beside this file is the machine. Three variants answer one question: what would help it more, a larger
buffer, a wider one, or more multipliers? Energies and areas come from the component library, so each variant
has its own: a larger buffer costs more area and more energy per byte.

Run it: python examples/02_own_hardware/compare.py
"""

from pathlib import Path

import catx
from catx.frontend.hardware import parse_accelerator

VARIANTS = {
    "as written": {},
    "4 x buffer": {"capacity: 512 KiB": "capacity: 2 MiB"},
    "4 x buffer bandwidth": {"bandwidth: 64 B/cycle": "bandwidth: 256 B/cycle", "macros: 1": "macros: 4"},
    "4 x multipliers": {"row, size: 16": "row, size: 32", "column, size: 16": "column, size: 32"},
}


def machine(changes: dict[str, str]) -> catx.Accelerator:
    """The machine of hw.yaml with some of its lines changed."""
    file = Path(__file__).parent / "hw.yaml"
    text = file.read_text()
    for old, new in changes.items():
        assert text.count(old) == 1, f"{old!r} must stand once in {file}"
        text = text.replace(old, new)
    return parse_accelerator(text, str(file))  # catx.load_accelerator(file) where nothing is changed


def main() -> None:
    model = catx.load_model("clip_vit_b16_text")
    print(f"{'':22}{'latency':>10}{'energy':>10}{'area':>11}{'carbon':>11}   slowest layer is bound by")
    for name, changes in VARIANTS.items():
        report = catx.compile_model(model, machine(changes))
        slowest = max(report.layers, key=lambda layer: layer.count * layer.cost.latency_s)
        print(
            f"{name:22}{report.latency_s * 1e3:7.2f} ms{report.energy_j * 1e3:7.2f} mJ"
            f"{report.area_mm2:7.3f} mm2{report.carbon.total_gco2e:7.0f} g   {slowest.cost.bound_by}"
        )


if __name__ == "__main__":
    main()
