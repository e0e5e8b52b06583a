"""Arithmetic and registers: multiply-accumulate units, vector lanes, register files."""

from catx.costmodel.components import technology
from catx.costmodel.components.lookup import log_interpolate, positive, power_law
from catx.costmodel.components.numbers import ComponentNumbers
from catx.errors import SpecError
from catx.ir.dtype import DType
from catx.names import unknown_name

MADE_NM, NEW_NM = 45.0, 7.0
"""Nodes of the two published tables: Horowitz, and Jouppi et al. [nm]."""

Point = tuple[float, float]
"""One operation: energy at 45 nm and at 7 nm [pJ]."""

MULTIPLY_PJ: dict[str, Point] = {
    "int8": (0.2, 0.07),
    "int32": (3.1, 1.48),
    "fp16": (1.1, 0.34),
    "fp32": (3.7, 1.31),
}
ADD_PJ: dict[str, Point] = {
    "int8": (0.03, 0.007),
    "int32": (0.1, 0.03),
    "fp16": (0.4, 0.16),
    "fp32": (0.9, 0.38),
}
"""Energies [pJ]. 45 nm, 0.9 V: M. Horowitz, "Computing's energy problem", ISSCC 2014. 7 nm: N. Jouppi et al.,
"Ten lessons from three generations shaped Google's TPUv4i", ISCA 2021, Table 2 (which lists both columns)."""

BF16_7NM_PJ = (0.21, 0.11)
"""bf16 multiply and add at 7 nm [pJ], same table; at 45 nm it has none: fp16's ratio between the nodes."""

MULTIPLY_UM2 = {"int8": 282.0, "int32": 3495.0, "fp16": 1640.0, "fp32": 7700.0}
ADD_UM2 = {"int8": 36.0, "int32": 137.0, "fp16": 1360.0, "fp32": 4184.0}
"""Areas at 45 nm [um2]: Horowitz's table as W. Dally and others reprint it (NeurIPS 2015 tutorial)."""

REGISTER_NM = 40.0
REGISTER_J_PER_BIT = 9e-15
REGISTER_UM2_PER_BIT = 5.98
"""Flip-flop at 40 nm: energy of a read or write [J/bit], area [um2/bit]. Y. Shao et al., "Aladdin", ISCA
2014, as hwcomponents-library tabulates it."""

LARGEST_REGISTER_FILE_BYTES = 1024
"""Above this a register file is built as SRAM: per-bit flip-flop energy no longer describes it [byte]."""


def _family(dtype: DType) -> tuple[str, str, int]:
    """The two published types whose power law gives an element type its numbers, and its width [bit]."""
    if dtype is DType.BOOL:
        raise SpecError("no arithmetic unit for bool", hint="use int1 for binary networks")
    return ("fp16", "fp32", dtype.bits) if dtype.is_float else ("int8", "int32", dtype.bits)


def _by_width(low: float, high: float, dtype: DType) -> float:
    """Power law in the width through the two published types of the family."""
    narrow, _, bits = _family(dtype)
    return power_law(float(DType(narrow).bits), low, 32.0, high, float(bits))


def _published_pj(table: dict[str, Point], dtype: DType) -> Point:
    """Energy at both nodes [pJ]; between and beyond the published widths by the power law."""
    if dtype is DType.BF16:
        bf16_pj = BF16_7NM_PJ[0] if table is MULTIPLY_PJ else BF16_7NM_PJ[1]
        made, new = table["fp16"]
        return bf16_pj * made / new, bf16_pj
    (narrow_made, narrow_new), (wide_made, wide_new) = (table[name] for name in _family(dtype)[:2])
    return _by_width(narrow_made, wide_made, dtype), _by_width(narrow_new, wide_new, dtype)


def _energy_j(table: dict[str, Point], dtype: DType, node_nm: float) -> float:
    """Energy of one operation at a node [J]: log-log between 45 and 7 nm, above 45 nm scaled."""
    made, new = _published_pj(table, dtype)
    if node_nm > MADE_NM:
        return made * technology.energy_scale(MADE_NM, node_nm) * 1e-12
    return log_interpolate([(NEW_NM, new), (MADE_NM, made)], node_nm) * 1e-12


def _area_um2(table: dict[str, float], energies: dict[str, Point], dtype: DType) -> float:
    """Area of one operator at 45 nm [um2]; bf16 by the ratio of its energy to fp16's."""
    if dtype is DType.BF16:
        return table["fp16"] * _published_pj(energies, dtype)[1] / energies["fp16"][1]
    narrow, wide, _ = _family(dtype)
    return _by_width(table[narrow], table[wide], dtype)


