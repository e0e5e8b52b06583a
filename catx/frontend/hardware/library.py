"""Energies, static power and areas of a machine: as written in the file, or from the component library."""

from collections.abc import Mapping
from dataclasses import replace
from math import inf, isfinite, prod
from types import MappingProxyType

from catx.costmodel.components import COMPONENTS, ComponentNumbers, parameters, resolve
from catx.errors import CatxError
from catx.frontend.hardware.check import accumulator_of
from catx.frontend.hardware.document import Document
from catx.frontend.hardware.fields import ACROSS
from catx.frontend.hardware.problems import KeyPath, Problem
from catx.frontend.hardware.spec import (
    ComponentSpec,
    FanoutSpec,
    GeneralSpec,
    MatrixSpec,
    MemorySpec,
    OwnComponentSpec,
    VectorSpec,
)
from catx.ir.dtype import DType
from catx.units import BITS_PER_BYTE

DEFAULT_WIDTH_BYTES = 16.0
"""Word width of an SRAM macro where the file gives none [byte]."""

_WRITTEN = {
    "static_w": "static power",
    "area_mm2": "area",
    "read_j_per_byte": "energy",
    "write_j_per_byte": "energy",
    "j_per_op": "energy",
}
"""What messages call a number."""

Parameter = float | int | str
"""Of a component class."""

NO_PARAMETERS: Mapping[str, Parameter] = MappingProxyType({})
NOTHING = ComponentNumbers(source="")
MATRIX: KeyPath = ("compute", "matrix")
VECTOR: KeyPath = ("compute", "vector")


