"""What must fit together across the keys of a hardware file, all told at once."""

from collections.abc import Iterator
from math import inf, prod

from catx.costmodel.components.registry import COMPONENTS, own_classes
from catx.frontend.hardware.document import Document
from catx.frontend.hardware.fields import ACROSS
from catx.frontend.hardware.problems import KeyPath, Problem
from catx.frontend.hardware.spec import (
    AxisSpec,
    ComponentSpec,
    FanoutSpec,
    GeneralSpec,
    MatrixSpec,
    MemorySpec,
    OwnComponentSpec,
    VectorSpec,
)
from catx.frontend.hardware.technology import dram_energy_problem, dram_type_of, technology_problems
from catx.ir.accelerator import RESERVED, RESERVED_OF_UNITS, accumulator_problem
from catx.ir.dtype import DType
from catx.ir.einsum import OUTPUT, ROLES
from catx.names import nearest

PARAMETERS = {
    "sram": ("width", "ports", "banks", "macros", "cell"),
    "regfile": (),
    "register": (),
    "fifo": ("width",),
    "dram": ("type",),
    "mac": (),
    "vector_lane": ("dtype",),
}
"""Parameters by component class."""

ELSEWHERE = {
    "wire": "fanouts have `wire: 1 mm` or `wire: across`",
    "noc": "fanouts have `wire: across` and `routers`",
    "special_function": "`vector_lane` computes them, and `catx components` tells what they cost",
}
"""Classes of the library that no `component` picks."""

GIVEN = {"node_nm"}
"""What a registered class gets from the machine itself, besides the capacity of a memory that has one."""

MEMORY_CLASSES = ("sram", "regfile", "register", "fifo", "dram")
MAX_INSTANCES = 10**8

Found = Iterator[tuple[KeyPath, str]]
"""Problems as (path, message)."""


def default_accumulator(dtype: DType) -> DType:
    """What sums of products of this type are kept in: int32 or fp32, or wider where the products are."""
    if dtype.is_float:
        return DType.FP64 if dtype is DType.FP64 else DType.FP32
    return DType.INT64 if dtype.bits > 16 else DType.INT32


def accumulator_of(matrix: MatrixSpec, name: str) -> DType:
    """The accumulator of a rate, written or default."""
    written = matrix.rates[name].accumulator
    return DType(written) if written else default_accumulator(DType(name))


def check(spec: GeneralSpec, document: Document) -> list[Problem]:
    """Everything that is inconsistent."""
    found = [
        *_own_names(spec),
        *_names(spec),
        *_levels(spec),
        *_compute(spec),
        *technology_problems(spec),
        *_die(spec),
    ]
    return [document.problem(message, path) for path, message in found] + _accumulators(spec, document)


def _accumulators(spec: GeneralSpec, document: Document) -> list[Problem]:
    """Accumulators that cannot hold what the rates multiply."""
    problems = []
    for name, rate in spec.compute.matrix.rates.items():
        accumulator = accumulator_of(spec.compute.matrix, name)
        message, hint = accumulator_problem(DType(name), accumulator, truncates=rate.truncates)
        if message:
            path = ("compute", "matrix", "rates", name, "accumulator")
            problems.append(document.problem(message, path, hint))
    return problems


def _own_names(spec: GeneralSpec) -> Found:
    for name in spec.components:
        if name in COMPONENTS:
            yield (
                ("components", name),
                f"{name} is a class of the library: write numbers beside it, or another name",
            )


def _names(spec: GeneralSpec) -> Found:
    places: dict[str, KeyPath] = {}
    named: list[tuple[str, KeyPath]] = [
        (level.memory, ("levels", index, "memory"))
        if isinstance(level, MemorySpec)
        else (level.fanout, ("levels", index, "fanout"))
        for index, level in enumerate(spec.levels)
    ]
    named.append((spec.compute.matrix.name, ("compute", "matrix", "name")))
    if spec.compute.vector:
        named.append((spec.compute.vector.name, ("compute", "vector", "name")))
    for name, path in named:
        if name in places:
            yield path, f"the name {name!r} is used twice; levels and units need different names"
        places.setdefault(name, path)
        if name in (RESERVED if path[0] == "levels" else RESERVED_OF_UNITS):
            yield path, f"the name {name!r} has a meaning of its own in reports: choose another"


