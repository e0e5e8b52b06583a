"""Area and energy as the code of CATransformers has them: the parity preset at 22 nm, int8.

Figures measured on its public code (arXiv 2505.01386, commit ad8c859); none of that code is here. Some are
known to be off, and kept because parity is the purpose: docs/versus-catransformers.md says which. catx's own
numbers are in the other modules of this package.
"""

from dataclasses import dataclass

from catx.costmodel.components.numbers import ComponentNumbers
from catx.errors import SpecError

MAC_UM2 = 379.846667
"""A 45 nm 32-bit multiply-add (3632 um2) scaled linearly to 8 bits and by 0.418 to 22 nm [um2]."""
MAC_J = 0.469035e-12
MATRIX_REGISTERS_UM2 = 0.348053
"""32 bytes beside each MAC [um2]."""
VECTOR_REGISTERS_UM2 = 0.13052
"""12 bytes beside each vector lane [um2]."""
WORD_BYTES = 4
"""All energies of the tables are per access of one 32-bit word."""

SRAM_UM2_READ_WRITE_PJ = {
    64: (105921.0, 5.428359, 5.08094),
    128: (219485.0, 6.739844, 6.38374),
    256: (447768.0, 9.129444, 8.75605),
    512: (815621.0, 12.539794, 11.0719),
    1024: (1642130.0, 17.421444, 15.95355),
    2048: (3100860.0, 24.296144, 20.6046),
    4096: (6207510.0, 34.338094, 30.64655),
    8192: (12235100.0, 49.079894, 45.38835),
}
"""By capacity [KiB]: area [um2], energy of a word read and written [pJ]. CACTI, LSTP, 2 ports, 4 banks."""

SOURCE = "CATransformers' public code, 22 nm, int8 (measured); read per byte of a 4-byte access"

ENERGY_TABLE = {
    "matrix_registers": (0.190888, 0.254518),
    "vector_registers": (0.088823, 0.11843),
    "dram": (256.0, 256.0),
}
"""Energy of a word read and written [pJ]; DRAM is LPDDR4 at 8 pJ/bit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatransformersArea:
    """Area by part [mm2]; L2 is counted twice, once for the matrix and once for the vector cores."""

    matrix_mm2: float
    vector_mm2: float
    l2_matrix_mm2: float
    l2_vector_mm2: float
    glb_mm2: float

    @property
    def total_mm2(self) -> float:
        """The whole chip [mm2]."""
        return self.matrix_mm2 + self.vector_mm2 + self.l2_matrix_mm2 + self.l2_vector_mm2 + self.glb_mm2


def _sram_row(kib: int) -> tuple[float, float, float]:
    if kib not in SRAM_UM2_READ_WRITE_PJ:
        sizes = ", ".join(str(size) for size in SRAM_UM2_READ_WRITE_PJ)
        raise SpecError(f"the CATransformers preset has no SRAM of {kib} KiB", hint=f"it has {sizes} KiB")
    return SRAM_UM2_READ_WRITE_PJ[kib]


def effective_l2_kib(*, pe_width: int, pe_depth: int, l2_kib: int) -> int:
    """The L2 that its area is computed for [KiB]: wide arrays get more than was asked for."""
    floor = {(256, 16): 128, (256, 32): 256}.get((pe_width, pe_depth), pe_width * pe_depth // 64)
    return max(l2_kib, floor)


def catransformers_area_mm2(
    *, clusters: int, pe_width: int, pe_depth: int, l2_kib: int, glb_mib: int
) -> CatransformersArea:
    """Area by part of one point of the paper's hardware space.

    Args:
        clusters: matrix cores, and as many vector cores.
        pe_width: columns of a matrix core, and lanes of a vector core.
        pe_depth: rows of a matrix core.
        l2_kib: local buffer of each core [KiB].
        glb_mib: global buffer [MiB].
    """
    for name, value in (("clusters", clusters), ("pe_width", pe_width), ("pe_depth", pe_depth)):
        if value < 1:
            raise SpecError(f"{name} must be at least 1, not {value}")
    matrix_l2 = _sram_row(effective_l2_kib(pe_width=pe_width, pe_depth=pe_depth, l2_kib=l2_kib))[0]
    vector_l2 = _sram_row(effective_l2_kib(pe_width=pe_width, pe_depth=1, l2_kib=l2_kib))[0]
    lanes = clusters * pe_width
    return CatransformersArea(
        matrix_mm2=lanes * pe_depth * (MAC_UM2 + MATRIX_REGISTERS_UM2) * 1e-6,
        vector_mm2=lanes * (MAC_UM2 + VECTOR_REGISTERS_UM2) * 1e-6,
        l2_matrix_mm2=clusters * matrix_l2 * 1e-6,
        l2_vector_mm2=clusters * vector_l2 * 1e-6,
        glb_mm2=_sram_row(glb_mib * 1024)[0] * 1e-6,
    )


def _storage(area_um2: float, read_pj: float, write_pj: float) -> ComponentNumbers:
    return ComponentNumbers(
        read_j_per_byte=read_pj * 1e-12 / WORD_BYTES,
        write_j_per_byte=write_pj * 1e-12 / WORD_BYTES,
        area_mm2=area_um2 * 1e-6,
        source=SOURCE,
    )


def catransformers_sram(kib: int) -> ComponentNumbers:
    """An L2 or global buffer of 64 KiB to 8 MiB."""
    return _storage(*_sram_row(kib))


def catransformers_registers(unit: str) -> ComponentNumbers:
    """Registers beside one MAC ("matrix") or one vector lane ("vector")."""
    areas = {"matrix": MATRIX_REGISTERS_UM2, "vector": VECTOR_REGISTERS_UM2}
    return _storage(areas[unit], *ENERGY_TABLE[f"{unit}_registers"])


def catransformers_dram() -> ComponentNumbers:
    """Its LPDDR4: 8 pJ/bit, no background power."""
    return _storage(0.0, *ENERGY_TABLE["dram"])


def catransformers_mac() -> ComponentNumbers:
    """One int8 multiply-accumulate, also a lane of a vector core (its mapper takes 2.2 pJ instead)."""
    return ComponentNumbers(j_per_op=MAC_J, area_mm2=MAC_UM2 * 1e-6, source=SOURCE)
