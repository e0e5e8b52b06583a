"""SRAM: a table of CACTI results, interpolated, monotone in capacity and width; macros side by side."""

import csv
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import product
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.components import technology
from catx.costmodel.components.lookup import positive
from catx.costmodel.components.numbers import ComponentNumbers
from catx.costmodel.components.wire import spread_mm, wire
from catx.errors import SpecError
from catx.names import unknown_name

CELLS = {"hp": "itrs-hp", "lop": "itrs-lop", "lstp": "itrs-lstp"}
"""Cell flavours: high performance, low operating power, low standby power (ITRS device types of CACTI)."""

REFERENCE_NM = 22
"""The node where several ports and banks were run, and from which smaller nodes are scaled [nm]."""

AXES = ("node_nm", "cell", "ports", "banks", "capacity_bytes", "width_bits")
COLUMNS = ("area_mm2", "read_pj", "write_pj", "leakage_mw", "access_ns")
Grid = NDArray[np.float64]
"""Natural logarithms of `COLUMNS`, shape (quantity, capacity, width); NaN where CACTI has no organisation."""


@dataclass(frozen=True, slots=True)
class _Variant:
    """What CACTI's sweep kept fixed while capacity and width ran."""

    node_nm: int
    cell: str
    ports: int = 1
    banks: int = 1


@dataclass(frozen=True, slots=True)
class _Table:
    """The sweep: its axes, capacity [byte] and word width [bit], and a grid for each variant."""

    capacities: tuple[int, ...]
    widths: tuple[int, ...]
    grids: dict[_Variant, Grid]

    def nodes(self, cell: str) -> tuple[int, ...]:
        """Nodes where a cell flavour was run, increasing [nm]."""
        return tuple(sorted(v.node_nm for v in self.grids if v == _Variant(v.node_nm, cell)))


