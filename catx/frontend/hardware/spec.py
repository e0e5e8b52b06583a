"""The general form of a hardware file, as pydantic models: what may be written, key by key.

Models hold what the file says, in base units; docs/hw-yaml.md is the same for users. What must fit together
across keys is checked in `check.py`.
"""

from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from catx.frontend.hardware.fields import (
    Area,
    Choice,
    Count,
    Cycles,
    DimName,
    DramSize,
    DramType,
    DTypeName,
    Energy,
    EnergyPerByte,
    Factor,
    Frequency,
    Lanes,
    Name,
    Node,
    Number,
    Positive,
    Power,
    RateField,
    Role,
    Share,
    Size,
    Text,
    Time,
    Width,
    Wire,
)
from catx.ir.assembly import BONDS, KINDS
from catx.ir.einsum import ROLES

COMPONENT_CLASSES = ("sram", "regfile", "register", "fifo", "dram", "mac", "vector_lane")


class Spec(BaseModel):
    """Base of all models: no type is converted, no unknown key is accepted, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class ComponentSpec(Spec):
    """A class of the component library and its parameters; all numbers of the level or unit come from it."""

    kind: Name = Field(alias="class", description="of the library, a name in `components`, or registered")
    width: Width | None = Field(None, description="sram, fifo: one word; of sram default 128 bit")
    ports: Count | None = Field(None, description="sram: read-write ports, default 1")
    banks: Count | None = Field(None, description="sram: banks of one macro, default 1")
    macros: Count | None = Field(None, description="sram: equal macros that make up the memory, default 1")
    cell: Name | None = Field(None, description="sram: cell flavour, default that of the library")
    type: Name | None = Field(None, description="dram: type, default that of the memory's `dram` key")
    dtype: DTypeName | None = Field(None, description="vector_lane: element type, default the precision")
    parameters: dict[Name, float | int | str] = Field({}, description="of a registered class")

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: object) -> object:
        """`component: sram` is short for `component: {class: sram}`."""
        return {"class": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        full = handler.resolve_ref_schema(handler(schema))
        short = {"type": "string", "examples": list(COMPONENT_CLASSES)}
        return {"anyOf": [short, full]}


class OwnComponentSpec(Spec):
    """A component of the file's own: what one instance of a memory, one lane or one mac costs."""

    energy: EnergyPerByte | None = Field(None, description="of a memory, per byte read and per byte written")
    read_energy: EnergyPerByte | None = None
    write_energy: EnergyPerByte | None = None
    op_energy: Energy | None = Field(None, description="of a lane per simple operation, of a mac per mac")
    static_power: Power = Field(0.0, description="default 0 W")
    area: Area = Field(0.0, description="default 0 mm2")
    source: Text = Field(min_length=1, description="where the numbers come from: required")


class MemorySpec(Spec):
    """A memory level; numbers are of one instance."""

    memory: Name = Field(description="name of the level")
    capacity: Size | None = Field(None, description="bytes held; the outermost memory has none")
    bandwidth: RateField | None = Field(None, description="one port for reads and writes together")
    read_bandwidth: RateField | None = None
    write_bandwidth: RateField | None = None
    energy: EnergyPerByte | None = Field(None, description="per byte read and per byte written")
    read_energy: EnergyPerByte | None = None
    write_energy: EnergyPerByte | None = None
    static_power: Power | None = Field(None, description="leakage or background power, default 0 W")
    area: Area | None = Field(None, description="die area; none for DRAM")
    component: ComponentSpec | None = Field(None, description="the library gives energy, static power, area")
    double_buffered: bool = Field(False, description="half of it fills while the other half is used")
    keeps: list[Role] = Field(list(ROLES), description="operand roles that it may hold, default all")
    optional: list[Role] = Field([], description="roles of `keeps` that may also bypass it, default none")
    dram: DramType | None = Field(None, description="off-chip memory of this type")
    source: Text = Field("", description="where the numbers come from")


class AxisSpec(Spec):
    """One direction of a fanout."""

    name: Name
    size: Count = Field(description="instances along the axis")
    dims: list[DimName] = Field([], description="dims or classes of dims unrolled along it, default any")
    multicast: list[Factor] = Field(
        list(ROLES[:2]), description="factors that one access delivers to all, default both"
    )
    reduces: bool = Field(
        True, description="outputs are added on the way to the parent; sums that come back take one access"
    )


class RoutersSpec(Spec):
    """Routers of a mesh, one at each instance."""

    width: Width = Field(description="of a link between two routers")
    depth: Annotated[int, Number(whole=True, least=2, most=1024)] = Field(
        2, description="words that an input of a router holds, default 2"
    )


