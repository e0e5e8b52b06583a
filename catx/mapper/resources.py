"""What a machine can have more of: capacities, bandwidths, rates, lanes; and the machine with more of one."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from math import ceil, isfinite
from typing import Any, Literal

from catx.arguments import refuse
from catx.ir.accelerator import Accelerator, Fanout, Memory
from catx.ir.dtype import DType

ResourceKind = Literal["capacity", "read", "write", "port", "link", "rate", "lanes"]

MOST = 10.0
"""No resource is made more than so many times as large."""
STEP = 0.1
LEAST_STEP, MOST_STEP = 1e-4, MOST - 1.0
STEP_EXPECTED = "a relative step from 0.0001 to 9 (0.01 % to 900 %: ten times as much)"

_FIELDS: dict[ResourceKind, str] = {
    "capacity": "capacity_bytes",
    "read": "read_bytes_per_cycle",
    "write": "write_bytes_per_cycle",
    "port": "read_bytes_per_cycle",  # a shared port's rate stands there
    "link": "link_bytes_per_cycle",
}
_UNITS: dict[ResourceKind, str] = {"capacity": "B", "rate": "MAC/cycle", "lanes": "lanes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One number of a machine: how much its part `name` has of something, in `unit`.

    `kind` is the capacity of a memory, the bandwidth of its read, write or shared port, that of a fanout's
    links, the rate of the matrix unit with one element type (`dtype`, else None), or the lanes of the vector
    unit. Numbers are of one instance; lanes are those of all.
    """

    name: str
    kind: ResourceKind
    value: float
    dtype: DType | None = None

    @property
    def unit(self) -> str:
        """The unit of its values: B, B/cycle, MAC/cycle or lanes."""
        return _UNITS.get(self.kind, "B/cycle")


def checked_step(step: object) -> float:
    """The step as a number.

    Raises:
        OptionError: it is no number, or out of range.
    """
    if isinstance(step, bool) or not isinstance(step, (int, float)) or not LEAST_STEP <= step <= MOST_STEP:
        raise refuse("step", STEP_EXPECTED, step)
    return float(step)


def resources(accelerator: Accelerator, dtypes: Collection[DType]) -> tuple[Resource, ...]:
    """The resources of a machine, from the outside in.

    What is unlimited is left out, and so are rates of the matrix unit that nothing runs at.

    Args:
        accelerator: the machine.
        dtypes: the element types of the rates that are used.
    """
    listed = [resource for level in accelerator.levels for resource in _of_level(level)]
    matrix, vector = accelerator.matrix, accelerator.vector
    listed += [
        Resource(name=matrix.name, kind="rate", value=rate.macs_per_cycle, dtype=rate.dtype)
        for rate in matrix.rates
        if rate.dtype in dtypes
    ]
    if vector:
        listed.append(Resource(name=vector.name, kind="lanes", value=vector.lanes))
    return tuple(resource for resource in listed if isfinite(MOST * resource.value))


def _of_level(level: Memory | Fanout) -> Iterator[Resource]:
    if isinstance(level, Fanout):
        kinds: tuple[ResourceKind, ...] = ("link",)
    else:
        kinds = ("capacity", *(("port",) if level.shared_port else ("read", "write")))
    for kind in kinds:
        yield Resource(name=level.name, kind=kind, value=getattr(level, _FIELDS[kind]))


def enlarged(accelerator: Accelerator, resource: Resource, step: float) -> tuple[float, Accelerator]:
    """What a resource is after a relative step, and the machine that has it and is the same in all else.

    Capacities grow by whole bytes and by at least one; lanes by at least one beside each instance of their
    memory, as work is split between those first.
    """
    wanted = resource.value * (1.0 + step)
    if resource.kind == "capacity":
        after = float(max(round(wanted), ceil(resource.value + 1)))
        return after, _with_level(accelerator, resource, after)
    if resource.kind == "rate":
        return wanted, _with_rate(accelerator, resource, wanted)
    if resource.kind == "lanes":
        return _with_lanes(accelerator, step)
    return wanted, _with_level(accelerator, resource, wanted)


def _with_level(accelerator: Accelerator, resource: Resource, value: float) -> Accelerator:
    changed: dict[str, Any] = {_FIELDS[resource.kind]: value}
    levels = (
        replace(level, **changed) if level.name == resource.name else level for level in accelerator.levels
    )
    return replace(accelerator, levels=tuple(levels))


def _with_rate(accelerator: Accelerator, resource: Resource, value: float) -> Accelerator:
    matrix = accelerator.matrix
    rates = (
        replace(rate, macs_per_cycle=value) if rate.dtype == resource.dtype else rate for rate in matrix.rates
    )
    return replace(accelerator, matrix=replace(matrix, rates=tuple(rates)))


def _with_lanes(accelerator: Accelerator, step: float) -> tuple[float, Accelerator]:
    unit = accelerator.vector
    assert unit is not None, "only a vector unit has lanes"
    instances = min(accelerator.instances(unit.memory), unit.lanes)
    each = unit.lanes // instances
    lanes = instances * max(round(each * (1.0 + step)), each + 1)
    return float(lanes), replace(accelerator, vector=replace(unit, lanes=lanes))
