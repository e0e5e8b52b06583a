"""Scaling between technology nodes by published factors: switching energy, logic area, SRAM cells, wires.

Energy and logic area: A. Stillmaker, B. Baas, "Scaling equations for the accurate prediction of CMOS device
performance from 180 nm to 7 nm", Integration 58 (2017) 74-81. SRAM: published bit cells of one foundry.
Nodes between the published ones are interpolated in log-log; outside of 7..90 nm nothing is scaled.
"""

from catx.costmodel.components.lookup import log_interpolate
from catx.errors import SpecError

SMALLEST_NM, LARGEST_NM = 7.0, 90.0
"""Range of the published factors [nm]."""

ENERGY_COEFFICIENTS = {
    90: (4.762, -4.781, 2.092),
    65: (3.755, -4.398, 1.975),
    45: (1.018, -0.3107, 0.1539),
    32: (0.8367, -0.4341, 0.1701),
    20: (0.373, -0.1582, 0.04104),
    16: (0.2958, -0.1241, 0.03024),
    14: (0.2363, -0.09675, 0.02239),
    10: (0.2068, -0.09311, 0.02375),
    7: (0.1776, -0.09097, 0.02447),
}
"""Energy factor = a V^2 + b V + c by node; V in volt. Stillmaker & Baas, Table 5 (high performance)."""

NOMINAL_V = {90: 1.1, 65: 1.1, 45: 1.1, 32: 0.97, 20: 0.90, 16: 0.86, 14: 0.86, 10: 0.83, 7: 0.80}
"""Supply by node [V]: the ITRS nominal values of the same paper, Table 2; at 65 and 90 nm that of 45 nm."""

AREA_FACTORS = {90: 48.0, 65: 25.0, 45: 17.0, 32: 7.8, 20: 3.6, 16: 3.2, 14: 2.9, 10: 1.7, 7: 1.0}
"""Logic area relative to 7 nm. Stillmaker & Baas, Table 4."""

BIT_CELL_UM2 = {28: 0.127, 16: 0.070, 7: 0.027}
"""High-density SRAM bit cell of TSMC [um2/bit]: 16 nm Chen et al., JSSC 50(1) 2015 (0.55 of 28 nm); 7 nm Wu
et al., IEDM 2016. Both read at WikiChip."""

STILLMAKER = "Stillmaker & Baas 2017"


def check_node(node_nm: float) -> float:
    """The node, if the scaling factors cover it."""
    if not SMALLEST_NM <= node_nm <= LARGEST_NM:
        raise SpecError(
            f"no component data for {node_nm:g} nm",
            hint=f"the published scaling factors cover {SMALLEST_NM:g}..{LARGEST_NM:g} nm; "
            "elsewhere give the energy and area as numbers",
        )
    return float(node_nm)


def energy_factor(node_nm: int, supply_v: float) -> float:
    """Switching energy of a published node at a supply voltage, relative to the paper's reference."""
    a, b, c = ENERGY_COEFFICIENTS[node_nm]
    return a * supply_v**2 + b * supply_v + c


def energy_scale(from_nm: float, to_nm: float) -> float:
    """Factor on switching energy between two nodes, each at its nominal supply."""
    points = [(float(n), energy_factor(n, NOMINAL_V[n])) for n in sorted(ENERGY_COEFFICIENTS)]
    return log_interpolate(points, check_node(to_nm)) / log_interpolate(points, check_node(from_nm))


def area_scale(from_nm: float, to_nm: float) -> float:
    """Factor on the area of logic between two nodes."""
    points = [(float(n), AREA_FACTORS[n]) for n in sorted(AREA_FACTORS)]
    return log_interpolate(points, check_node(to_nm)) / log_interpolate(points, check_node(from_nm))


def sram_area_scale(from_nm: float, to_nm: float) -> float:
    """Factor on the area of SRAM between two nodes of 7..28 nm: the ratio of the bit cells."""
    points = [(float(n), BIT_CELL_UM2[n]) for n in sorted(BIT_CELL_UM2)]
    return log_interpolate(points, to_nm) / log_interpolate(points, from_nm)


def wire_scale(from_nm: float, to_nm: float) -> float:
    """Factor on wire energy: capacitance per length stays about the same, so it goes with V^2."""
    points = [(float(n), NOMINAL_V[n]) for n in sorted(NOMINAL_V)]
    return (log_interpolate(points, check_node(to_nm)) / log_interpolate(points, check_node(from_nm))) ** 2


def scaled_note(from_nm: float, to_nm: float, detail: str) -> str:
    """The part of a source string that says how far numbers were scaled; empty if they were not."""
    return "" if from_nm == to_nm else f"; scaled {from_nm:g} -> {to_nm:g} nm: {detail}"
