"""Accelerator: memories and fanouts from the outside in, ending at the compute units."""

from dataclasses import dataclass, field
from functools import cached_property
from math import inf, prod

from catx.errors import Loc, SpecError
from catx.ir import checks
from catx.ir.assembly import Assembly, Die
from catx.ir.dtype import DType
from catx.ir.einsum import ROLES
from catx.names import nearest

LAUNCH = "launch"
"""What bounds an op that takes longer to start than to run."""

RESERVED = frozenset({"compute", "vector", "other", LAUNCH})
"""Words of reports that no level takes: what bounds an op (compute, vector, launch), the rest of the die."""
RESERVED_OF_UNITS = frozenset({"other"})
"""The same for units, which may be called "compute" or "vector": they are what these words mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A memory level. Numbers are of one instance; a fanout further out multiplies instances.

    `keeps` lists the operand roles that the memory may hold; those in `optional` may also bypass it.
    A shared port serves reads and writes together; `read_bytes_per_cycle` is then its rate and the
    write rate is not used. `dram_type` marks off-chip memory (it has embodied carbon per GB, no die area).
    `port_bytes_per_cycle` is what the component that energy and area are of reads and writes together,
    infinite where that is not known; no number rests on it, reports tell where the rates exceed it.
    """

    name: str
    capacity_bytes: float = inf
    read_bytes_per_cycle: float = inf
    write_bytes_per_cycle: float = inf
    shared_port: bool = False
    double_buffered: bool = False
    keeps: frozenset[str] = frozenset(ROLES)
    optional: frozenset[str] = frozenset()
    read_j_per_byte: float = 0.0
    write_j_per_byte: float = 0.0
    static_w: float = 0.0
    area_mm2: float = 0.0
    dram_type: str = ""
    source: str = ""
    port_bytes_per_cycle: float = field(default=inf, compare=False)

    def __post_init__(self) -> None:
        checks.named("memory", self.name)
        owner = f"memory {self.name}"
        checks.limits(
            owner,
            capacity_bytes=self.capacity_bytes,
            read_bytes_per_cycle=self.read_bytes_per_cycle,
            write_bytes_per_cycle=self.write_bytes_per_cycle,
            port_bytes_per_cycle=self.port_bytes_per_cycle,
        )
        checks.amounts(
            owner,
            read_j_per_byte=self.read_j_per_byte,
            write_j_per_byte=self.write_j_per_byte,
            static_w=self.static_w,
            area_mm2=self.area_mm2,
        )
        checks.among(owner, ROLES, keeps=self.keeps, optional=self.optional)
        if not self.optional <= self.keeps:
            raise SpecError(f"{owner}: optional roles must be among those it keeps")
        if self.dram_type and self.area_mm2:
            raise SpecError(f"{owner}: area_mm2 must be 0 for DRAM, which is not on the die")


@dataclass(frozen=True, slots=True, kw_only=True)
class FanoutAxis:
    """One direction of a fanout. Loops over `dims` may be unrolled along it, together up to `size` instances.

    `dims` holds dim names, or classes of dims by what they index: "input_output", "weight_output",
    "reduction" (both factors, not the output), "batch" (all three operands). Empty: any dim.
    Factors in `multicast` get data that several instances share in one parent access; without it the parent
    pays once per instance. `reduces`: outputs of several instances are added on the way to the parent, and
    sums that come back take one access too.
    """

    name: str
    size: int
    dims: frozenset[str] = frozenset()
    multicast: frozenset[str] = frozenset(ROLES[:2])
    reduces: bool = True

    def __post_init__(self) -> None:
        checks.named("fanout's axis", self.name)
        checks.counts(f"axis {self.name}", size=self.size)
        checks.among(f"axis {self.name}", ROLES[:2], multicast=self.multicast)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fanout:
    """A spatial level: everything further in exists once per point of its axes.

    The link is what connects the parent's side with the instances: its rate is of the parent's side
    [byte/cycle], its energy is per byte that enters it there, after multicast and reduction.
    """

    name: str
    axes: tuple[FanoutAxis, ...]
    link_bytes_per_cycle: float = inf
    link_j_per_byte: float = 0.0
    area_mm2: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        checks.named("fanout", self.name)
        owner = f"fanout {self.name}"
        names = [axis.name for axis in self.axes]
        if not names or len(set(names)) < len(names):
            raise SpecError(f"{owner}: axes must be one or more of different names, not {names}")
        checks.limits(owner, link_bytes_per_cycle=self.link_bytes_per_cycle)
        checks.amounts(owner, link_j_per_byte=self.link_j_per_byte, area_mm2=self.area_mm2)

    @property
    def size(self) -> int:
        """Instances of everything further in, per instance of this level's surroundings."""
        return prod(axis.size for axis in self.axes)


