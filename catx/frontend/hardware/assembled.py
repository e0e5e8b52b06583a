"""Dies and what holds them: between hardware files and values."""

from collections.abc import Iterable
from typing import Any

from catx.errors import SpecError
from catx.frontend.hardware.document import Document
from catx.frontend.hardware.problems import fail
from catx.frontend.hardware.spec import Assembled, DieSpec, HarvestSpec
from catx.ir.assembly import Assembly, Die, Harvest
from catx.units import format_quantity

Data = dict[str, Any]


def check_assembled(spec: Assembled, document: Document) -> None:
    """Raise SpecError where a die or the assembly cannot be, at its line."""
    problems = []
    for at, die in enumerate(spec.dies):
        try:
            _read_die(die, whole=True)
        except SpecError as error:
            problems.append(document.problem(error.args[0], ("technology", "dies", at), error.hint))
    try:
        read_assembly(spec)
    except SpecError as error:
        problems.append(document.problem(error.args[0], ("technology", "assembly"), error.hint))
    if spec.assembly and spec.assembly.kind == "substrate" and "bond" in spec.assembly.model_fields_set:
        path = ("technology", "assembly", "bond")
        problems.append(document.problem("without effect: on a substrate no bond counts", path))
    if problems:
        fail(document.file, problems)


def read_dies(spec: Assembled, *, whole: bool) -> tuple[Die, ...]:
    """Dies as a checked file says; `whole`: it gives the area of the whole die."""
    return tuple(_read_die(die, whole=whole) for die in spec.dies)


def _read_die(die: DieSpec, *, whole: bool) -> Die:
    return Die(
        name=die.name,
        parts=frozenset(die.parts),
        count=die.count,
        node_nm=die.node,
        harvest=_harvest(die.harvest, whole=whole) if die.harvest else None,
    )


def _harvest(spec: HarvestSpec, *, whole: bool) -> Harvest:
    return Harvest(
        cores=spec.cores,
        needed=spec.needed,
        share=spec.share,
        spares_counted=whole if spec.spares_counted is None else spec.spares_counted,
    )


def read_assembly(spec: Assembled) -> Assembly | None:
    """What holds the dies, as a checked file says."""
    if spec.assembly is None:
        return None
    return Assembly(
        kind=spec.assembly.kind,  # type: ignore[arg-type]  # checked by its reader
        bond=spec.assembly.bond,  # type: ignore[arg-type]
        interposer_mm2=spec.assembly.interposer_area,
        memory_stacks=spec.assembly.memory_stacks,
    )


def dump_assembled(dies: Iterable[Die], assembly: Assembly | None) -> Data:
    """The keys of a file that say the same."""
    data: Data = {}
    if listed := [_die(die) for die in dies]:
        data["dies"] = listed
    if assembly:
        data["assembly"] = {"kind": assembly.kind}
        if assembly.kind != "substrate":
            data["assembly"]["bond"] = assembly.bond
        if assembly.interposer_mm2 is not None:
            data["assembly"]["interposer_area"] = format_quantity(assembly.interposer_mm2, "area")
        if assembly.memory_stacks:
            data["assembly"]["memory_stacks"] = assembly.memory_stacks
    return data


def _die(die: Die) -> Data:
    data: Data = {"name": die.name}
    if die.parts:
        data["parts"] = sorted(die.parts)
    if die.count > 1:
        data["count"] = die.count
    if die.node_nm is not None:
        data["node"] = format_quantity(die.node_nm, "feature size")
    if die.harvest:
        harvest = die.harvest
        data["harvest"] = {
            "cores": harvest.cores,
            "needed": harvest.needed,
            "share": harvest.share,
            "spares_counted": harvest.spares_counted,
        }
    return data


def written(spec: Assembled, *, whole: bool) -> Data:
    """What a template hands on to the general form; `whole`: it gives the area of the whole die."""
    return dump_assembled(read_dies(spec, whole=whole), read_assembly(spec))