def _levels(spec: GeneralSpec) -> Found:
    yield from _drams(spec)
    instances = 1
    for index, level in enumerate(spec.levels):
        path: KeyPath = ("levels", index)
        if isinstance(level, FanoutSpec):
            instances *= prod(axis.size for axis in level.axes)
            yield from _fanout(level, path)
            if instances > MAX_INSTANCES:
                yield (*path, "axes"), f"more than {MAX_INSTANCES} instances"
                return
        else:
            yield from _memory(level, path, spec)
        if index == 0:
            yield from _outermost(level, path)


def _drams(spec: GeneralSpec) -> Found:
    """One DRAM at most, outside of all fanouts: `technology.dram` is the size of one."""
    seen, inside = "", False
    for index, level in enumerate(spec.levels):
        if isinstance(level, FanoutSpec):
            inside = True
            continue
        path: KeyPath = ("levels", index)
        if not dram_type_of(level):
            continue
        if seen:
            yield path, f"a second DRAM, beside {seen}: give it numbers of its own, without `dram`"
        if inside:
            yield path, "a DRAM within a fanout: give it numbers of its own, without `dram`"
        seen = level.memory
        named = level.component.type if level.component else None
        if level.dram and named and named != level.dram:
            yield (*path, "component", "type"), f"the memory's `dram` says {level.dram}: keep one of both"


def _outermost(level: MemorySpec | FanoutSpec, path: KeyPath) -> Found:
    if isinstance(level, FanoutSpec):
        yield path, "the outermost level must be a memory, where operands start and end"
        return
    if level.capacity not in (None, inf):
        yield (
            (*path, "capacity"),
            "the outermost memory has no capacity limit; `technology.dram` sizes DRAM for its carbon",
        )
    if set(level.keeps) != set(ROLES):
        yield (*path, "keeps"), "the outermost memory must keep every operand"
    if level.optional:
        yield (*path, "optional"), "nothing can bypass the outermost memory"


def _fanout(level: FanoutSpec, path: KeyPath) -> Found:
    names = [axis.name for axis in level.axes]
    for index, axis in enumerate(level.axes):
        if axis.name in names[:index]:
            yield (*path, "axes", index, "name"), f"the axis {axis.name!r} stands twice in this fanout"
        yield from _twice(axis, ("dims", "multicast"), (*path, "axes", index))
    if level.link_energy is not None and level.wire is not None:
        yield (*path, "wire"), "`link_energy` and `wire` are two sources for one number: keep one"
    if level.routers and level.wire != ACROSS:
        yield (*path, "routers"), "routers lie on the way across a fanout: they need `wire: across`"


def _twice(spec: AxisSpec | MemorySpec, keys: tuple[str, ...], path: KeyPath) -> Found:
    for key in keys:
        values = getattr(spec, key)
        for index, value in enumerate(values):
            if value in values[:index]:
                yield (*path, key, index), f"{value!r} stands twice"


def _memory(level: MemorySpec, path: KeyPath, spec: GeneralSpec) -> Found:
    if level.capacity is None and path[-1] != 0:
        yield path, f"{level.memory}: missing key 'capacity': a size such as `4 MiB` or `unlimited`"
    if not level.keeps:
        yield (*path, "keeps"), f"{level.memory} keeps nothing: list at least one of {', '.join(ROLES)}"
    for index, role in enumerate(level.optional):
        if role not in level.keeps:
            yield (
                (*path, "optional", index),
                f"{role!r} is optional here, but {level.memory} does not keep it",
            )
    yield from _twice(level, ("keeps", "optional"), path)
    yield from _ports(level, path)
    yield from _memory_numbers(level, path, spec)
    yield from _fits(level, path, spec)


def _ports(level: MemorySpec, path: KeyPath) -> Found:
    single = [key for key in ("read_bandwidth", "write_bandwidth") if getattr(level, key) is not None]
    if level.bandwidth is not None and single:
        yield (*path, single[0]), f"`bandwidth` and `{single[0]}` are two sources for one number: keep one"
    elif level.bandwidth is None and len(single) < 2:
        missing = "write_bandwidth" if single == ["read_bandwidth"] else "read_bandwidth"
        what = (
            f"'{missing}'"
            if single
            else "'bandwidth' (one shared port), or 'read_bandwidth' and 'write_bandwidth'"
        )
        yield path, f"{level.memory}: missing key {what}: such as `80 GB/s`, `64 B/cycle` or `unlimited`"


