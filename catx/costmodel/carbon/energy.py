"""Energy of one inference by kind of part: kinds whose published numbers err apart from each other."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from catx.costmodel.carbon.formulas import SheetWriter
from catx.costmodel.carbon.wafer import spread_of
from catx.errors import SpecError
from catx.ir.accelerator import Accelerator, Fanout


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceEnergy:
    """Joules of one inference: off-chip DRAM, memories, links, units that compute, and static power."""

    dram_j: float = 0.0
    memory_j: float = 0.0
    link_j: float = 0.0
    compute_j: float = 0.0
    static_j: float = 0.0


_KINDS = {
    "dram_j": ("dram_energy_j", "energy_dram", "report: all layers, DRAM and its interface"),
    "memory_j": ("memory_energy_j", "energy_memory", "report: all layers, memories on the chip"),
    "link_j": ("link_energy_j", "energy_link", "report: all layers, links of fanouts"),
    "compute_j": ("compute_energy_j", "energy_compute", "report: all layers, matrix and vector unit"),
    "static_j": ("static_energy_j", "leakage", "report: leakage and background power while it runs"),
}
"""Fields of `InferenceEnergy`: the row, the key of its spread, its source."""


def energy_by_kind(
    accelerator: Accelerator, by_part_j: Mapping[str, float], static_j: float
) -> InferenceEnergy:
    """Energies of parts, sorted by what the parts are.

    Args:
        accelerator: has the parts.
        by_part_j: energy of levels and units by name, without static power [J].
        static_j: of static power while the inference runs [J].

    Raises:
        SpecError: the accelerator has no such part.
    """
    kind = {
        level.name: "link_j" if isinstance(level, Fanout) else "dram_j" if level.dram_type else "memory_j"
        for level in accelerator.levels
    }
    kind[accelerator.matrix.name] = "compute_j"
    if accelerator.vector:
        kind[accelerator.vector.name] = "compute_j"
    sums = dict.fromkeys(_KINDS, 0.0) | {"static_j": static_j}
    for part, joules in by_part_j.items():
        if part not in kind:
            raise SpecError(f"energy of {part}, which {accelerator.name} does not have")
        sums[kind[part]] += joules
    return InferenceEnergy(**sums)


def write_energy(sheet: SheetWriter, energy: InferenceEnergy) -> str:
    """Write the energy of one inference, kinds that take none left out; returns its row [J]."""
    rows = []
    for field in fields(energy):
        name, key, source = _KINDS[field.name]
        if joules := getattr(energy, field.name):
            rows.append(sheet.given(name, joules, "J", source, spread=spread_of(key)))
    return sheet.formula("energy_per_inference_j", " + ".join(rows) or "0", "J")