class FanoutSpec(Spec):
    """A spatial level: everything further in exists once per point of its axes."""

    fanout: Name = Field(description="name of the level")
    axes: list[AxisSpec] = Field(min_length=1)
    link_bandwidth: RateField | None = Field(None, description="of the parent's side, default unlimited")
    link_energy: EnergyPerByte | None = Field(None, description="per byte that enters, default 0 pJ/B")
    wire: Wire | None = Field(
        None, description="length of the link, or `across`: the library gives its energy"
    )
    routers: RoutersSpec | None = Field(None, description="with `wire: across`: a mesh, default wires alone")
    area: Area = Field(0.0, description="area of the interconnect besides routers, default 0 mm2")
    source: Text = ""


class RateSpec(Spec):
    """What one matrix unit does with one element type of its factors."""

    macs_per_cycle: Positive = Field(1.0, description="default 1")
    energy: Energy | None = Field(None, description="per multiply-accumulate")
    accumulator: DTypeName | None = Field(None, description="default int32, or fp32 for floating point")
    truncates: bool = Field(False, description="products are cut to the accumulator's width (fixed point)")


class MatrixSpec(Spec):
    """The unit that multiplies and accumulates, at the end of the levels; numbers are of one instance."""

    name: Name = "MAC"
    rates: dict[DTypeName, RateSpec] = Field(min_length=1)
    component: ComponentSpec | None = Field(None, description="the library gives energy, power, area")
    pipeline_cycles: Cycles = Field(0.0, description="from first operands to first result, default 0")
    static_power: Power | None = None
    area: Area | None = None
    source: Text = ""


class VectorSpec(Spec):
    """Lanes for everything that is not a contraction; numbers are of all lanes together."""

    name: Name = "vector"
    memory: Name = Field(description="the memory level that feeds it")
    lanes: Lanes = Field(description="elements per cycle, of the whole chip")
    energy: Energy | None = Field(None, description="of one simple operation of one lane")
    component: ComponentSpec | None = None
    static_power: Power | None = None
    area: Area | None = None
    source: Text = ""


class ComputeSpec(Spec):
    """The compute units."""

    matrix: MatrixSpec
    vector: VectorSpec | None = None


class HarvestSpec(Spec):
    """Equal cores on a die, some of which may fail."""

    cores: Count
    needed: Count = Field(description="cores that must work")
    share: Share = Field(description="of the die's area that all of them take")
    spares_counted: bool | None = Field(
        None, description="areas are those of all cores, not of the needed ones; default with `die_area`"
    )


class DieSpec(Spec):
    """A die, or several equal ones, and what it holds."""

    name: Name
    parts: list[Name] = Field([], description="levels and units; of one die none: it holds all others")
    count: Count = Field(1, description="equal dies that share the area")
    node: Node | None = Field(None, description="default that of the chip")
    harvest: HarvestSpec | None = None


class AssemblySpec(Spec):
    """What holds the dies."""

    kind: Annotated[str, Choice("an assembly", KINDS)]
    bond: Annotated[str, Choice("a way to bond", BONDS)] = "thermocompression"
    interposer_area: Area | None = Field(None, description="default a tenth more than what it carries")
    memory_stacks: Annotated[int, Number(whole=True, zero=True, most=1000)] = Field(
        0, description="stacks of DRAM on the interposer"
    )


class Assembled(Spec):
    """Dies and what holds them; without them the chip is one die."""

    dies: list[DieSpec] = Field(default=[], max_length=64)
    assembly: AssemblySpec | None = None


class TechnologySpec(Assembled):
    """How the chip is made: what turns area into embodied carbon."""

    node: Node
    dram: DramSize | None = Field(None, description="capacity of off-chip DRAM, default none")


def _level_kind(value: Any) -> str:
    keys = value if isinstance(value, dict) else {}
    return FANOUT_TAG if "fanout" in keys and "memory" not in keys else MEMORY_TAG


MEMORY_TAG, FANOUT_TAG = "(memory)", "(fanout)"
LevelSpec = Annotated[
    Annotated[MemorySpec, Tag(MEMORY_TAG)] | Annotated[FanoutSpec, Tag(FANOUT_TAG)],
    Discriminator(_level_kind),
]


class HeadSpec(Spec):
    """What the general form and every template share."""

    description: Text = ""
    source: Text = Field("", description="where the description comes from")
    overlap_only: bool = Field(False, description="leave first fill, last drain, pipeline out of latency")
    launch_overhead: Time = Field(0.0, description="constant time per op, default 0 s")
    other_area: Area | None = Field(None, description="die area outside of levels and units, default 0 mm2")
    die_area: Area | None = Field(None, description="area of the whole die, where it is known")


class GeneralSpec(HeadSpec):
    """A hardware file in the general form."""

    name: Name
    clock: Frequency
    precision: DTypeName | None = Field(None, description="what floating-point models run at")
    technology: TechnologySpec
    components: dict[Name, OwnComponentSpec] = Field({}, description="the file's own component classes")
    levels: list[LevelSpec] = Field(min_length=1, max_length=32, description="outermost first")
    compute: ComputeSpec
