"""Build the Accelerator that a general form describes."""

from dataclasses import replace
from math import inf

from catx.costmodel.ports import beyond_port
from catx.errors import Loc, SpecError
from catx.frontend.hardware.assembled import check_assembled, read_assembly, read_dies
from catx.frontend.hardware.check import accumulator_of, check
from catx.frontend.hardware.document import Document
from catx.frontend.hardware.library import Library
from catx.frontend.hardware.problems import KeyPath, fail
from catx.frontend.hardware.spec import AxisSpec, FanoutSpec, GeneralSpec, MatrixSpec, MemorySpec, VectorSpec
from catx.frontend.hardware.technology import dram_type_of
from catx.ir.accelerator import (
    Accelerator,
    Fanout,
    FanoutAxis,
    MacRate,
    MatrixUnit,
    Memory,
    Technology,
    VectorUnit,
)
from catx.ir.dtype import DType


def build(spec: GeneralSpec, document: Document) -> Accelerator:
    """The accelerator, in base units.

    Raises:
        SpecError: listing everything inconsistent, or everything that the component library refuses.
    """
    if problems := check(spec, document):
        fail(document.file, problems)
    check_assembled(spec.technology, document)
    library = Library(spec, document)
    matrix = _matrix(spec.compute.matrix, library)
    accelerator = Accelerator(
        name=spec.name,
        levels=_levels(spec, matrix, library),
        matrix=matrix,
        vector=_vector(spec.compute.vector, library) if spec.compute.vector else None,
        clock_hz=spec.clock,
        technology=_technology(spec, document),
        precision=DType(spec.precision) if spec.precision else None,
        overlap_only=spec.overlap_only,
        launch_s=spec.launch_overhead,
        other_area_mm2=spec.other_area or 0.0,
        description=spec.description,
        source=spec.source,
        loc=Loc(document.file),
    )
    if library.problems:
        fail(document.file, library.problems)
    return _with_die_area(accelerator, spec.die_area, document)


def _technology(spec: GeneralSpec, document: Document) -> Technology:
    technology = spec.technology
    try:
        return Technology(
            node_nm=technology.node,
            dram_gb=technology.dram or 0.0,
            dies=read_dies(technology, whole=spec.die_area is not None),
            assembly=read_assembly(technology),
        )
    except SpecError as error:
        fail(document.file, [document.problem(error.args[0], ("technology",), error.hint)])


def _with_die_area(accelerator: Accelerator, whole_mm2: float | None, document: Document) -> Accelerator:
    """Where the area of the whole die is known, what levels and units leave of it is other area."""
    if whole_mm2 is None:
        return accelerator
    known_mm2 = accelerator.die_area_mm2
    if known_mm2 > whole_mm2:
        message = f"levels and units already take {known_mm2:.6g} mm2, more than the whole die"
        fail(document.file, [document.problem(message, ("die_area",))])
    return replace(accelerator, other_area_mm2=whole_mm2 - known_mm2)


def _levels(spec: GeneralSpec, matrix: MatrixUnit, library: Library) -> tuple[Memory | Fanout, ...]:
    """All levels, built from the inside out: the way across a fanout rests on the area of what is inside."""
    built: list[Memory | Fanout] = []
    inside_mm2 = matrix.area_mm2
    for index, level in reversed(list(enumerate(spec.levels))):
        path: KeyPath = ("levels", index)
        if isinstance(level, MemorySpec):
            built.append(_memory(level, path, spec, library))
            inside_mm2 += built[-1].area_mm2
        else:
            fanout = _fanout(level, path, spec, library, inside_mm2)
            built.append(fanout)
            inside_mm2 = inside_mm2 * fanout.size + fanout.area_mm2
    return tuple(reversed(built))


def _fanout(
    level: FanoutSpec, path: KeyPath, spec: GeneralSpec, library: Library, instance_mm2: float
) -> Fanout:
    numbers = library.link(level, path, instance_mm2)
    link = level.link_bandwidth
    return Fanout(
        name=level.fanout,
        axes=tuple(_axis(axis) for axis in level.axes),
        link_bytes_per_cycle=link.bytes_per_cycle(spec.clock) if link else inf,
        link_j_per_byte=numbers.write_j_per_byte,
        area_mm2=numbers.area_mm2,
        source=numbers.source,
    )


def _memory(level: MemorySpec, path: KeyPath, spec: GeneralSpec, library: Library) -> Memory:
    read, write = level.bandwidth or level.read_bandwidth, level.bandwidth or level.write_bandwidth
    assert read is not None
    assert write is not None
    numbers = library.memory(level, path)
    memory = Memory(
        name=level.memory,
        capacity_bytes=inf if level.capacity is None else level.capacity,
        read_bytes_per_cycle=read.bytes_per_cycle(spec.clock),
        write_bytes_per_cycle=write.bytes_per_cycle(spec.clock),
        shared_port=level.bandwidth is not None,
        double_buffered=level.double_buffered,
        keeps=frozenset(level.keeps),
        optional=frozenset(level.optional),
        read_j_per_byte=numbers.read_j_per_byte,
        write_j_per_byte=numbers.write_j_per_byte,
        static_w=numbers.static_w,
        area_mm2=numbers.area_mm2,
        dram_type=dram_type_of(level),
        source=numbers.source,
        port_bytes_per_cycle=numbers.port_bytes_per_cycle,
    )
    notes = [memory.source, beyond_port(memory), _slow_access(numbers.access_s, spec.clock)]
    return replace(memory, source="; ".join(note for note in notes if note))


def _slow_access(access_s: float, clock_hz: float) -> str:
    """What is to be said of a memory whose words come later than in the next cycle."""
    cycles = access_s * clock_hz
    if cycles <= 1:
        return ""
    return f"a word takes {access_s * 1e9:.3g} ns, {cycles:.3g} cycles: its accesses count as pipelined"


def _axis(axis: AxisSpec) -> FanoutAxis:
    return FanoutAxis(
        name=axis.name,
        size=axis.size,
        dims=frozenset(axis.dims),
        multicast=frozenset(axis.multicast),
        reduces=axis.reduces,
    )


def _matrix(unit: MatrixSpec, library: Library) -> MatrixUnit:
    numbers, energies = library.matrix(unit)
    return MatrixUnit(
        name=unit.name,
        rates=tuple(
            MacRate(
                dtype=DType(name),
                macs_per_cycle=float(rate.macs_per_cycle),
                j_per_mac=energies[name],
                accumulator=accumulator_of(unit, name),
                truncates=rate.truncates,
            )
            for name, rate in unit.rates.items()
        ),
        pipeline_cycles=float(unit.pipeline_cycles),
        static_w=numbers.static_w,
        area_mm2=numbers.area_mm2,
        source=numbers.source,
    )


def _vector(unit: VectorSpec, library: Library) -> VectorUnit:
    numbers = library.vector(unit)
    return VectorUnit(
        name=unit.name,
        memory=unit.memory,
        lanes=unit.lanes,
        j_per_op=numbers.j_per_op,
        static_w=numbers.static_w,
        area_mm2=numbers.area_mm2,
        source=numbers.source,
    )
