"""Random small problems on odd machines, for searches whose rules and bounds stand on what is usual.

`small_problems` has machines as people build them, in small. Here each machine drives one thing to an
extreme (`STYLES`): ports that bind, nothing but energy or latency, three axes per fanout, sums split at
fanouts, leakage, no room, one kind of buffer, inner memories that cost more than outer ones, bypasses.
Einsums are odd, too: strides, dilations, windows of three dims or of a weight, no shared dim, no output dim.
"""

from collections.abc import Callable
from dataclasses import replace
from math import inf
from random import Random

from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, MacRate, MatrixUnit, Memory, Technology
from catx.ir.dtype import DType
from catx.ir.einsum import INPUT, ROLES, WEIGHT, Einsum
from catx.ir.operand import Operand, plain_axes
from tests.oracle.small_problems import Axes, Problem

STYLES = (
    *("ports", "latency", "energy", "axes", "split", "leak"),
    *("tiny", "single", "double", "inverse", "bypass", "plain"),
)


def odd_problem(seed: int) -> Problem:
    """The problem of a seed."""
    random = Random(f"odd {seed}")
    style = random.choice(STYLES)
    einsum = _einsum(random, room=random.choice((12, 24, 40, 64, 100)))
    return Problem(seed, einsum, _accelerator(random, einsum, style))


# --- einsums ---------------------------------------------------------------------------------------------

_MAKERS: dict[str, Callable[[int], Axes]] = {
    "product": lambda _: (plain_axes("m", "k"), plain_axes("k", "n"), plain_axes("m", "n")),
    "batched": lambda _: (plain_axes(*"bmk"), plain_axes(*"bkn"), plain_axes(*"bmn")),
    "window": lambda stride: (
        (*plain_axes("c"), (("x", stride), ("s", 1))),
        plain_axes(*"fcs"),
        plain_axes(*"fx"),
    ),
    "elements": lambda _: (plain_axes("b", "m"), plain_axes("b"), plain_axes("b", "m")),
    "summed input": lambda _: (plain_axes(*"mkq"), plain_axes(*"kn"), plain_axes(*"mn")),
    "dilated": lambda _: (((("x", 1), ("s", 2)),), plain_axes(*"sf"), plain_axes(*"fx")),
    "three dims": lambda stride: (
        ((("x", stride), ("s", 1), ("t", 1)),),
        plain_axes(*"st"),
        plain_axes("x"),
    ),
    "weight window": lambda _: (plain_axes(*"ys"), ((("x", 1), ("s", 1)),), plain_axes(*"yx")),
    "vector": lambda _: (plain_axes(*"mk"), plain_axes("k"), plain_axes("m")),
    "plane": lambda stride: (
        ((("y", 2), ("r", 1)), (("x", stride), ("s", 1))),
        plain_axes(*"rs"),
        plain_axes(*"yx"),
    ),
    "outer product": lambda _: (plain_axes("m"), plain_axes("n"), plain_axes("m", "n")),
    "inner product": lambda _: (plain_axes("k"), plain_axes("k"), ()),
    "holes": lambda stride: (
        ((("x", stride + 1),), *plain_axes("k")),
        plain_axes("k", "n"),
        plain_axes(*"xn"),
    ),
}


def _einsum(random: Random, room: int) -> Einsum:
    op = random.choice(sorted(_MAKERS))
    axes = _MAKERS[op](random.choice((1, 1, 2, 3)))
    names = sorted({dim for operand in axes for axis in operand for dim, _ in axis})
    sizes = (1, 2, 2, 3, 4) if len(names) > 3 else range(2, 10) if len(names) < 3 else range(2, 7)
    dims = list[tuple[str, int]]()
    for name in random.sample(names, len(names)):
        extent = min(random.choice((2, 2, 3, 1) if name in "rst" else sizes), room)
        room //= extent
        dims.append((name, extent))
    types = [random.choice((DType.INT8, DType.INT8, DType.INT4, DType.INT16)) for _ in ROLES]
    operands = [Operand(role, axis, dtype) for role, axis, dtype in zip(ROLES, axes, types, strict=True)]
    return Einsum(
        name="odd", op=op, dims=tuple(sorted(dims)), inputs=(operands[0], operands[1]), output=operands[2]
    )


# --- accelerators ----------------------------------------------------------------------------------------

_SHAPES = {
    "ports": ("MMM", "MMFM", "MMMM", "MMF"),
    "axes": ("MFM", "MFMF", "MFFM", "MFM"),
    "split": ("MFM", "MFMFM", "MFMF", "MFFM", "MMFM"),
    "tiny": ("MM", "MMM", "MFM", "MMFM", "MFMM"),
    "bypass": ("MMM", "MFMM", "MMFM", "MMMM"),
}
_ANY_SHAPE = ("MM", "MFM", "MMF", "MMM", "MFMF", "MMFM", "MFFM", "MFMM", "MMFMM", "MFF")
"""Levels from the outside in: memories and fanouts."""

_DOUBLED = {"single": 0.15, "double": 0.85}
"""How likely a memory is double buffered; else 0.5."""