class Library:
    """Looks up the components of one general form, and collects what cannot be looked up."""

    def __init__(self, spec: GeneralSpec, document: Document) -> None:
        self.spec, self.document = spec, document
        self.problems: list[Problem] = []
        self._node_nm = spec.technology.node

    def _enter(self, part: str) -> None:
        """Look up at the node of the die that holds a part."""
        dies = self.spec.technology.dies
        holder = next((die for die in dies if part in die.parts), None)
        holder = holder or next((die for die in dies if not die.parts), None)
        self._node_nm = (holder.node if holder else None) or self.spec.technology.node

    def memory(self, spec: MemorySpec, path: KeyPath) -> ComponentNumbers:
        """Numbers of one instance of a memory level."""
        self._enter(spec.memory)
        if spec.component is None:
            read, write = _energies(spec)
            return ComponentNumbers(
                read_j_per_byte=read or 0.0,
                write_j_per_byte=write or 0.0,
                static_w=spec.static_power or 0.0,
                area_mm2=spec.area or 0.0,
                source=spec.source,
            )
        numbers = self._storage(spec, spec.component, (*path, "component"))
        read, write = _energies(spec)
        return _written(numbers, spec, {"read_j_per_byte": read, "write_j_per_byte": write})

    def matrix(self, spec: MatrixSpec) -> tuple[ComponentNumbers, dict[str, float]]:
        """Numbers of one matrix unit, and joule per MAC by element type.

        A unit that computes several types is as large as its largest needs it to be.
        """
        self._enter(spec.name)
        if spec.component is None:
            energies = {name: rate.energy or 0.0 for name, rate in spec.rates.items()}
            numbers = ComponentNumbers(
                static_w=spec.static_power or 0.0, area_mm2=spec.area or 0.0, source=spec.source
            )
            return numbers, energies
        macs = {
            name: self._unit(
                spec.component,
                (*MATRIX, "rates", name) if spec.component.kind == "mac" else (*MATRIX, "component"),
                dtype=DType(name),
                accumulator=accumulator_of(spec, name),
            )
            for name in spec.rates
        }
        numbers = ComponentNumbers(
            static_w=max(mac.static_w * spec.rates[name].macs_per_cycle for name, mac in macs.items()),
            area_mm2=max(mac.area_mm2 * spec.rates[name].macs_per_cycle for name, mac in macs.items()),
            source=_join(*(mac.source for mac in macs.values())),
        )
        energies = {
            name: mac.j_per_op if (written := spec.rates[name].energy) is None else written
            for name, mac in macs.items()
        }
        own = ", ".join(name for name, rate in spec.rates.items() if rate.energy is not None)
        if own:
            numbers = replace(numbers, source=_join(f"energy of {own} as the file writes it", numbers.source))
        return _written(numbers, spec, {}), energies

    def vector(self, spec: VectorSpec) -> ComponentNumbers:
        """Numbers of all lanes together; energy is of one operation of one lane."""
        self._enter(spec.name)
        if spec.component is None:
            return ComponentNumbers(
                j_per_op=spec.energy or 0.0,
                static_w=spec.static_power or 0.0,
                area_mm2=spec.area or 0.0,
                source=spec.source,
            )
        dtype = spec.component.dtype or self.spec.precision or next(iter(self.spec.compute.matrix.rates))
        lane = self._unit(spec.component, (*VECTOR, "component"), dtype=DType(dtype))
        lanes = replace(lane, static_w=lane.static_w * spec.lanes, area_mm2=lane.area_mm2 * spec.lanes)
        return _written(lanes, spec, {"j_per_op": spec.energy})

    def link(self, spec: FanoutSpec, path: KeyPath, instance_mm2: float) -> ComponentNumbers:
        """Energy per byte that enters a fanout's link, the area of its network, and their source.

        `instance_mm2` is the area of one instance of everything further in: the way over all of them is the
        length of `wire: across`.
        """
        self._enter(spec.fanout)
        if spec.wire is None:
            energy = spec.link_energy or 0.0
            return ComponentNumbers(write_j_per_byte=energy, area_mm2=spec.area, source=spec.source)
        place = (*path, "wire")
        if spec.wire != ACROSS:
            wire = self._look_up(place, "wire", length_mm=spec.wire)
            return replace(wire, area_mm2=spec.area, source=_join(spec.source, wire.source))
        if not instance_mm2 and not self.problems:
            message = f"nothing inside {spec.fanout} has an area, so the way across it is not known"
            self.problems.append(self.document.problem(message, place, "give its length, such as `1 mm`"))
        if not instance_mm2:
            return ComponentNumbers(area_mm2=spec.area, source=spec.source)
        mesh: dict[str, float | int] = {}
        if spec.routers:
            mesh = {"flit_bits": spec.routers.width * BITS_PER_BYTE, "depth": spec.routers.depth}
        parts = prod(axis.size for axis in spec.axes)
        place = (*path, "routers") if spec.routers else place
        found = self._look_up(place, "noc", parts=parts, part_mm2=instance_mm2, **mesh)
        return replace(found, area_mm2=found.area_mm2 + spec.area, source=_join(spec.source, found.source))

    def _unit(self, component: ComponentSpec, path: KeyPath, **given: DType) -> ComponentNumbers:
        """One lane or multiply-accumulate: the library's, the file's own, or registered."""
        if own := self.spec.components.get(component.kind):
            return _own(own, component.kind)
        found = self._look_up(path, component.kind, component.parameters, **given)
        if component.kind not in COMPONENTS and found is not NOTHING and not found.j_per_op:
            self._refuse(path, f"class {component.kind} gives no energy per operation (`j_per_op`)")
        return found

    def _storage(self, spec: MemorySpec, component: ComponentSpec, path: KeyPath) -> ComponentNumbers:
        """One instance of a memory."""
        if own := self.spec.components.get(component.kind):
            return _own(own, component.kind)
        if component.kind == "dram":
            size_gb = self.spec.technology.dram or 0.0
            return self._look_up(path, "dram", type=component.type or spec.dram or "", capacity_gb=size_gb)
        capacity = inf if spec.capacity is None else spec.capacity
        if component.kind == "fifo":
            width_bits = (component.width or 0.0) * BITS_PER_BYTE
            return self._look_up(path, "fifo", capacity_bytes=capacity, width_bits=width_bits)
        if component.kind != "sram":
            sized: dict[str, float] = {"capacity_bytes": capacity} if isfinite(capacity) else {}
            found = self._look_up(path, component.kind, component.parameters, **sized)
            energies = found.read_j_per_byte and found.write_j_per_byte
            if component.kind not in COMPONENTS and found is not NOTHING and not energies:
                self._refuse(path, f"class {component.kind} gives no energy per byte read and written")
            return found
        cell: dict[str, str] = {"cell": component.cell} if component.cell else {}
        return self._look_up(
            path,
            "sram",
            capacity_bytes=capacity,
            width_bits=(component.width or DEFAULT_WIDTH_BYTES) * BITS_PER_BYTE,
            ports=component.ports or 1,
            banks=component.banks or 1,
            macros=component.macros or 1,
            **cell,
        )

    def _refuse(self, path: KeyPath, message: str) -> None:
        self.problems.append(self.document.problem(message, path))

    def _look_up(
        self,
        path: KeyPath,
        kind: str,
        own: Mapping[str, Parameter] = NO_PARAMETERS,
        /,
        **given: Parameter,
    ) -> ComponentNumbers:
        """Numbers of a class; what it refuses is a problem at `path`.

        A registered class gets what it takes of what is known here, and what the file hands it.
        """
        try:
            if kind not in COMPONENTS:
                takes = parameters(kind)
                given = {key: value for key, value in given.items() if key in takes} | dict(own)
            return resolve(kind, node_nm=self._node_nm, **given)
        except CatxError as error:
            self.problems.append(self.document.problem(str(error.args[0]), path, error.hint))
            return NOTHING


def _energies(spec: MemorySpec | OwnComponentSpec) -> tuple[float | None, float | None]:
    """Energy per byte read and written, as far as a file says it [J/byte]."""
    read = spec.energy if spec.read_energy is None else spec.read_energy
    write = spec.energy if spec.write_energy is None else spec.write_energy
    return read, write


def _own(spec: OwnComponentSpec, name: str) -> ComponentNumbers:
    """Numbers of a component of the file's own."""
    read, write = _energies(spec)
    return ComponentNumbers(
        read_j_per_byte=read or 0.0,
        write_j_per_byte=write or 0.0,
        j_per_op=spec.op_energy or 0.0,
        static_w=spec.static_power,
        area_mm2=spec.area,
        source=f"{name}: {spec.source}",
    )


def _written(
    numbers: ComponentNumbers, spec: MemorySpec | MatrixSpec | VectorSpec, energies: dict[str, float | None]
) -> ComponentNumbers:
    """Library numbers, but where the file writes its own; the source says which those are."""
    own = {"static_w": spec.static_power, "area_mm2": spec.area} | energies
    given = {field: value for field, value in own.items() if value is not None}
    told = ", ".join(dict.fromkeys(_WRITTEN[field] for field in given))
    note = f"{told} as the file writes it" if given else ""
    return replace(numbers, source=_join(spec.source, note, numbers.source), **given)


def _join(*sources: str) -> str:
    """Sources in one line, each once."""
    return "; ".join(dict.fromkeys(source for source in sources if source))
