"""What the tables of carbon and components must have: checked while a file is read."""

from collections.abc import Iterator

from catx.costmodel.carbon.tables import tables
from catx.costmodel.components.dram import DRAM_TYPES
from catx.frontend.hardware.problems import KeyPath
from catx.frontend.hardware.spec import GeneralSpec, MemorySpec
from catx.names import nearest


def dram_type_of(level: MemorySpec) -> str:
    """The type of DRAM that a memory is, empty if it is none: its own key, or that of its component."""
    component = level.component
    return level.dram or (component.type or "" if component and component.kind == "dram" else "")


def technology_problems(spec: GeneralSpec) -> Iterator[tuple[KeyPath, str]]:
    """What the carbon of every report needs: a node that its tables cover, and the type of its DRAM."""
    path, technology = ("technology",), spec.technology
    smallest, largest = min(tables().logic), max(tables().logic)
    if not smallest <= technology.node <= largest:
        yield (
            (*path, "node"),
            f"no embodied-carbon data for {technology.node:g} nm: it covers {smallest:g} to {largest:g} nm",
        )
    for at, die in enumerate(technology.dies):
        if die.node is not None and not smallest <= die.node <= largest:
            yield (
                (*path, "dies", at, "node"),
                f"no embodied-carbon data for {die.node:g} nm: it covers {smallest:g} to {largest:g} nm",
            )
    memories = [level for level in spec.levels if isinstance(level, MemorySpec)]
    if technology.dram and not any(dram_type_of(level) for level in memories):
        yield (
            (*path, "dram"),
            "no memory says which DRAM that is: give the outermost one a type such as `dram: lpddr4`",
        )


def dram_energy_problem(name: str) -> str:
    """What is wrong with a type of DRAM whose energy the library is to give: carbon data name more."""
    if name in DRAM_TYPES:
        return ""
    known = ", ".join(DRAM_TYPES)
    return f"no energy of DRAM type {name!r}{nearest(name, DRAM_TYPES)}; there is that of {known}"
