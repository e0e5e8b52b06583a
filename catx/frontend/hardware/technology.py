"""What the tables of carbon and components must have: checked while a file is read."""

from collections.abc import Iterator

from catx.costmodel.carbon.tables import tables
from catx.costmodel.components.dram import DRAM_TYPES
from catx.frontend.hardware.problems import KeyPath
from catx.frontend.hardware.spec import GeneralSpec, MemorySpec
from catx.names import nearest


def technology_problems(spec: GeneralSpec) -> Iterator[tuple[KeyPath, str]]:
    """What the carbon of every report needs: a node that its tables cover, and the type of its DRAM."""
    path, technology = ("technology",), spec.technology
    smallest, largest = min(tables().logic), max(tables().logic)
    if not smallest <= technology.node <= largest:
        yield (
            (*path, "node"),
            f"no embodied-carbon data for {technology.node:g} nm: it covers {smallest:g} to {largest:g} nm",
        )
    memories = [level for level in spec.levels if isinstance(level, MemorySpec)]
    if technology.dram and not any(level.dram for level in memories):
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
