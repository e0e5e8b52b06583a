"""What carbon and energy of an accelerator leave out because its description does not give it."""

from collections.abc import Sequence

from catx.costmodel.carbon.tables import logic_node
from catx.ir.accelerator import Accelerator
from catx.ir.scenario import Scenario


def gaps(accelerator: Accelerator) -> tuple[str, ...]:
    """Plain sentences about missing areas, DRAM capacity and static power, for the notes of a report.

    Memories, the matrix unit and the vector unit need an area. Fanouts may well have none: their wires run
    above other parts. Where the die has other area [mm2], parts without one may be within it: a description
    that gives the whole die's area does not split it. In the same way the static power of DRAM may be that of
    the whole board, where no part of the die has one.
    """
    return (*_areas(accelerator), *_dram(accelerator), *_static(accelerator))


def _areas(accelerator: Accelerator) -> tuple[str, ...]:
    areas = {memory.name: memory.area_mm2 for memory in accelerator.memories if not memory.dram_type}
    areas[accelerator.matrix.name] = accelerator.matrix.area_mm2
    if accelerator.vector:
        areas[accelerator.vector.name] = accelerator.vector.area_mm2
    bare = [name for name, area in areas.items() if area <= 0]
    outer = accelerator.memories[0].name
    sentences = []
    if outer in bare:
        bare.remove(outer)
        sentences.append(f"{outer} has neither a DRAM type nor an area: embodied carbon leaves it out")
    if bare:
        sentences.append(_without_area(bare, accelerator.other_area_mm2))
    return tuple(sentences)


def _without_area(names: Sequence[str], other_mm2: float) -> str:
    have, them, their = ("has", "it", "its") if len(names) == 1 else ("have", "them", "their")
    listed = ", ".join(names)
    if other_mm2 <= 0:
        return f"{listed} {have} no area: embodied carbon leaves {them} out"
    return (
        f"{listed} {have} no area of {their} own: embodied carbon counts {them} only as part of the die's "
        f"other {other_mm2:.4g} mm2"
    )


def _dram(accelerator: Accelerator) -> tuple[str, ...]:
    if accelerator.technology.dram_gb > 0:
        return ()
    return tuple(
        f"{memory.name} is {memory.dram_type} of no stated capacity (`dram` of `technology`): embodied "
        "carbon leaves it out"
        for memory in accelerator.memories
        if memory.dram_type
    )


def _static(accelerator: Accelerator) -> tuple[str, ...]:
    """One sentence that names every part without static power."""
    on_die = {memory.name: memory.static_w for memory in accelerator.memories if not memory.dram_type}
    on_die[accelerator.matrix.name] = accelerator.matrix.static_w
    if accelerator.vector:
        on_die[accelerator.vector.name] = accelerator.vector.static_w
    drams = {memory.name: memory.static_w for memory in accelerator.memories if memory.dram_type}
    kinds = {"standby power": drams, "leakage": on_die}
    bare = {kind: [name for name, power in of.items() if power <= 0] for kind, of in kinds.items()}
    parts = [f"{kind} of {', '.join(names)}" for kind, names in bare.items() if names]
    if not parts:
        return ()
    board_w = 0.0 if any(on_die.values()) else sum(drams.values())
    rest = f" beyond the {board_w:.3g} W of {', '.join(drams)}" if board_w else ""
    return (f"not known and counted as 0: {'; '.join(parts)}. Energy and carbon leave them out{rest}",)


def left_out(accelerator: Accelerator, scenario: Scenario) -> tuple[str, ...]:
    """Plain sentences about what the description says and the scenario's model of dies does not know."""
    technology = accelerator.technology
    unknown = ["cores that may fail (`harvest`)"] if any(die.harvest for die in technology.dies) else []
    if technology.assembly and technology.assembly.kind != "substrate":
        unknown.append(f"the {technology.assembly.kind}")
    if scenario.embodied == "wafer" or not unknown:
        return ()
    return (f"the model `{scenario.embodied}` of embodied carbon leaves out {' and '.join(unknown)}",)


def uncertain(accelerator: Accelerator) -> tuple[str, ...]:
    """Plain sentences where the carbon per area of a node is known badly, for the notes of a report.

    Raises:
        SpecError: there are no data for a node.
    """
    technology = accelerator.technology
    nodes = {die.node_nm or technology.node_nm for die in technology.dies} or {technology.node_nm}
    return tuple(
        f"embodied carbon of the die is UNCERTAIN: at {node_nm:g} nm it lies on a line between two sources "
        "that do not agree, and either may be up to 30 % away from it (docs/carbon.md). Do not compare it "
        "with dies of 45 nm and above or 28 nm and below"
        for node_nm in sorted(nodes)
        if logic_node(node_nm).uncertain
    )
