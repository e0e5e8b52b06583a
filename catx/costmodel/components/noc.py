"""Networks on chip: the way across equal parts, and the routers of a mesh on that way."""

from dataclasses import replace
from math import sqrt

from catx.costmodel.components.fifo import fifo
from catx.costmodel.components.logic import LARGEST_REGISTER_FILE_BYTES
from catx.costmodel.components.lookup import positive
from catx.costmodel.components.numbers import ComponentNumbers
from catx.costmodel.components.wire import spread_mm, wire
from catx.errors import SpecError
from catx.units import BITS_PER_BYTE

MESH_PORTS = 5
"""Of a router of a mesh, each with a FIFO where flits come in: four neighbours and its part (geometry)."""


def noc(
    *, node_nm: float, parts: int, part_mm2: float, flit_bits: float = 0.0, depth: int = 0
) -> ComponentNumbers:
    """What a byte costs from the port of a square of equal parts to one of them, on average.

    Without `depth` it is a bus: wires alone. With it, every part has the router of a mesh. A byte is then
    written to and read from a FIFO in each router on its way, and routers move the parts apart; arbitration
    and crossbars are not counted.

    Args:
        node_nm: technology node, 7..90 [nm].
        parts: how many lie side by side.
        part_mm2: area of one [mm2].
        flit_bits: width of a link of the mesh [bit].
        depth: flits that an input of a router holds, 2 or more; 0: no routers.

    Raises:
        SpecError: a mesh without the width of its links, or the reverse.
    """
    positive("parts", parts)
    positive("part_mm2", part_mm2)
    if bool(flit_bits) != bool(depth):
        raise SpecError("a mesh needs both flit_bits and depth; a bus has neither")
    if flit_bits < 0 or (depth and depth < 2):
        raise SpecError(f"flit_bits must be above 0 and depth 2 or more, not {flit_bits:g} and {depth}")
    if depth * flit_bits / BITS_PER_BYTE > LARGEST_REGISTER_FILE_BYTES:
        raise SpecError(
            f"a FIFO of {depth} flits of {flit_bits:g} bits is more than {LARGEST_REGISTER_FILE_BYTES} bytes",
            hint="lower the depth or the width of the routers",
        )
    if not depth:
        return _bus(node_nm, parts, part_mm2)
    buffer = fifo(
        node_nm=node_nm, capacity_bytes=depth * flit_bits / BITS_PER_BYTE, width_bits=float(flit_bits)
    )
    hops, router_mm2 = mean_hops(parts), MESH_PORTS * buffer.area_mm2
    bus = _bus(node_nm, parts, part_mm2 + router_mm2)
    return ComponentNumbers(
        write_j_per_byte=bus.write_j_per_byte + hops * (buffer.read_j_per_byte + buffer.write_j_per_byte),
        area_mm2=parts * router_mm2,
        source=f"{bus.source}; {hops:.3g} routers on the way, {MESH_PORTS} FIFOs each: {buffer.source}",
    )


def _bus(node_nm: float, parts: int, part_mm2: float) -> ComponentNumbers:
    """Wires alone."""
    length_mm = spread_mm(parts, part_mm2)
    if not length_mm:
        return ComponentNumbers(source="one part: no way")
    way = wire(node_nm=node_nm, length_mm=length_mm)
    return replace(way, source=f"{length_mm:.3g} mm across: {way.source}")


def mean_hops(parts: int) -> float:
    """Routers that a flit passes from the middle of a side of a square mesh to a part, on average.

    With k parts in a side: its own router, (k - 1) / 2 inwards, and along (k - 2) / 4 from the nearer one of
    two middle columns, or (k^2 - 1) / (4 k) from the middle one of an odd number. Between whole sides linear.
    """
    low = int(sqrt(parts) + 1e-9)
    share = sqrt(parts) - low
    return _hops(low) + share * (_hops(low + 1) - _hops(low)) if share > 1e-9 else _hops(low)


def _hops(side: int) -> float:
    along = (side - 2) / 4 if side % 2 == 0 else (side * side - 1) / (4 * side)
    return 1.0 + (side - 1) / 2 + along
