"""On-chip wires: energy per byte and distance."""

from catx.costmodel.components import technology
from catx.costmodel.components.lookup import log_interpolate, positive
from catx.costmodel.components.numbers import ComponentNumbers
from catx.errors import SpecError

WIRE_PJ_PER_BIT_MM = {22: 0.19, 45: 0.38, 65: 0.50}
"""Repeated semi-global wire at 30 % delay penalty, LSTP transistors [pJ/bit/mm]; computed with CACTI 7.
Wires of least delay take about twice as much (0.37, 0.72, 0.96)."""


def wire(*, node_nm: float, length_mm: float) -> ComponentNumbers:
    """A wire of some length; every byte that enters it costs `write_j_per_byte` once.

    Args:
        node_nm: technology node, 7..65 [nm].
        length_mm: distance [mm].
    """
    positive("length_mm", length_mm)
    made = sorted(WIRE_PJ_PER_BIT_MM)
    technology.check_node(node_nm)
    if node_nm > made[-1]:
        raise SpecError(f"no wire data for {node_nm:g} nm", hint=f"it covers 7..{made[-1]} nm")
    from_nm = max(node_nm, float(made[0]))
    pj_per_bit_mm = log_interpolate([(float(nm), WIRE_PJ_PER_BIT_MM[nm]) for nm in made], from_nm)
    scale = technology.wire_scale(from_nm, node_nm)
    detail = f"x {scale:.3g} (supply squared, {technology.STILLMAKER}'s nominal supplies)"
    return ComponentNumbers(
        write_j_per_byte=pj_per_bit_mm * 8e-12 * scale * length_mm,
        source="repeated semi-global wire, CACTI 7, LSTP, 30 % delay penalty, log-log over nodes"
        + technology.scaled_note(from_nm, node_nm, detail),
    )