def _note(dtype: DType, node_nm: float) -> str:
    """Where arithmetic numbers come from, and how far they were taken."""
    energy = "Horowitz 2014 (45 nm) and Jouppi 2021 (7 nm), log-log between"
    if node_nm > MADE_NM:
        scale = technology.energy_scale(MADE_NM, node_nm)
        energy = f"Horowitz 2014 (45 nm) scaled to {node_nm:g} nm x {scale:.3g} ({technology.STILLMAKER})"
    area = technology.area_scale(MADE_NM, node_nm)
    note = f"energy: {energy}; area: Horowitz 45 nm x {area:.3g} ({technology.STILLMAKER})"
    if dtype is DType.BF16:
        return f"{note}; bf16 at 45 nm by fp16's ratio"
    narrow, wide, bits = _family(dtype)
    if bits in (DType(narrow).bits, 32):
        return note
    word = "interpolated" if DType(narrow).bits < bits < 32 else "extrapolated"
    return f"{note}; {dtype} {word} in width from {narrow} and {wide}"


def as_dtype(name: str | DType) -> DType:
    """An element type by its name."""
    try:
        return DType(name)
    except ValueError:
        raise unknown_name("element type", str(name), [dtype.value for dtype in DType]) from None


def mac(*, node_nm: float, dtype: str | DType, accumulator: str | DType) -> ComponentNumbers:
    """One multiply-accumulate: a multiplier of `dtype` and an adder of `accumulator`, no registers.

    Args:
        node_nm: technology node, 7..90 [nm].
        dtype: element type of the factors.
        accumulator: element type of the sum.
    """
    factor, total = as_dtype(dtype), as_dtype(accumulator)
    technology.check_node(node_nm)
    area_um2 = _area_um2(MULTIPLY_UM2, MULTIPLY_PJ, factor) + _area_um2(ADD_UM2, ADD_PJ, total)
    return ComponentNumbers(
        j_per_op=_energy_j(MULTIPLY_PJ, factor, node_nm) + _energy_j(ADD_PJ, total, node_nm),
        area_mm2=area_um2 * technology.area_scale(MADE_NM, node_nm) * 1e-6,
        source=f"multiply {factor}, add {total}; "
        + "; ".join(dict.fromkeys(_note(kind, node_nm) for kind in (factor, total)))
        + "; no leakage data",
    )


def vector_lane(*, node_nm: float, dtype: str | DType) -> ComponentNumbers:
    """One lane of a vector unit: an adder, a multiplier and three operand registers.

    `j_per_op` is one simple operation: the mean of an add and a multiply, two operand reads and a write.
    """
    kind = as_dtype(dtype)
    technology.check_node(node_nm)
    registers = register_file(node_nm=node_nm, capacity_bytes=3 * max(kind.bits, 8) / 8)
    arithmetic_j = (_energy_j(MULTIPLY_PJ, kind, node_nm) + _energy_j(ADD_PJ, kind, node_nm)) / 2
    area_um2 = _area_um2(MULTIPLY_UM2, MULTIPLY_PJ, kind) + _area_um2(ADD_UM2, ADD_PJ, kind)
    return ComponentNumbers(
        j_per_op=arithmetic_j + 3 * kind.bits / 8 * registers.read_j_per_byte,
        area_mm2=area_um2 * technology.area_scale(MADE_NM, node_nm) * 1e-6 + registers.area_mm2,
        source=f"add and multiply {kind}: {_note(kind, node_nm)}; registers: {registers.source}",
    )


def register_file(*, node_nm: float, capacity_bytes: float) -> ComponentNumbers:
    """A register file of flip-flops.

    Args:
        node_nm: technology node, 7..90 [nm].
        capacity_bytes: up to 1 KiB [byte]; larger ones are SRAM.
    """
    positive("capacity_bytes", capacity_bytes)
    technology.check_node(node_nm)
    if capacity_bytes > LARGEST_REGISTER_FILE_BYTES:
        raise SpecError(
            f"a register file of {capacity_bytes:g} bytes is too large for flip-flops",
            hint=f"above {LARGEST_REGISTER_FILE_BYTES} bytes use class sram",
        )
    energy = technology.energy_scale(REGISTER_NM, node_nm)
    area = technology.area_scale(REGISTER_NM, node_nm)
    detail = f"energy x {energy:.3g}, area x {area:.3g} ({technology.STILLMAKER})"
    return ComponentNumbers(
        read_j_per_byte=8 * REGISTER_J_PER_BIT * energy,
        write_j_per_byte=8 * REGISTER_J_PER_BIT * energy,
        area_mm2=8 * capacity_bytes * REGISTER_UM2_PER_BIT * area * 1e-6,
        source="flip-flops, Aladdin (ISCA 2014), 40 nm"
        + technology.scaled_note(REGISTER_NM, node_nm, detail)
        + "; no leakage data",
    )
