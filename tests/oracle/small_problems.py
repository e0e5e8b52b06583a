"""Random small problems, each an einsum and an accelerator, that can be solved by going through all nests.

They are small but not plain: windows, primes and remainders, one to three inner memories with bypasses and
roles that they do not keep, fanouts that share or do not, accumulators wider than outputs, shared ports,
single buffers, tight capacities. Numbers are such that trade-offs arise: data cost more the further out they
are, and leak about as much per cycle as an access costs. The same seed gives the same problem.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf
from random import Random

from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, MacRate, MatrixUnit, Memory, Technology
from catx.ir.dtype import DType
from catx.ir.einsum import ROLES, Einsum
from catx.ir.operand import Axis, Operand, plain_axes
from tests.oracle.enumerate_nests import Point, exhaustive_front
from tests.oracle.loop_runs import TooManyNestsError

Axes = tuple[tuple[Axis, ...], tuple[Axis, ...], tuple[Axis, ...]]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be mapped onto what; the seed makes it anew."""

    seed: int
    einsum: Einsum
    accelerator: Accelerator

    def __str__(self) -> str:
        """The problem in a few words."""
        dims = " ".join(f"{dim}{extent}" for dim, extent in self.einsum.dims)
        levels = " ".join(
            f"{level.name}({'x'.join(str(axis.size) for axis in level.axes)})"
            if isinstance(level, Fanout)
            else f"{level.name}({''.join(role[0] for role in ROLES if role in level.keeps)})"
            for level in self.accelerator.levels
        )
        return f"seed {self.seed}: {self.einsum.op} {dims} on {levels}"


def solved_problems(
    first_seed: int = 0,
    *,
    limit: int = 300_000,
    tiny: bool = False,
    make: Callable[[int], Problem] | None = None,
) -> Iterator[tuple[Problem, list[Point]]]:
    """Problems of consecutive seeds with their exact fronts, but for those with more than `limit` nests.

    They are small ones, or what `make` makes of seeds.
    """
    seed = first_seed
    while True:
        problem = make(seed) if make else small_problem(seed, tiny=tiny)
        try:
            front = exhaustive_front(problem.einsum, problem.accelerator, limit=limit)
        except TooManyNestsError:
            front = None
        if front is not None:
            yield problem, front
        seed += 1


def small_problem(seed: int, *, tiny: bool = False) -> Problem:
    """The problem of a seed; a tiny one has a few hundred nests at most times."""
    random = Random(seed)
    einsum = _einsum(random, tiny=tiny)
    return Problem(seed, einsum, _accelerator(random, einsum, tiny=tiny))


# --- einsums ---------------------------------------------------------------------------------------------


def _matmul(random: Random) -> Axes:
    batch = random.choice(("", "", "b"))
    return plain_axes(*batch, "m", "k"), plain_axes(*batch, "k", "n"), plain_axes(*batch, "m", "n")


def _conv(random: Random) -> Axes:
    window = (("x", random.choice((1, 1, 2, 3))), ("s", random.choice((1, 1, 2))))
    data, taps, out = random.choice((("c", "fc", "f"), ("", "f", "f"), ("c", "c", ""), ("g", "g", "g")))
    return (*plain_axes(*data), window), plain_axes(*taps, "s"), plain_axes(*out, "x")


def _conv2d(random: Random) -> Axes:
    rows, columns = ((("y", random.choice((1, 2))), ("r", 1))), (("x", 1), ("s", 1))
    return (rows, columns), plain_axes("r", "s"), plain_axes("y", "x")


_MAKERS: dict[str, Callable[[Random], Axes]] = {"MatMul": _matmul, "Conv": _conv, "Conv2d": _conv2d}


def _einsum(random: Random, *, tiny: bool) -> Einsum:
    op = random.choice(("MatMul", "MatMul", "MatMul", "Conv", "Conv", "Conv2d"))
    axes = _MAKERS[op](random)
    names = sorted({dim for operand in axes for axis in operand for dim, _ in axis})
    dims, room = list[tuple[str, int]](), 12 if tiny else 120
    for name in random.sample(names, len(names)):
        few = len(names) > 3
        extent = random.choice((2, 2, 3) if name in "rsbg" else (2, 2, 3, 4) if few else (2, 3, 3, 4, 5, 6))
        extent = min(extent, room)
        room //= extent
        dims.append((name, extent))
    types = [random.choice((DType.INT8, DType.INT8, DType.INT4, DType.INT16)) for _ in ROLES]
    operands = [Operand(role, axis, dtype) for role, axis, dtype in zip(ROLES, axes, types, strict=True)]
    return Einsum(
        name="small", op=op, dims=tuple(sorted(dims)), inputs=(operands[0], operands[1]), output=operands[2]
    )


