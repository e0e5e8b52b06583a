"""How a chip is put together: dies, cores that may fail, and what holds the dies."""

from dataclasses import dataclass
from typing import Literal, get_args

from catx.errors import SpecError
from catx.ir import checks

AssemblyKind = Literal["substrate", "interposer", "stack"]
Bond = Literal["thermocompression", "hybrid"]
MAX_CORES = 10_000
"""Parts of a die that may fail, one by one."""

KINDS: tuple[AssemblyKind, ...] = get_args(AssemblyKind)
BONDS: tuple[Bond, ...] = get_args(Bond)


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """Equal cores on a die of which `needed` must work; together they take `share` of its area.

    `spares_counted`: the area of the description is that of all cores; else of those that are needed, and
    the others come on top.
    """

    cores: int
    needed: int
    share: float
    spares_counted: bool = True

    def __post_init__(self) -> None:
        checks.counts("harvest", cores=self.cores, needed=self.needed)
        checks.positive("harvest", share=self.share)
        if self.cores > MAX_CORES:
            raise SpecError(f"harvest: at most {MAX_CORES:,} cores, not {self.cores:,}")
        if self.needed > self.cores:
            raise SpecError(f"harvest: {self.needed} of {self.cores} cores cannot work")
        if self.share > 1:
            raise SpecError(f"harvest: share must be at most 1, not {self.share!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Die:
    """A die that holds some parts of the chip; `count` equal ones share their area.

    `parts` names levels and units; one die may have none: it holds all that no other one does. `node_nm` is
    its technology, None that of the chip.
    """

    name: str
    parts: frozenset[str] = frozenset()
    count: int = 1
    node_nm: float | None = None
    harvest: Harvest | None = None

    def __post_init__(self) -> None:
        checks.named("die", self.name)
        if not self.name.isidentifier():
            raise SpecError(
                f"a die's name has letters, digits and _, and starts with no digit, not {self.name!r}"
            )
        checks.counts(f"die {self.name}", count=self.count)
        if self.node_nm is not None:
            checks.positive(f"die {self.name}", node_nm=self.node_nm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """What holds several dies.

    `substrate`: the package alone; `interposer`: a passive one of silicon, `interposer_mm2` large (None: a
    tenth more than all that it carries), which also carries `memory_stacks` stacks of DRAM; `stack`: one die
    upon another. Dies are bonded by `bond`; on a substrate its yield does not count.
    """

    kind: AssemblyKind = "substrate"
    bond: Bond = "thermocompression"
    interposer_mm2: float | None = None
    memory_stacks: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SpecError(f"assembly: kind must be one of {', '.join(KINDS)}, not {self.kind!r}")
        if self.bond not in BONDS:
            raise SpecError(f"assembly: bond must be one of {', '.join(BONDS)}, not {self.bond!r}")
        if self.interposer_mm2 is not None:
            checks.positive("assembly", interposer_mm2=self.interposer_mm2)
        checks.amounts("assembly", memory_stacks=self.memory_stacks)
        if self.kind != "interposer" and (self.interposer_mm2 is not None or self.memory_stacks):
            raise SpecError(f"assembly: a {self.kind} has no interposer area and no memory stacks")