def _memory_numbers(level: MemorySpec, path: KeyPath, spec: GeneralSpec) -> Found:
    single = [key for key in ("read_energy", "write_energy") if getattr(level, key) is not None]
    if level.energy is not None and single:
        yield (*path, single[0]), f"`energy` and `{single[0]}` are two sources for one number: keep one"
    if level.dram is not None and level.area:
        yield (*path, "area"), "DRAM takes no area of the die; its carbon comes from `technology.dram`"
    if level.component:
        yield from _component(
            level.component, MEMORY_CLASSES, path, spec, sized=level.capacity not in (None, inf)
        )
        if own := spec.components.get(level.component.kind):
            yield from _own_memory(own, level.component.kind)
            return
        if level.component.kind == "dram" and not (level.component.type or level.dram):
            yield (
                (*path, "component"),
                "a dram component needs a type: `dram: lpddr4` or `component: {class: dram, type: lpddr4}`",
            )
        elif level.component.kind == "fifo" and not level.component.width:
            yield (*path, "component"), "a fifo needs the width of its words, such as `width: 64 bit`"
        elif level.component.kind == "dram":
            named = level.component.type
            if problem := dram_energy_problem(named or level.dram or ""):
                yield (*path, *(("component", "type") if named else ("dram",))), problem
        elif level.capacity in (None, inf) and level.component.kind in COMPONENTS:
            yield (*path, "component"), f"a component of class {level.component.kind} needs a finite capacity"
        return
    if level.energy is None and len(single) < 2:
        yield (
            path,
            f"{level.memory}: no energy: give `energy: 6 pJ/B`, or one for read and write, or `component`",
        )
    if level.dram is None and level.area is None:
        yield path, f"{level.memory}: no area: give `area: 0.9 mm2`, or `component`"


def _own_memory(own: OwnComponentSpec, name: str) -> Found:
    path: KeyPath = ("components", name)
    single = [key for key in ("read_energy", "write_energy") if getattr(own, key) is not None]
    if own.energy is not None and single:
        yield (*path, single[0]), f"`energy` and `{single[0]}` are two sources for one number: keep one"
    elif own.energy is None and len(single) < 2:
        yield path, "a memory takes this component: give `energy: 6 pJ/B`, or one for read and write"


def _component(
    component: ComponentSpec,
    classes: tuple[str, ...],
    path: KeyPath,
    spec: GeneralSpec,
    *,
    sized: bool = False,
) -> Found:
    place = (*path, "component")
    if component.kind in spec.components:
        for key in sorted(component.model_fields_set - {"kind"}):
            yield (*place, key), f"{component.kind} is a component of this file: it has no parameters"
        return
    if component.kind not in COMPONENTS and component.kind in own_classes():
        for key in sorted(component.model_fields_set - {"kind", "parameters"}):
            yield (*place, key), f"{component.kind} is a registered class: write {key!r} into `parameters`"
        for key in sorted(component.parameters.keys() & (GIVEN | ({"capacity_bytes"} if sized else set()))):
            yield (*place, "parameters", key), f"the machine gives {key}: leave it out"
        return
    if component.kind in COMPONENTS and component.kind not in PARAMETERS:
        yield place, f"class {component.kind!r} does not fit here: {ELSEWHERE[component.kind]}"
        return
    if component.kind not in PARAMETERS:
        known = (*PARAMETERS, *spec.components, *own_classes())
        yield (
            place,
            f"`{component.kind}` is no component class ({', '.join(known)}){nearest(component.kind, known)}",
        )
        return
    if component.kind not in classes:
        yield place, f"class {component.kind!r} does not fit here, only {', '.join(classes)}"
    known = PARAMETERS[component.kind]
    for key in sorted(component.model_fields_set - {"kind", *known}):
        have = f"only {', '.join(known)}" if known else "none"
        yield (*place, key), f"a component of class {component.kind} has no parameter {key!r}, {have}"


