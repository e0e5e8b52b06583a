"""On-chip wires: energy per byte and distance, and how far data travels between equal parts."""

from math import sqrt

from catx.costmodel.components import technology
from catx.costmodel.components.lookup import log_interpolate, positive
from catx.costmodel.components.numbers import ComponentNumbers

WIRE_PJ_PER_BIT_MM = {22: 0.19, 45: 0.38, 65: 0.50}
"""Repeated semi-global wire at 30 % delay penalty, LSTP transistors [pJ/bit/mm]; computed with CACTI 7.
Wires of least delay take about twice as much (0.37, 0.72, 0.96)."""

MEAN_WAY = 0.75
"""Mean Manhattan distance from the middle of a side of a square to its points, in sides: 1/2 inwards and 1/4
along [1]. Geometry."""


def spread_mm(parts: int, part_mm2: float) -> float:
    """Mean way from the port of a square of equal parts to the port of one of them [mm].

    Each port is in the middle of a side. The way inside a part belongs to the part's own numbers, so a single
    part adds nothing, and parts of parts add up to the way over all of them.

    Args:
        parts: how many lie side by side.
        part_mm2: area of one [mm2].
    """
    return MEAN_WAY * (sqrt(parts * part_mm2) - sqrt(part_mm2))


def wire(*, node_nm: float, length_mm: float) -> ComponentNumbers:
    """A wire of some length; every byte that enters it costs `write_j_per_byte` once.

    Args:
        node_nm: technology node, 7..90 [nm]; outside of 22..65 nm scaled by the supply.
        length_mm: distance [mm].
    """
    positive("length_mm", length_mm)
    made = sorted(WIRE_PJ_PER_BIT_MM)
    technology.check_node(node_nm)
    from_nm = min(max(node_nm, float(made[0])), float(made[-1]))
    pj_per_bit_mm = log_interpolate([(float(nm), WIRE_PJ_PER_BIT_MM[nm]) for nm in made], from_nm)
    scale = technology.wire_scale(from_nm, node_nm)
    detail = f"x {scale:.3g} (supply squared, {technology.STILLMAKER}'s nominal supplies)"
    return ComponentNumbers(
        write_j_per_byte=pj_per_bit_mm * 8e-12 * scale * length_mm,
        source="repeated semi-global wire, CACTI 7, LSTP, 30 % delay penalty, log-log over nodes"
        + technology.scaled_note(from_nm, node_nm, detail),
    )
