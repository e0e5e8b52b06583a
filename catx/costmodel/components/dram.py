"""Off-chip memory: energy per byte moved, and the power that it draws while nothing moves."""

from dataclasses import dataclass

from catx.costmodel.components.numbers import ComponentNumbers
from catx.errors import SpecError
from catx.names import unknown_name


@dataclass(frozen=True, slots=True, kw_only=True)
class DramType:
    """A kind of DRAM: energy of a bit moved [pJ/bit], standby power [W/GB] (None: no published value)."""

    pj_per_bit: float
    energy_source: str
    standby_w_per_gb: float | None
    standby_source: str = ""


_DATASHEET = "active standby IDD3N of {}, as DRAMPower (tukl-msd) tabulates the data sheet"

DRAM_TYPES = {
    "ddr3": DramType(
        pj_per_bit=70.0,
        energy_source="hwcomponents-library, DDR3",
        standby_w_per_gb=45.0e-3 * 1.5 / 0.25,
        standby_source=_DATASHEET.format("Micron 2 Gb DDR3-1600: 45 mA at 1.5 V"),
    ),
    "ddr4": DramType(
        pj_per_bit=1300.0 / 64,
        energy_source="Jouppi et al., ISCA 2021, Table 2: 1300 pJ per 64 bits of DDR3/4",
        standby_w_per_gb=44.0e-3 * 1.2 / 0.5,
        standby_source=_DATASHEET.format("Micron 4 Gb DDR4-2400: 44 mA at 1.2 V"),
    ),
    "lpddr4": DramType(
        pj_per_bit=8.0,
        energy_source="hwcomponents-library and CATransformers, LPDDR4",
        standby_w_per_gb=(2.25e-3 * 1.8 + 30.0e-3 * 1.1 + 0.75e-3 * 1.1) / 0.75,
        standby_source=_DATASHEET.format("Micron 6 Gb LPDDR4-3200: 2.25 mA at 1.8 V, 30.75 mA at 1.1 V"),
    ),
    "lpddr5": DramType(
        pj_per_bit=5.0,
        energy_source="upper end of the 4..5 pJ/bit that is quoted for LPDDR5",
        standby_w_per_gb=None,
    ),
    "hbm2": DramType(
        pj_per_bit=3.92,
        energy_source="O'Connor et al., MICRO 2017: 3.92 pJ/bit with activation and ECC",
        standby_w_per_gb=None,
    ),
    "hbm2e": DramType(
        pj_per_bit=3.92,
        energy_source="O'Connor et al., MICRO 2017: 3.92 pJ/bit of HBM2",
        standby_w_per_gb=None,
    ),
    "hbm3": DramType(
        pj_per_bit=4.05,
        energy_source="hwcomponents-library, HBM3",
        standby_w_per_gb=None,
    ),
}
"""Energies per bit include the DRAM core and its interface."""


def dram(*, node_nm: float, type: str, capacity_gb: float = 0.0) -> ComponentNumbers:
    """Numbers of all DRAM of one type that an accelerator has.

    Args:
        node_nm: node of the accelerator; DRAM does not depend on it.
        type: one of `DRAM_TYPES`.
        capacity_gb: its size, for the standby power [GB]; 0 leaves that out.
    """
    del node_nm
    if type not in DRAM_TYPES:
        raise unknown_name("DRAM type", type, DRAM_TYPES)
    if not 0.0 <= capacity_gb < float("inf"):
        raise SpecError(f"capacity_gb must be a finite number, 0 or more, not {capacity_gb}")
    kind = DRAM_TYPES[type]
    standby_w = (kind.standby_w_per_gb or 0.0) * capacity_gb
    standby = kind.standby_source or "no published value, not counted"
    return ComponentNumbers(
        read_j_per_byte=kind.pj_per_bit * 8e-12,
        write_j_per_byte=kind.pj_per_bit * 8e-12,
        static_w=standby_w,
        source=f"energy: {kind.energy_source}; standby of {capacity_gb:g} GB: {standby}",
    )