def _fits(level: MemorySpec, path: KeyPath, spec: GeneralSpec) -> Found:
    """One element of every tensor that the memory must keep has to fit, in the narrowest types there are."""
    if level.capacity is None:
        return
    rates = spec.compute.matrix.rates
    factor = min(DType(name).bits for name in rates)
    sums = min(accumulator_of(spec.compute.matrix, name).bits for name in rates)
    must = [role for role in level.keeps if role not in level.optional]
    copies = 2 if level.double_buffered else 1
    least = copies * sum(min(factor, sums) if role == OUTPUT else factor for role in must) / 8
    if least > level.capacity:
        doubled = ", double buffered," if copies == 2 else ""
        yield (
            (*path, "capacity"),
            f"no tile ever fits {level.memory}: one element of {', '.join(must)}{doubled} needs {least:g} "
            f"bytes, it holds {level.capacity:g}",
        )


def _compute(spec: GeneralSpec) -> Found:
    matrix, path = spec.compute.matrix, ("compute", "matrix")
    for name, rate in matrix.rates.items():
        if not matrix.component and rate.energy is None:
            yield (
                (*path, "rates", name),
                f"no energy: give `energy: 0.2 pJ`, or `component: mac` for {matrix.name}",
            )
    if matrix.component:
        yield from _unit_component(matrix.component, "mac", path, spec)
    yield from _unit_area(matrix, path)
    if spec.compute.vector:
        yield from _vector(spec.compute.vector, spec)
    yield from _precision(spec)


def _unit_component(component: ComponentSpec, kind: str, path: KeyPath, spec: GeneralSpec) -> Found:
    yield from _component(component, (kind,), path, spec)
    own = spec.components.get(component.kind)
    if own and own.op_energy is None:
        yield (
            ("components", component.kind),
            f"the {path[-1]} unit takes this component: give `op_energy: 0.5 pJ`",
        )


def _unit_area(unit: MatrixSpec | VectorSpec, path: KeyPath) -> Found:
    if not unit.component and unit.area is None:
        yield path, f"{unit.name}: no area: give `area: 0.9 mm2`, or `component`"


def _vector(vector: VectorSpec, spec: GeneralSpec) -> Found:
    path: KeyPath = ("compute", "vector")
    memories = [level.memory for level in spec.levels if isinstance(level, MemorySpec)]
    if vector.memory not in memories:
        listed = f"; the memories are {', '.join(memories)}"
        yield (*path, "memory"), f"no memory {vector.memory!r}{nearest(vector.memory, memories) or listed}"
    if vector.component:
        yield from _unit_component(vector.component, "vector_lane", path, spec)
    elif vector.energy is None:
        yield path, f"{vector.name}: no energy: give `energy: 0.5 pJ`, or `component: vector_lane`"
    yield from _unit_area(vector, path)


def _precision(spec: GeneralSpec) -> Found:
    if spec.precision is None:
        return
    wanted, rates = DType(spec.precision), [DType(name) for name in spec.compute.matrix.rates]
    if not any(rate.is_float == wanted.is_float and rate.bits >= wanted.bits for rate in rates):
        known = ", ".join(spec.compute.matrix.rates)
        yield ("precision",), f"{spec.compute.matrix.name} does not compute {wanted}, only {known}"


def _die(spec: GeneralSpec) -> Found:
    known = [level.memory for level in spec.levels if isinstance(level, MemorySpec) and not level.dram]
    known += [level.fanout for level in spec.levels if isinstance(level, FanoutSpec)]
    known.append(spec.compute.matrix.name)
    known += [spec.compute.vector.name] if spec.compute.vector else []
    outside = {level.memory for level in spec.levels if isinstance(level, MemorySpec) and level.dram}
    for at, die in enumerate(spec.technology.dies):
        for place, part in enumerate(die.parts):
            if part not in known:
                what = "is not on the chip" if part in outside else f"does not exist{nearest(part, known)}"
                yield (
                    ("technology", "dies", at, "parts", place),
                    f"the part {part} {what}; there are {', '.join(known)}",
                )
    if spec.other_area is not None and spec.die_area is not None:
        yield ("die_area",), "`other_area` and `die_area` are two sources for one number: keep one"