@dataclass(frozen=True, slots=True, kw_only=True)
class MacRate:
    """What one matrix unit does with one element type of its factors.

    `truncates` marks a unit that cuts products to the accumulator's width, as fixed-point units do: only
    then may an integer accumulator be narrower than the products.
    """

    dtype: DType
    macs_per_cycle: float
    j_per_mac: float
    accumulator: DType
    truncates: bool = False

    def __post_init__(self) -> None:
        for name, value in (("dtype", self.dtype), ("accumulator", self.accumulator)):
            if not isinstance(value, DType):
                raise SpecError(f"rate of a matrix unit: {name} must be a DType, not {value!r}")
        checks.positive(f"rate of {self.dtype}", macs_per_cycle=self.macs_per_cycle)
        checks.amounts(f"rate of {self.dtype}", j_per_mac=self.j_per_mac)
        message, hint = accumulator_problem(self.dtype, self.accumulator, truncates=self.truncates)
        if message:
            raise SpecError(f"rate of {self.dtype}: {message}", hint=hint)


def accumulator_problem(dtype: DType, accumulator: DType, *, truncates: bool) -> tuple[str, str]:
    """Why sums of products of a type cannot be kept in another, and a way out; two empty texts if they can.

    A product of integers is twice as wide as its factors; nothing is wider than 64 bits. Floats are rounded
    anyway, but a sum is never narrower than what it adds up.
    """
    if dtype.is_float and not accumulator.is_float:
        return f"accumulator {accumulator} cannot hold sums of {dtype}", "take a floating-point type"
    exact = not (dtype.is_float or truncates)
    least = min(2 * dtype.bits, 64) if exact else dtype.bits
    if accumulator is not DType.BOOL and accumulator.bits >= least:
        return "", ""
    what = "products" if exact else "factors"
    hint = f"take a type of {least} bits or more"
    if exact and accumulator.bits >= dtype.bits:
        hint += ", or say `truncates: true` if the unit cuts products to that width (fixed point)"
    return f"accumulator {accumulator} is narrower than the {what} of {dtype}, {least} bits", hint


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixUnit:
    """The compute unit at the end of the levels; numbers are of one instance.

    `pipeline_cycles` pass between the first operands and the first result (rows + columns - 1 in a systolic
    array); they are paid once per op, or once per stationary tile where the innermost memory is not
    double buffered.
    """

    name: str
    rates: tuple[MacRate, ...]
    pipeline_cycles: float = 0.0
    static_w: float = 0.0
    area_mm2: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        checks.named("matrix unit", self.name)
        owner = f"matrix unit {self.name}"
        types = [rate.dtype.value for rate in self.rates]
        if not types or len(set(types)) < len(types):
            raise SpecError(f"{owner}: rates must be one or more of different types, not {types}")
        checks.amounts(
            owner, pipeline_cycles=self.pipeline_cycles, static_w=self.static_w, area_mm2=self.area_mm2
        )

    def computes(self, dtype: DType) -> bool:
        """Whether factors of a type run on it: at a rate of that type, or of a wider one of the same kind."""
        return any(
            rate.dtype.is_float == dtype.is_float and rate.dtype.bits >= dtype.bits for rate in self.rates
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorUnit:
    """Lanes for everything that is not a contraction, fed by the memory level named `memory`.

    `lanes` is the total of all instances. `j_per_op` is the energy of one simple operation (add, multiply)
    of one lane [J]; costlier functions are multiples of it (costmodel/vector_table.py).
    """

    name: str
    memory: str
    lanes: int
    j_per_op: float = 0.0
    static_w: float = 0.0
    area_mm2: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        checks.named("vector unit", self.name)
        owner = f"vector unit {self.name}"
        checks.counts(owner, lanes=self.lanes)
        checks.amounts(owner, j_per_op=self.j_per_op, static_w=self.static_w, area_mm2=self.area_mm2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Technology:
    """How the chip is made: what area turns into embodied carbon. Without `dies` it is a single one."""

    node_nm: float
    dram_gb: float = 0.0
    dies: tuple[Die, ...] = ()
    assembly: Assembly | None = None

    def __post_init__(self) -> None:
        checks.positive("technology", node_nm=self.node_nm)
        checks.amounts("technology", dram_gb=self.dram_gb)
        names = [die.name for die in self.dies]
        if len(set(names)) < len(names):
            raise SpecError(f"technology: two dies have one name in {', '.join(names)}")
        parts = [part for die in self.dies for part in die.parts]
        if twice := sorted({part for part in parts if parts.count(part) > 1}):
            raise SpecError(f"technology: {', '.join(twice)} is on two dies")
        if self.dies and sum(not die.parts for die in self.dies) != 1:
            raise SpecError(
                "technology: one die must have no parts of its own: it holds all that no other one does"
            )
        bonded = sum(die.count for die in self.dies) or 1
        if self.assembly and self.assembly.kind == "stack" and bonded < 2:
            raise SpecError("technology: a stack needs two dies or more")


@dataclass(frozen=True, kw_only=True)  # no slots: properties that are asked for often are kept
class Accelerator:
    """Levels outermost first, compute units, clock, technology.

    `precision` is the element type that floating-point models run at; None keeps the model's own types.
    `overlap_only` leaves out what cannot overlap (first fill, last drain, pipeline depth) from latency.
    `launch_s` is a constant overhead per op. `other_area_mm2` is die area outside levels and units.
    """

    name: str
    levels: tuple[Memory | Fanout, ...]
    matrix: MatrixUnit
    vector: VectorUnit | None
    clock_hz: float
    technology: Technology
    precision: DType | None = None
    overlap_only: bool = False
    launch_s: float = 0.0
    other_area_mm2: float = 0.0
    description: str = ""
    source: str = ""
    loc: Loc = field(default=Loc("<python>"), compare=False)

    def __post_init__(self) -> None:
        checks.named("accelerator", self.name)
        owner = f"accelerator {self.name}"
        checks.positive(owner, clock_hz=self.clock_hz)
        checks.amounts(owner, launch_s=self.launch_s, other_area_mm2=self.other_area_mm2)
        if self.precision is not None and not self.matrix.computes(self.precision):
            known = ", ".join(rate.dtype for rate in self.matrix.rates)
            message = f"{owner}: precision is {self.precision}, but {self.matrix.name} computes only {known}"
            raise SpecError(message, loc=self.loc)
        names = [level.name for level in self.levels] + [self.matrix.name]
        names += [self.vector.name] if self.vector else []
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SpecError(f"names used twice: {', '.join(twice)}", loc=self.loc)
        reserved = {level.name for level in self.levels} & RESERVED
        reserved |= set(names) & RESERVED_OF_UNITS
        if reserved:
            raise SpecError(
                f"names that reports use for other things: {', '.join(sorted(reserved))}", loc=self.loc
            )
        if not self.levels or not isinstance(self.levels[0], Memory):
            raise SpecError("the outermost level must be a memory", loc=self.loc)
        outer = self.levels[0]
        if outer.keeps != frozenset(ROLES) or outer.optional or outer.capacity_bytes != inf:
            raise SpecError(
                f"{outer.name} must keep every operand and have no capacity limit: ops start and end there",
                loc=self.loc,
                hint="technology.dram_gb sizes DRAM for its carbon",
            )
        self._check_dies(names)
        if self.vector and self.vector.memory not in {memory.name for memory in self.memories}:
            raise SpecError(
                f"vector unit {self.vector.name!r} is fed by unknown memory {self.vector.memory!r}",
                loc=self.loc,
            )

    def _check_dies(self, names: list[str]) -> None:
        """Dies hold levels and units of the chip."""
        outside = {memory.name for memory in self.memories if memory.dram_type}
        known = [name for name in names if name not in outside]
        for die in self.technology.dies:
            for part in sorted(die.parts - set(known)):
                what = "is not on the chip" if part in outside else f"does not exist{nearest(part, known)}"
                hint = f"parts are {', '.join(known)}"
                raise SpecError(f"die {die.name}: its part {part} {what}", loc=self.loc, hint=hint)

    @cached_property
    def memories(self) -> tuple[Memory, ...]:
        """Memory levels, outermost first."""
        return tuple(level for level in self.levels if isinstance(level, Memory))

    @cached_property
    def fanouts(self) -> tuple[Fanout, ...]:
        """Spatial levels, outermost first."""
        return tuple(level for level in self.levels if isinstance(level, Fanout))

    def instances(self, name: str) -> int:
        """How many instances of a level (or of the matrix unit) the chip has."""
        return self._instances[name]

    @cached_property
    def _instances(self) -> dict[str, int]:
        count, found = 1, dict[str, int]()
        for level in self.levels:
            found[level.name] = count
            if isinstance(level, Fanout):
                count *= level.size
        return found | {self.matrix.name: count}

    @property
    def peak_macs_per_cycle(self) -> dict[DType, float]:
        """MACs per cycle of the whole chip, by element type."""
        return {
            rate.dtype: rate.macs_per_cycle * self.instances(self.matrix.name) for rate in self.matrix.rates
        }

    @property
    def die_area_mm2(self) -> float:
        """Area of the die [mm2]; off-chip memories have none."""
        levels = sum(level.area_mm2 * self.instances(level.name) for level in self.levels)
        units = self.matrix.area_mm2 * self.instances(self.matrix.name)
        return levels + units + (self.vector.area_mm2 if self.vector else 0.0) + self.other_area_mm2

    def area_of(self, die: Die) -> float:
        """Area of the parts that a die holds, of all its equal ones together [mm2]."""
        if die.parts:
            return sum(self.area_of_part(part) for part in sorted(die.parts))
        others = [part for other in self.technology.dies for part in sorted(other.parts)]
        return self.die_area_mm2 - sum(self.area_of_part(part) for part in others)

    def area_of_part(self, name: str) -> float:
        """Area of all instances of a level or unit [mm2]."""
        if self.vector and name == self.vector.name:
            return self.vector.area_mm2
        each = next((level.area_mm2 for level in self.levels if level.name == name), self.matrix.area_mm2)
        return each * self.instances(name)

    @cached_property
    def static_w(self) -> float:
        """Leakage and background power of everything, DRAM included [W]."""
        levels = sum(memory.static_w * self.instances(memory.name) for memory in self.memories)
        units = self.matrix.static_w * self.instances(self.matrix.name)
        return levels + units + (self.vector.static_w if self.vector else 0.0)