# --- accelerators ----------------------------------------------------------------------------------------

_SHAPES = ("MM", "MFM", "MMF", "MMM", "MFMF", "MMFM", "MFFM", "MFMM", "MMFMM", "MMMM")
"""Levels from the outside in: memories and fanouts."""

_TINY_SHAPES = ("MM", "MFM", "MMF", "MMM")


def _accelerator(random: Random, einsum: Einsum, *, tiny: bool) -> Accelerator:
    shape = random.choice(_TINY_SHAPES if tiny else _SHAPES)
    n_memories = shape.count("M")
    levels = list[Memory | Fanout]()
    for i, kind in enumerate(shape):
        if kind == "M":
            depth = sum(isinstance(level, Memory) for level in levels)
            few = 1 if tiny and n_memories > 2 and depth else 0
            levels.append(_memory(random, einsum, depth, few=bool(few)))
        else:
            levels.append(_fanout(random, f"F{i}", einsum))
    accumulator = random.choice((DType.INT32, DType.INT32, DType.INT16))
    return Accelerator(
        name="small",
        levels=tuple(levels),
        matrix=MatrixUnit(
            name="unit",
            rates=tuple(
                MacRate(
                    dtype=dtype,
                    macs_per_cycle=random.choice((1.0, 1.0, 2.0)),
                    j_per_mac=1e-13,
                    accumulator=accumulator,
                    truncates=True,
                )
                for dtype in (DType.INT8, DType.INT16)
            ),
            pipeline_cycles=random.choice((0.0, 0.0, 1.0, 5.0)),
            static_w=random.choice((0.0, 1e-4, 1e-3, 1e-2)),
        ),
        vector=None,
        clock_hz=1e9,
        technology=Technology(node_nm=22),
        overlap_only=random.random() < 0.3,
        launch_s=random.choice((0.0, 0.0, 1e-8)),
    )


def _memory(random: Random, einsum: Einsum, depth: int, *, few: bool) -> Memory:
    memory = Memory(
        name=f"L{depth}",
        read_bytes_per_cycle=random.choice((0.5, 1.0, 2.0, 4.0, inf)) * 2**depth,
        write_bytes_per_cycle=random.choice((0.5, 1.0, 2.0, 4.0, inf)) * 2**depth,
        shared_port=random.random() < 0.3,
        double_buffered=random.random() < 0.5,
        read_j_per_byte=random.choice((8e-12, 2e-11, 1e-12)) / 4**depth,
        write_j_per_byte=random.choice((8e-12, 2e-11, 1e-12)) / 4**depth,
        static_w=random.choice((0.0, 1e-4, 1e-3)),
    )
    if depth == 0:
        return memory
    n_kept = 1 if few else random.choice((1, 2, 3, 3, 3))
    keeps = frozenset(random.sample(ROLES, n_kept))
    optional = frozenset(role for role in ROLES if role in keeps and random.random() < 0.3)
    return replace(
        memory, keeps=keeps, optional=optional, capacity_bytes=_capacity(random, einsum, memory, keeps)
    )


def _capacity(random: Random, einsum: Einsum, memory: Memory, keeps: frozenset[str]) -> float:
    """No limit, or room for a random tile of everything: the tile with sums at full width, or half of it."""
    if random.random() < 0.3:
        return inf
    tile = {dim: random.randint(1, extent) for dim, extent in einsum.dims}
    operands = [o for role, o in zip(ROLES, einsum.operands, strict=True) if role in keeps]
    elements = sum(operand.elements(tile) for operand in operands)
    return elements * random.choice((1.0, 2.0, 4.0)) * (2 if memory.double_buffered else 1)


def _fanout(random: Random, name: str, einsum: Einsum) -> Fanout:
    dims = [dim for dim, _ in einsum.dims]
    axes = []
    for axis in "xy"[: random.choice((1, 1, 2))]:
        some = frozenset(random.sample(dims, random.randint(1, 2))) | random.choice((set(), {"reduction"}))
        axes.append(
            FanoutAxis(
                name=axis,
                size=random.choice((2, 2, 3, 4)),
                dims=random.choice((frozenset(), some)),
                multicast=frozenset(role for role in ROLES[:2] if random.random() < 0.8),
                reduces=random.random() < 0.7,
            )
        )
    return Fanout(
        name=name,
        axes=tuple(axes),
        link_bytes_per_cycle=random.choice((inf, inf, 1.0, 4.0)),
        link_j_per_byte=random.choice((0.0, 1e-13, 2e-12)),
    )
