"""Off-chip memory: energy per byte moved, and the power that it draws while nothing moves."""

from dataclasses import dataclass

from catx.costmodel.components.numbers import ComponentNumbers
from catx.errors import SpecError
from catx.names import unknown_name


@dataclass(frozen=True, slots=True, kw_only=True)
class DramType:
    """A kind of DRAM: energy of a bit moved [pJ/bit], standby power [W/GB], its own silicon [mm2/GB].

    `mm2_per_gb` is no part of an accelerator's die; None where no published value was found.
    """

    pj_per_bit: float
    energy_source: str
    standby_w_per_gb: float
    standby_source: str
    mm2_per_gb: float | None = None
    area_source: str = ""


_DATASHEET = "active standby IDD3N of {}, as DRAMPower (tukl-msd) tabulates the data sheet"
_SIMULATOR = "active standby IDD3N as DRAMsim3 (umd-memsys) configures {}"
_GB_OF_GBIT = 2**30 / 8e9
"""Dies and ranks have binary sizes, capacities of DRAM are in 10^9 bytes [GB/Gbit]."""
_LPDDR4_MA = (2.25, 30.0, 0.75)
"""Active standby of a 6 Gb LPDDR4-3200 die of Micron at VDD1, VDD2 and VDDQ [mA], from DRAMPower's table."""


def _lpddr_standby(vdd2_v: float, vddq_v: float) -> float:
    """Standby of that LPDDR4 die at the supplies of a generation [W/GB]; VDD1 is 1.8 V in all of them."""
    vdd1_ma, vdd2_ma, vddq_ma = _LPDDR4_MA
    return (vdd1_ma * 1.8 + vdd2_ma * vdd2_v + vddq_ma * vddq_v) * 1e-3 / (6 * _GB_OF_GBIT)


_HBM2_A, _HBM2_GB = 55.0e-3, 4 * _GB_OF_GBIT
"""Active standby of a rank of 512 MiB in a channel of HBM2, and the size of that rank [A], [GB]: DRAMsim3,
HBM2_8Gb_x128.ini."""
_TECHINSIGHTS = "TechInsights, Micron 16 Gb D1z die: {} Gb/mm2"

DRAM_TYPES = {
    "ddr3": DramType(
        pj_per_bit=70.0,
        energy_source="hwcomponents-library, DDR3",
        standby_w_per_gb=45.0e-3 * 1.5 / (2 * _GB_OF_GBIT),
        standby_source=_DATASHEET.format("Micron 2 Gb DDR3-1600: 45 mA at 1.5 V"),
    ),
    "ddr4": DramType(
        pj_per_bit=1300.0 / 64,
        energy_source="Jouppi et al., ISCA 2021, Table 2: 1300 pJ per 64 bits of DDR3/4",
        standby_w_per_gb=44.0e-3 * 1.2 / (4 * _GB_OF_GBIT),
        standby_source=_DATASHEET.format("Micron 4 Gb DDR4-2400: 44 mA at 1.2 V"),
        mm2_per_gb=1 / (_GB_OF_GBIT * 0.247),
        area_source=_TECHINSIGHTS.format("0.247"),
    ),
    "ddr5": DramType(
        pj_per_bit=1300.0 / 64 * 0.8,
        energy_source="DDR4's (Jouppi et al., ISCA 2021) less the 20 % of power that TechInsights reports",
        standby_w_per_gb=56.0e-3 * 1.1 / (8 * _GB_OF_GBIT),
        standby_source="ESTIMATE, no open data sheet: "
        + _SIMULATOR.format("an 8 Gb x16 die of DDR4-3200: 56 mA, here at DDR5's 1.1 V"),
        mm2_per_gb=1 / (_GB_OF_GBIT * 0.241),
        area_source=_TECHINSIGHTS.format("0.241"),
    ),
    "lpddr4": DramType(
        pj_per_bit=8.0,
        energy_source="hwcomponents-library and CATransformers, LPDDR4",
        standby_w_per_gb=_lpddr_standby(1.1, 1.1),
        standby_source=_DATASHEET.format("Micron 6 Gb LPDDR4-3200: 2.25 mA at 1.8 V, 30.75 mA at 1.1 V"),
    ),
    "lpddr4x": DramType(
        pj_per_bit=8.0 * 0.8,
        energy_source="LPDDR4's less the 20 % that SK hynix announced for LPDDR4X (January 2017)",
        standby_w_per_gb=_lpddr_standby(1.1, 0.6),
        standby_source=_DATASHEET.format("Micron 6 Gb LPDDR4-3200, here with LPDDR4X's VDDQ of 0.6 V"),
    ),
    "lpddr5": DramType(
        pj_per_bit=5.0,
        energy_source="upper end of the 4..5 pJ/bit that is quoted for LPDDR5",
        standby_w_per_gb=_lpddr_standby(1.05, 0.5),
        standby_source="ESTIMATE, no open data sheet: "
        + _DATASHEET.format("Micron 6 Gb LPDDR4-3200, here at LPDDR5's 1.05 and 0.5 V"),
    ),
    "hbm2": DramType(
        pj_per_bit=3.92,
        energy_source="O'Connor et al., MICRO 2017: 3.92 pJ/bit with activation and ECC",
        standby_w_per_gb=_HBM2_A * 1.2 / _HBM2_GB,
        standby_source=_SIMULATOR.format("HBM2: 55 mA at 1.2 V in each rank of 512 MiB"),
    ),
    "hbm2e": DramType(
        pj_per_bit=3.92,
        energy_source="O'Connor et al., MICRO 2017: 3.92 pJ/bit of HBM2",
        standby_w_per_gb=_HBM2_A * 1.2 / _HBM2_GB,
        standby_source="ESTIMATE, that of HBM2: "
        + _SIMULATOR.format("it, 55 mA at 1.2 V in each rank of 512 MiB"),
    ),
    "hbm3": DramType(
        pj_per_bit=4.05,
        energy_source="hwcomponents-library, HBM3",
        standby_w_per_gb=_HBM2_A * 1.1 / _HBM2_GB,
        standby_source="ESTIMATE, that of HBM2 at HBM3's 1.1 V: "
        + _SIMULATOR.format("HBM2, 55 mA in each rank of 512 MiB"),
    ),
}
"""Energies per bit include the DRAM core and its interface."""


def dram(*, node_nm: float, type: str, capacity_gb: float = 0.0) -> ComponentNumbers:
    """Numbers of all DRAM of one type that an accelerator has.

    Args:
        node_nm: node of the accelerator; DRAM does not depend on it.
        type: one of `DRAM_TYPES`.
        capacity_gb: its size, for the standby power [GB]; 0 leaves that out.

    Raises:
        SpecError: no such type, or a size that cannot be.
    """
    del node_nm
    if type not in DRAM_TYPES:
        raise unknown_name("DRAM type", type, DRAM_TYPES)
    if not 0.0 <= capacity_gb < float("inf"):
        raise SpecError(f"capacity_gb must be a finite number, 0 or more, not {capacity_gb}")
    kind = DRAM_TYPES[type]
    return ComponentNumbers(
        read_j_per_byte=kind.pj_per_bit * 8e-12,
        write_j_per_byte=kind.pj_per_bit * 8e-12,
        static_w=kind.standby_w_per_gb * capacity_gb,
        source=f"energy: {kind.energy_source}"
        + (f"; standby of {capacity_gb:g} GB: {kind.standby_source}" if capacity_gb else ""),
    )
