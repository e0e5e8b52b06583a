"""Special functions of a vector lane: exponentials, roots, activations, in its simple operations."""

from dataclasses import replace

from catx.costmodel.components.logic import vector_lane
from catx.costmodel.components.numbers import ComponentNumbers
from catx.costmodel.vector_table import VECTOR_TABLE
from catx.errors import SpecError
from catx.ir.dtype import DType
from catx.names import unknown_name


def special_function(*, node_nm: float, function: str, dtype: str | DType) -> ComponentNumbers:
    """What a lane spends on one element of a function of the vector unit.

    Args:
        node_nm: technology node, 7..90 [nm].
        function: a kind of docs/vector-ops.md that works element by element, such as `exp` or `gelu`.
        dtype: element type.

    Raises:
        SpecError: no such function, or one that folds rows: its work depends on their length.
    """
    functions = [name for name, kind in VECTOR_TABLE.items() if kind.element.energy_ops and not kind.sorts]
    if function not in functions:
        raise unknown_name("function of the vector unit", function, functions)
    kind = VECTOR_TABLE[function]
    if kind.reductions:
        raise SpecError(
            f"{function} works on rows: what an element takes depends on their length",
            hint="docs/vector-ops.md has its work per element and per row",
        )
    lane = vector_lane(node_nm=node_nm, dtype=dtype)
    work = kind.element
    return replace(
        lane,
        j_per_op=lane.j_per_op * work.energy_ops,
        source=f"{function}: {work.simple:g} simple operations and {work.special:g} special functions, "
        f"{work.energy_ops:g} simple ones in energy, {work.cycles:g} cycles of a lane (docs/vector-ops.md); "
        f"area is that of the lane, which computes all of them; {lane.source}",
    )