def _accelerator(random: Random, einsum: Einsum, style: str) -> Accelerator:
    levels = list[Memory | Fanout]()
    for i, kind in enumerate(random.choice(_SHAPES.get(style, _ANY_SHAPE))):
        depth = sum(isinstance(level, Memory) for level in levels)
        is_memory = kind == "M"
        levels.append(
            _memory(random, einsum, depth, style) if is_memory else _fanout(random, f"F{i}", einsum, style)
        )
    accumulator = random.choice((DType.INT32, DType.INT32, DType.INT16, DType.INT64))
    rates = tuple(
        MacRate(
            dtype=dtype,
            macs_per_cycle=random.choice((1.0, 1.0, 2.0, 0.5, 8.0)),
            j_per_mac=random.choice((1e-13, 0.0, 1e-11)),
            accumulator=accumulator,
            truncates=True,
        )
        for dtype in (DType.INT8, DType.INT16)
    )
    unit = MatrixUnit(
        name="unit",
        rates=rates,
        pipeline_cycles=random.choice((0.0, 0.0, 1.0, 5.0, 20.0)),
        static_w=10.0 if style == "leak" else random.choice((0.0, 1e-4, 1e-3, 1e-2)),
    )
    return Accelerator(
        name=style,
        levels=tuple(levels),
        matrix=unit,
        vector=None,
        clock_hz=1e9,
        technology=Technology(node_nm=22),
        overlap_only=random.random() < 0.25,
        launch_s=random.choice((0.0, 0.0, 1e-8)),
    )


def _memory(random: Random, einsum: Einsum, depth: int, style: str) -> Memory:
    rates = [random.choice((0.25, 0.5, 1.0, 2.0, 3.0, 7.0, inf)) * 2**depth for _ in range(2)]
    energies = [random.choice((8e-12, 2e-11, 1e-12, 0.0)) / 4**depth for _ in range(2)]
    static_w = random.choice((0.1, 1.0)) if style == "leak" else random.choice((0.0, 1e-4, 1e-3))
    match style:
        case "ports":
            rates[0] = random.choice((0.5, 1.0, 1.5)) * random.choice((1, 2**depth))
        case "energy":
            rates = [inf, inf]
        case "latency":
            energies, static_w = [0.0, 0.0], random.choice((0.0, 1e-3))
        case "inverse":
            energies = [energy * 16**depth for energy in energies]
    memory = Memory(
        name=f"L{depth}",
        read_bytes_per_cycle=rates[0],
        write_bytes_per_cycle=rates[1],
        shared_port=style == "ports" or random.random() < 0.3,
        double_buffered=random.random() < _DOUBLED.get(style, 0.5),
        read_j_per_byte=energies[0],
        write_j_per_byte=energies[1],
        static_w=static_w,
    )
    if depth == 0:
        return memory
    keeps = frozenset(random.sample(ROLES, random.choice((1, 2, 3, 3, 3, 3))))
    likely = 0.6 if style == "bypass" else 0.2
    optional = frozenset(role for role in ROLES if role in keeps and random.random() < likely)
    capacity_bytes = _capacity(random, einsum, memory, keeps, style)
    return replace(memory, keeps=keeps, optional=optional, capacity_bytes=capacity_bytes)


def _capacity(random: Random, einsum: Einsum, memory: Memory, keeps: frozenset[str], style: str) -> float:
    """No limit, or room for about a random tile of everything."""
    if style != "tiny" and random.random() < 0.3:
        return inf
    most = 2 if style == "tiny" else max(einsum.extents.values(), default=1)
    tile = {dim: random.randint(1, min(extent, most)) for dim, extent in einsum.dims}
    operands = [o for role, o in zip(ROLES, einsum.operands, strict=True) if role in keeps]
    elements = sum(operand.elements(tile) for operand in operands)
    buffers = 2 if memory.double_buffered else 1
    return max(0.5, elements * random.choice((0.5, 1.0, 1.5, 2.0, 4.0)) * buffers)


def _fanout(random: Random, name: str, einsum: Einsum, style: str) -> Fanout:
    dims = list(einsum.extents)
    summed = frozenset(dims) - frozenset(einsum.output.dims)
    classes: tuple[frozenset[str], ...] = (
        frozenset(),
        *(frozenset({one}) for one in ("reduction", "input_output", "weight_output", "batch")),
    )
    axes = list[FanoutAxis]()
    for axis in "xyz"[: random.choice((1, 1, 2, 2, 3) if style == "axes" else (1, 1, 2))]:
        some = frozenset(random.sample(dims, min(len(dims), random.randint(1, 2)))) | random.choice(classes)
        axes.append(
            FanoutAxis(
                name=axis,
                size=random.choice((2, 2, 3) if style == "axes" else (2, 2, 3, 4, 5)),
                dims=summed if style == "split" else random.choice((frozenset(), some)),
                multicast=frozenset(role for role in (INPUT, WEIGHT) if random.random() < 0.7),
                reduces=random.random() < (0.4 if style == "split" else 0.7),
            )
        )
    return Fanout(
        name=name,
        axes=tuple(axes),
        link_bytes_per_cycle=random.choice((inf, inf, 0.5, 1.0, 4.0)),
        link_j_per_byte=random.choice((0.0, 1e-13, 2e-12)),
    )
