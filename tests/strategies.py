"""Hypothesis strategies: small einsums, accelerators, and legal mappings of one onto the other.

Everything shrinks towards small matmuls on two memories. `cases()` puts all three together.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from math import inf

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from catx.costmodel.tiles_kernel import MAX_LOOPS
from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, MacRate, MatrixUnit, Memory, Technology
from catx.ir.dtype import DType
from catx.ir.einsum import INPUT, OUTPUT, ROLES, WEIGHT, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store
from catx.ir.operand import Axis, Operand, plain_axes

DTYPES = (DType.INT8, DType.INT4, DType.UINT8, DType.INT16, DType.FP16, DType.BF16, DType.FP32)
CLASSES = ("input_output", "weight_output", "reduction", "batch")


@dataclass(frozen=True, slots=True)
class Case:
    """A legal mapping with what it belongs to."""

    einsum: Einsum
    mapping: Mapping
    accelerator: Accelerator


# --- einsums ---------------------------------------------------------------------------------------------


@st.composite
def einsums(draw: DrawFn, max_points: int = 400) -> Einsum:
    """Matmuls (batched too) and convolutions in one or two dims, with at most `max_points` operations."""
    make = draw(st.sampled_from((_matmul, _matmul, _conv1d, _conv1d, _conv2d)))
    axes = make(draw)
    names = list(dict.fromkeys(dim for operand in axes for axis in operand for dim, _ in axis))
    dims, room = list[tuple[str, int]](), max_points
    for name in draw(st.permutations(names)):
        extent = min(draw(st.sampled_from((3, 2, 1) if name in "rst" else (4, 7, 2, 5, 3, 1, 13, 37))), room)
        room //= extent
        dims.append((name, extent))
    types = [draw(st.sampled_from(DTYPES)) for _ in ROLES]
    operands = [Operand(role, axis, dtype) for role, axis, dtype in zip(ROLES, axes, types, strict=True)]
    return Einsum(
        name="case",
        op="Case",
        dims=tuple(sorted(dims, key=lambda dim: names.index(dim[0]))),
        inputs=(operands[0], operands[1]),
        output=operands[2],
    )


Axes = tuple[tuple[Axis, ...], tuple[Axis, ...], tuple[Axis, ...]]


def _matmul(draw: DrawFn) -> Axes:
    batch = draw(st.sampled_from(("", "b")))
    return plain_axes(*batch, "m", "k"), plain_axes(*batch, "k", "n"), plain_axes(*batch, "m", "n")


def _window(draw: DrawFn, out: str, tap: str) -> Axis:
    """A strided and dilated window; without common divisor, as the lowering leaves none."""
    stride, dilation = draw(st.sampled_from(((1, 1), (2, 1), (1, 2), (3, 2), (4, 1))))
    return ((out, stride), (tap, dilation))


def _channels(draw: DrawFn) -> tuple[str, str, str]:
    """Dims of input, weight and output beside the window: plain, grouped or depthwise."""
    return draw(st.sampled_from((("c", "fc", "f"), ("gc", "gfc", "gf"), ("g", "g", "g"))))


def _conv1d(draw: DrawFn) -> Axes:
    data, taps, out = _channels(draw)
    n = draw(st.sampled_from(("", "n")))
    window = _window(draw, "x", "s")
    return (*plain_axes(*n, *data), window), plain_axes(*taps, "s"), plain_axes(*n, *out, "x")


def _conv2d(draw: DrawFn) -> Axes:
    data, taps, out = _channels(draw)
    rows, columns = _window(draw, "y", "r"), _window(draw, "x", "s")
    return (*plain_axes(*data), rows, columns), plain_axes(*taps, "r", "s"), plain_axes(*out, "y", "x")


# --- accelerators ----------------------------------------------------------------------------------------

_RATES = st.sampled_from((inf, 1.0, 2.0, 3.5, 8.0, 64.0))
_ENERGIES = st.sampled_from((0.0, 1e-12, 3e-12, 0.7e-12))
_ROLE_SETS = st.frozensets(st.sampled_from(ROLES))
_FACTOR_SETS = st.frozensets(st.sampled_from(ROLES[:2]))


@st.composite
def accelerators(draw: DrawFn) -> Accelerator:
    """Two to five memories with up to three fanouts between them; capacities have no limit."""
    memories = [_memory(draw, i) for i in range(draw(st.sampled_from((2, 3, 4, 5, 3))))]
    levels: list[Memory | Fanout] = list(memories)
    for i in range(draw(st.integers(0, 3))):
        levels.insert(draw(st.integers(1, len(levels))), _fanout(draw, i))
    return Accelerator(
        name="machine",
        levels=tuple(levels),
        matrix=_unit(draw),
        vector=None,
        clock_hz=1e9,
        technology=Technology(node_nm=22),
        overlap_only=not draw(st.integers(0, 3)),
    )


def _memory(draw: DrawFn, index: int) -> Memory:
    memory = Memory(
        name=f"L{index}",
        read_bytes_per_cycle=draw(_RATES),
        write_bytes_per_cycle=draw(_RATES),
        shared_port=draw(st.booleans()),
        double_buffered=draw(st.booleans()),
        read_j_per_byte=draw(_ENERGIES),
        write_j_per_byte=draw(_ENERGIES),
    )
    if index == 0:
        return memory
    keeps = frozenset(ROLES) if draw(st.integers(0, 2)) else draw(_ROLE_SETS)
    return replace(memory, keeps=keeps, optional=keeps & draw(st.just(frozenset[str]()) | _ROLE_SETS))


def _fanout(draw: DrawFn, index: int) -> Fanout:
    axes = tuple(_axis(draw, name) for name in "xy"[: draw(st.integers(1, 2))])
    return Fanout(
        name=f"F{index}", axes=axes, link_bytes_per_cycle=draw(_RATES), link_j_per_byte=draw(_ENERGIES)
    )


def _axis(draw: DrawFn, name: str) -> FanoutAxis:
    some = st.frozensets(st.sampled_from((*CLASSES, "m", "k", "c", "x")), max_size=4)
    return FanoutAxis(
        name=name,
        size=draw(st.sampled_from((4, 6, 3, 8, 2, 1))),
        dims=draw(st.just(frozenset[str]()) | some),
        multicast=draw(st.just(frozenset((INPUT, WEIGHT))) | _FACTOR_SETS),
        reduces=draw(st.booleans()),
    )


def _unit(draw: DrawFn) -> MatrixUnit:
    """A unit that runs every type of `DTYPES`, some of them only at a wider one."""
    lacking = draw(st.frozensets(st.sampled_from((DType.INT4, DType.INT8, DType.FP16))))
    wide = {False: (DType.INT16, DType.INT32), True: (DType.FP16, DType.FP32)}
    rates = tuple(
        MacRate(
            dtype=dtype,
            macs_per_cycle=draw(st.sampled_from((1.0, 2.0, 0.5))),
            j_per_mac=draw(_ENERGIES),
            accumulator=draw(
                st.sampled_from(
                    [dtype, *(total for total in wide[dtype.is_float] if total.bits > dtype.bits)]
                )
            ),
            truncates=True,
        )
        for dtype in DTYPES
        if dtype not in lacking
    )
    return MatrixUnit(name="unit", rates=rates, pipeline_cycles=draw(st.sampled_from((0.0, 1.0, 7.0))))


# --- mappings --------------------------------------------------------------------------------------------


def allowed_dims(axis: FanoutAxis, einsum: Einsum) -> list[str]:
    """Dims that may be unrolled along an axis."""
    indexed = {dim: "".join(str(int(dim in o.dims)) for o in einsum.operands) for dim in einsum.extents}
    classes = {"101": "input_output", "011": "weight_output", "110": "reduction", "111": "batch"}
    return [
        dim
        for dim in einsum.extents
        if not axis.dims or dim in axis.dims or classes.get(indexed[dim], "") in axis.dims
    ]


@dataclass(slots=True)
class _Builder:
    """A nest under construction: what is left to place, and the nominal extents at its end."""

    einsum: Einsum
    accelerator: Accelerator
    stores: list[tuple[int, Store]]
    spatial: list[tuple[int, Fanout, FanoutAxis]]
    nominal: dict[str, int]
    nodes: list[Node] = field(default_factory=list)
    room: dict[tuple[str, str], int] = field(default_factory=dict)

    def ready_stores(self) -> list[tuple[int, Store]]:
        """Stores that may come next: no fanout further out and no outer store of the role is left."""
        return [
            (depth, store)
            for depth, store in self.stores
            if not any(d < depth for d, _, _ in self.spatial)
            and not any(d < depth and other.role == store.role for d, other in self.stores)
        ]

    def ready_spatial(self) -> list[tuple[int, Fanout, FanoutAxis]]:
        """Spatial loops that may come next: all stores further out and all outer fanouts are done."""
        return [
            entry
            for entry in self.spatial
            if not any(d < entry[0] for d, _ in self.stores)
            and not any(d < entry[0] for d, _, _ in self.spatial)
        ]

    def loop(self, draw: DrawFn) -> None:
        """A temporal loop, now and then a trivial one."""
        dim = draw(st.sampled_from([d for d, n in self.nominal.items() if n > 1] or list(self.nominal)))
        nominal = self.nominal[dim]
        tile = draw(st.integers(1, nominal) if draw(st.integers(0, 9)) else st.just(nominal))
        self.nodes.append(Loop(dim, tile))
        self.nominal[dim] = tile

    def windows(self) -> list[tuple[str, tuple[int, Store]]]:
        """Dims along which the window of a store that may come next would slide, with the store."""
        return [
            (axis[0][0], entry)
            for entry in self.ready_stores()
            for axis in self.einsum.operands[ROLES.index(entry[1].role)].axes
            if len(axis) > 1 and self.nominal[axis[0][0]] > 1
        ]

    def slide(self, draw: DrawFn) -> None:
        """A loop along a window, and right below it the store of the tensor that slides."""
        dim, entry = draw(st.sampled_from(self.windows()))
        tile = draw(st.integers(1, self.nominal[dim] - 1))
        self.nodes += [Loop(dim, tile), entry[1]]
        self.nominal[dim] = tile
        self.stores.remove(entry)

    def spread(self, draw: DrawFn, entry: tuple[int, Fanout, FanoutAxis]) -> None:
        """A spatial loop, where a dim may be spread and there is room."""
        self.spatial.remove(entry)
        _, fanout, axis = entry
        dims = allowed_dims(axis, self.einsum)
        dims = [dim for dim in dims if self.nominal[dim] > 1] or dims
        if not dims:
            return
        dim = draw(st.sampled_from(dims))
        room = self.room.get((fanout.name, axis.name), axis.size)
        smallest = -(-self.nominal[dim] // room)
        tile = draw(st.integers(smallest, self.nominal[dim]))
        self.room[fanout.name, axis.name] = room // -(-self.nominal[dim] // tile)
        self.nodes.append(Loop(dim, tile, fanout.name, axis.name))
        self.nominal[dim] = tile


@st.composite
def mappings(draw: DrawFn, einsum: Einsum, accelerator: Accelerator) -> Mapping:
    """Legal mappings, capacities aside: any order, any tiles, uneven placement, bypasses, remainders."""
    build = _started(draw, einsum, accelerator)
    temporal = draw(st.integers(0, 9))
    while build.stores or build.spatial:
        stores, spatial = build.ready_stores(), build.ready_spatial()
        moves = ["store"] * bool(stores) + ["spatial"] * bool(spatial) + ["loop"] * (2 if temporal else 0)
        moves += ["slide"] * bool(build.windows())
        match draw(st.sampled_from(moves)):
            case "store":
                entry = draw(st.sampled_from(stores))
                build.stores.remove(entry)
                build.nodes.append(entry[1])
            case "spatial":
                build.spread(draw, draw(st.sampled_from(spatial)))
            case "slide":
                build.slide(draw)
            case _:
                build.loop(draw)
                temporal -= 1
    for _ in range(min(temporal, 3)):
        build.loop(draw)
    left = [dim for dim, nominal in build.nominal.items() if nominal > 1]
    loops = Counter(node.dim for node in build.nodes if isinstance(node, Loop))
    assume(all(loops[dim] < MAX_LOOPS for dim in loops))
    return Mapping((*build.nodes, *(Loop(dim, 1) for dim in draw(st.permutations(left)))))


def _started(draw: DrawFn, einsum: Einsum, accelerator: Accelerator) -> _Builder:
    """Chooses what is kept where and which axes get how many loops; places the outermost stores."""
    stores, spatial = list[tuple[int, Store]](), list[tuple[int, Fanout, FanoutAxis]]()
    for depth, level in enumerate(accelerator.levels):
        if isinstance(level, Fanout):
            axes = [axis for axis in level.axes for _ in range(draw(st.sampled_from((1, 0, 2, 2))))]
            spatial += [(depth, level, axis) for axis in axes]
        elif depth:
            for role in ROLES:
                kept = role in level.keeps and (role not in level.optional or draw(st.booleans()))
                stores += [(depth, Store(level.name, role))] if kept else []
    outer = [Store(accelerator.levels[0].name, role) for role in draw(st.permutations(ROLES))]
    build = _Builder(einsum, accelerator, stores, spatial, einsum.extents)
    build.nodes += outer
    return build


def upper_bytes(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> dict[str, float]:
    """Bytes that surely suffice in each memory: outputs at the widest accumulator."""
    nominal, need = einsum.extents, {memory.name: 0.0 for memory in accelerator.memories}
    buffers = {memory.name: 2 if memory.double_buffered else 1 for memory in accelerator.memories}
    wide = max(rate.accumulator.bits for rate in accelerator.matrix.rates)
    for node in mapping.nodes:
        if isinstance(node, Loop):
            nominal[node.dim] = node.tile
        else:
            operand = einsum.operands[ROLES.index(node.role)]
            bits = max(operand.dtype.bits, wide) if node.role == OUTPUT else operand.dtype.bits
            need[node.memory] += operand.elements(nominal) * bits / 8 * buffers[node.memory]
    return need


@st.composite
def cases(draw: DrawFn, max_points: int = 200) -> Case:
    """An einsum, an accelerator, and a legal mapping; some memories are just large enough for it."""
    einsum, accelerator = draw(einsums(max_points)), draw(accelerators())
    mapping = draw(mappings(einsum, accelerator))
    need = upper_bytes(einsum, mapping, accelerator)
    outer, *rest = accelerator.levels
    levels = tuple(
        replace(level, capacity_bytes=draw(st.sampled_from((inf, 1e6, max(need[level.name], 1.0)))))
        if isinstance(level, Memory)
        else level
        for level in rest
    )
    return Case(einsum, mapping, replace(accelerator, levels=(outer, *levels)))


def mutated(case: Case) -> SearchStrategy[Case]:
    """The case with one or two changes to its mapping, which may make it illegal."""
    return _mutated(case)


@st.composite
def _mutated(draw: DrawFn, case: Case) -> Case:
    nodes = list(case.mapping.nodes)
    for _ in range(draw(st.integers(1, 2))):
        i = draw(st.integers(0, len(nodes) - 1))
        node = nodes[i]
        kind = draw(st.sampled_from(("move", "drop", "twice", "change", "change")))
        if kind == "move":
            nodes.insert(draw(st.integers(0, len(nodes) - 1)), nodes.pop(i))
        elif kind == "drop" and len(nodes) > 1:
            nodes.pop(i)
        elif kind == "twice" and isinstance(node, Loop):
            nodes.insert(draw(st.integers(0, len(nodes))), node)
        elif isinstance(node, Store):
            memories = [memory.name for memory in case.accelerator.memories]
            new = Store(draw(st.sampled_from((*memories, "none"))), draw(st.sampled_from(ROLES)))
            nodes[i] = node if new in nodes else new
        else:
            nodes[i] = _other_loop(draw, node, case)
    return replace(case, mapping=Mapping(tuple(nodes)))


def _other_loop(draw: DrawFn, loop: Loop, case: Case) -> Loop:
    """The loop with another dim, tile, or place in space or time."""
    match draw(st.sampled_from(("dim", "tile", "tile", "place"))):
        case "dim":
            return replace(loop, dim=draw(st.sampled_from((*case.einsum.extents, "q"))))
        case "tile":
            return replace(loop, tile=draw(st.integers(1, loop.tile + 2)))
    places = [(fanout.name, axis.name) for fanout in case.accelerator.fanouts for axis in fanout.axes]
    fanout, axis = draw(st.sampled_from((("", ""), ("F9", "x"), *places)))
    return replace(loop, fanout=fanout, axis=axis)


__all__ = [
    "Case",
    "accelerators",
    "allowed_dims",
    "cases",
    "einsums",
    "mappings",
    "mutated",
    "upper_bytes",
]