@cache
def _table() -> _Table:
    text = files("catx.data").joinpath("components/sram.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(line for line in text.splitlines() if not line.startswith("#"))
    quantities = [header.index(name) for name in COLUMNS]
    logs = np.log(np.array([[row[i] for i in quantities] for row in rows], dtype=np.float64))
    keys = [tuple(row[header.index(name)] for name in AXES) for row in rows]
    capacities = tuple(sorted({int(key[4]) for key in keys}))
    widths = tuple(sorted({int(key[5]) for key in keys}))
    grids: dict[_Variant, Grid] = {}
    for (node, cell, ports, banks, capacity, width), values in zip(keys, logs, strict=True):
        key = _Variant(int(node), cell, int(ports), int(banks))
        grid = grids.setdefault(key, np.full((len(COLUMNS), len(capacities), len(widths)), np.nan))
        grid[:, capacities.index(int(capacity)), widths.index(int(width))] = values
    return _Table(capacities, widths, grids)


def monotone(grid: Grid) -> Grid:
    """The grid made non-decreasing along its last two axes.

    The middle, in logarithms, of the smallest monotone function above and the largest below: what is
    monotone already stays as it is. A search cannot gain from CACTI's jumps between organisations.
    """
    above, below = grid, grid[:, ::-1, ::-1]
    for axis in (1, 2):
        above = np.fmax.accumulate(above, axis=axis)
        below = np.fmin.accumulate(below, axis=axis)
    return np.where(np.isnan(grid), np.nan, (above + below[:, ::-1, ::-1]) / 2)


@cache
def _grid(variant: _Variant) -> Grid:
    """The smoothed grid of a variant; ports and banks away from 22 nm LSTP by CACTI's ratio there."""
    grids = _table().grids
    base = grids[_Variant(variant.node_nm, variant.cell)]
    if variant in grids:
        return monotone(grids[variant])
    plain = _Variant(REFERENCE_NM, CELLS["lstp"])
    special = _Variant(REFERENCE_NM, CELLS["lstp"], variant.ports, variant.banks)
    if special not in grids:
        have = sorted({(v.ports, v.banks) for v in grids})
        listed = ", ".join(f"{ports} port(s) with {banks} bank(s)" for ports, banks in have)
        raise SpecError(
            f"no SRAM data for {variant.ports} ports with {variant.banks} banks", hint=f"there is {listed}"
        )
    return monotone(base + grids[special] - grids[plain])


def _between(axis: tuple[int, ...], value: float, what: str, unit: str) -> list[tuple[int, float]]:
    """Neighbours of a value on a logarithmic axis: (index, weight), weights above 0."""
    if not axis[0] <= value <= axis[-1]:
        raise SpecError(
            f"SRAM {what} of {value:g} {unit} is outside the table",
            hint=f"it covers {axis[0]}..{axis[-1]} {unit}; split a larger memory into several instances",
        )
    upper = next(index for index, edge in enumerate(axis) if edge >= value)
    if axis[upper] == value:
        return [(upper, 1.0)]
    share = log(value / axis[upper - 1]) / log(axis[upper] / axis[upper - 1])
    return [(upper - 1, 1.0 - share), (upper, share)]


def _values(variant: _Variant, capacity_bytes: float, width_bits: float) -> NDArray[np.float64]:
    """Logarithms of `COLUMNS` at one capacity and width, shape (quantity,)."""
    table = _table()
    lines = _between(table.capacities, capacity_bytes, "capacity", "bytes")
    columns = _between(table.widths, width_bits, "word width", "bits")
    grid = _grid(variant)
    total = np.zeros(len(COLUMNS))
    for (line, down), (column, across) in product(lines, columns):
        total += down * across * grid[:, line, column]
    if np.isnan(total).any():
        raise SpecError(
            f"no SRAM of {capacity_bytes:g} bytes with words of {width_bits:g} bits at {variant.node_nm} nm "
            f"({variant.cell}, {variant.ports} port(s), {variant.banks} bank(s))",
            hint="CACTI finds no organisation: wider words need more capacity; the least width is 64 bits",
        )
    return total


def _interpolated(
    node_nm: float, cell: str, capacity_bytes: float, width_bits: float, ports: int, banks: int
) -> tuple[NDArray[np.float64], str]:
    """Logarithms of `COLUMNS` at a node within the sweep, and how they were found."""
    nodes = _table().nodes(cell)
    values = np.zeros(len(COLUMNS))
    used = _between(nodes, node_nm, "node", "nm")
    for index, weight in used:
        variant = _Variant(nodes[index], cell, ports, banks)
        values += weight * _values(variant, capacity_bytes, width_bits)
    at = [nodes[index] for index, _ in used]
    note = f"CACTI 7 ({cell}, 300 K), {' and '.join(map(str, at))} nm, log-log interpolation"
    if (ports, banks) != (1, 1) and (at, cell) != ([REFERENCE_NM], CELLS["lstp"]):
        note += f"; {ports} port(s), {banks} bank(s) by CACTI's ratio at {REFERENCE_NM} nm"
    return values, note


def sram(
    *,
    node_nm: float,
    capacity_bytes: float,
    width_bits: float,
    ports: int = 1,
    banks: int = 1,
    cell: str = "lstp",
    macros: int = 1,
) -> ComponentNumbers:
    """Numbers of a memory of one or more equal SRAM macros.

    Areas and leakages of macros add up, and so do the words that they move: one per port and cycle. A byte
    costs what it costs in one of them, and the wire from there to where all of them come together.

    Args:
        node_nm: technology node, 7..90 [nm]; below 22 nm the 22 nm numbers are scaled.
        capacity_bytes: of all macros together, 1 KiB..16 MiB in each [byte].
        width_bits: bits that one access of a macro reads or writes [bit].
        ports: read-write ports, 1 or 2.
        banks: 1 or 4.
        cell: "lstp", "lop" or "hp".
        macros: equal macros side by side.

    Source: CACTI 7 (Balasubramonian et al., ACM TACO 14(2), 2017), see catx/data/components/sram.csv.
    """
    if cell not in CELLS:
        raise unknown_name("SRAM cell", cell, CELLS)
    positive("capacity_bytes", capacity_bytes)
    positive("width_bits", width_bits)
    positive("macros", macros)
    technology.check_node(node_nm)
    made_nm = max(node_nm, float(REFERENCE_NM))
    values, note = _interpolated(made_nm, CELLS[cell], capacity_bytes / macros, width_bits, ports, banks)
    one = _scaled(values, note, made_nm=made_nm, node_nm=node_nm, word_bytes=width_bits / 8)
    one = replace(one, port_bytes_per_cycle=width_bits / 8 * ports)
    return one if macros == 1 else _side_by_side(one, macros, node_nm)


def _side_by_side(one: ComponentNumbers, macros: int, node_nm: float) -> ComponentNumbers:
    """Equal macros that share a port, with the wires between it and them."""
    length_mm = spread_mm(macros, one.area_mm2)
    way = wire(node_nm=node_nm, length_mm=length_mm)
    return replace(
        one,
        read_j_per_byte=one.read_j_per_byte + way.write_j_per_byte,
        write_j_per_byte=one.write_j_per_byte + way.write_j_per_byte,
        static_w=one.static_w * macros,
        area_mm2=one.area_mm2 * macros,
        port_bytes_per_cycle=one.port_bytes_per_cycle * macros,
        source=f"{one.source}; {macros} macros, {length_mm:.3g} mm of wire to their port: {way.source}",
    )


def _scaled(
    values: NDArray[np.float64], note: str, *, made_nm: float, node_nm: float, word_bytes: float
) -> ComponentNumbers:
    """Numbers from logarithms of `COLUMNS` at `made_nm`, scaled to `node_nm` where CACTI does not reach."""
    area_mm2, read_pj, write_pj, leakage_mw, access_ns = (exp(value) for value in values)
    energy = technology.energy_scale(made_nm, node_nm)
    area = 1.0 if made_nm == node_nm else technology.sram_area_scale(made_nm, node_nm)
    detail = (
        f"energy x {energy:.3g} ({technology.STILLMAKER}), area x {area:.3g} (TSMC bit cells), leakage and "
        "access time kept"
    )
    return ComponentNumbers(
        read_j_per_byte=read_pj * 1e-12 * energy / word_bytes,
        write_j_per_byte=write_pj * 1e-12 * energy / word_bytes,
        static_w=leakage_mw * 1e-3,
        area_mm2=area_mm2 * area,
        access_s=access_ns * 1e-9,
        source=note + technology.scaled_note(made_nm, node_nm, detail),
    )
