"""Write mapping.yaml: loop nests that a person can read, edit, and give back to `mapping_file`."""

import re
from collections.abc import Iterator
from itertools import groupby
from math import ceil

from catx.ir.counts import Counts
from catx.ir.einsum import ROLES, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store
from catx.ir.operand import Axis
from catx.ir.report import Layer, Report
from catx.units import format_quantity

SCHEMA = "catx.mapping/1"

_HEAD = f"""\
# Loop nests of catx {{version}}, one per unique einsum, outermost node first:
#   store: M, roles: [R, ..]               from here inwards memory M holds the current tile of tensors R
#   loop: D, tile: T                       step through dim D in tiles of T; the last one may be smaller
#   loop: D, tile: T, fanout: F, axis: A   the tiles lie side by side along axis A of fanout F
# `catx evaluate MODEL --hw HW --mapping FILE` costs them. Tiles, order and places may be edited. Comments say
# what was written and are not read. A layer is found by its einsum, dims and dtypes, not by its names.
schema: {SCHEMA}
"""
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*", re.ASCII)
_RESERVED = ("null", "true", "false", "yes", "no", "on", "off")


def dump_mappings(report: Report) -> str:
    """The text of a report's mapping file: every einsum's nest, once."""
    layers: dict[Einsum, list[Layer]] = {}
    for layer in report.layers:
        if isinstance(layer.op, Einsum) and layer.cost.mapping is not None:
            layers.setdefault(layer.op.canonical(), []).append(layer)
    about = {
        "accelerator": report.accelerator,
        "accelerator_sha256": report.accelerator_sha256,
        "objective": report.objective,
    }
    lines = [_HEAD.format(version=report.version).rstrip()]
    lines += [f"{key}: {_scalar(value)}" for key, value in about.items()]
    lines.append(f"models: [{', '.join(_scalar(model.name) for model in report.models)}]")
    lines.append("layers:" if layers else "layers: []")
    for users in layers.values():
        lines += ["", *_layer_lines(report, users)]
    return "\n".join(lines) + "\n"


def einsum_text(einsum: Einsum) -> str:
    """The einsum as `O[m,n] += I[m,k] * W[k,n]`; an axis is a sum such as `2*z+r`, or `0`."""
    first, second, out = ("[" + ",".join(map(_axis_text, o.axes)) + "]" for o in einsum.operands)
    return f"O{out} += I{first} * W{second}"


def node_entry(node: Node) -> dict[str, str | int]:
    """A node of a nest as a flat record."""
    if isinstance(node, Store):
        return {"store": node.memory, "role": node.role}
    place = {"fanout": node.fanout, "axis": node.axis} if node.spatial else {}
    return {"loop": node.dim, "tile": node.tile, **place}


def _axis_text(axis: Axis) -> str:
    return "+".join(dim if coeff == 1 else f"{coeff}*{dim}" for dim, coeff in axis) or "0"


def _scalar(text: str) -> str:
    """Text as a YAML scalar: plain where every reader sees a string, else quoted and in ASCII."""
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    code = ord(char)
    if 32 <= code < 127:
        return "\\" + char if char in '"\\' else char
    if 0xD800 <= code < 0xE000:  # half a character, from a file name that is not UTF-8: YAML has none
        return "\\ufffd"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _layer_lines(report: Report, users: list[Layer]) -> Iterator[str]:
    op, mapping, counts = users[0].op, users[0].cost.mapping, users[0].cost.counts
    assert isinstance(op, Einsum)
    assert mapping is not None
    assert counts is not None
    einsum = op.as_written()
    assert all(user.cost.mapping == mapping for user in users), "one einsum has two mappings"
    runs = sum(user.count for user in users)
    types = zip(ROLES, einsum.operands, strict=True)
    yield f"  # {runs} {'run' if runs == 1 else 'runs'} of {einsum.macs:,} MACs"
    yield f"  - einsum: {einsum_text(einsum)}"
    yield "    dims: {" + ", ".join(f"{_scalar(dim)}: {extent}" for dim, extent in einsum.dims) + "}"
    yield "    dtypes: {" + ", ".join(f"{role}: {operand.dtype}" for role, operand in types) + "}"
    yield "    used_by:"
    for user in users:
        model = f"{report.models[user.model].name}: " if len(report.models) > 1 else ""
        for name in dict.fromkeys(user.names):
            yield f"      - {_scalar(model + name)}"
    yield "    nest:"
    rows = [(_row_text(nodes), comment) for nodes, comment in _commented(einsum, mapping, counts)]
    width = max((len(text) for text, _ in rows), default=0)
    for text, comment in rows:
        yield f"      - {text:{width}}  # {comment}"


def _row_text(nodes: tuple[Node, ...]) -> str:
    first = nodes[0]
    if isinstance(first, Store):
        roles = ", ".join(node.role for node in nodes if isinstance(node, Store))
        return f"{{store: {_scalar(first.memory)}, roles: [{roles}]}}"
    place = f", fanout: {_scalar(first.fanout)}, axis: {_scalar(first.axis)}" if first.spatial else ""
    return f"{{loop: {_scalar(first.dim)}, tile: {first.tile}{place}}}"


def _commented(einsum: Einsum, mapping: Mapping, counts: Counts) -> Iterator[tuple[tuple[Node, ...], str]]:
    """Rows of the file (stores of one memory that stand together are one row), and what happens there."""
    nominal = dict(einsum.dims)
    for memory, group in groupby(
        mapping.nodes, lambda node: node.memory if isinstance(node, Store) else None
    ):
        nodes = tuple(group)
        if memory is not None:
            tiles = [_tile_text(einsum, node, nominal, counts) for node in nodes if isinstance(node, Store)]
            yield nodes, ", ".join(tiles)
            continue
        for node in nodes:
            assert isinstance(node, Loop)
            yield (node,), _loop_text(node, nominal[node.dim])
            nominal[node.dim] = node.tile


def _loop_text(loop: Loop, extent: int) -> str:
    trips = ceil(extent / loop.tile)
    last = extent - (trips - 1) * loop.tile
    whole, rest = (trips, "") if last == loop.tile else (trips - 1, f" + {last}")
    return f"{extent} = {whole} x {loop.tile}{rest}" + (", side by side" if loop.spatial else "")


def _tile_text(einsum: Einsum, store: Store, nominal: dict[str, int], counts: Counts) -> str:
    operand = einsum.operands[ROLES.index(store.role)]
    text = f"{store.role} " + ("x".join(str(span) for span in operand.footprint(nominal)) or "1")
    return f"{text} = {format_quantity(counts.store(store.memory, store.role).tile_bytes, 'size')}"
