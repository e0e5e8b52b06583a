"""Sensitivity for a terminal: what more of each resource changes, how full memories are, what binds."""

from catx.mapper.resources import Resource, ResourceKind
from catx.mapper.sensitivity import Effect, Sensitivity
from catx.tools.canvas import Canvas, Column
from catx.tools.human import binary, grams, joules, percent, seconds, si, significant
from catx.tools.report_text import WIDE, certificates, mark

_KINDS: dict[ResourceKind, str] = {
    "capacity": "capacity",
    "read": "read bandwidth",
    "write": "write bandwidth",
    "port": "bandwidth",
    "link": "link bandwidth",
    "rate": "rate",
    "lanes": "lanes",
}


def sensitivity_text(found: Sensitivity, canvas: Canvas) -> str:
    """All of it as text of the canvas' width."""
    base = found.base
    names = " + ".join(f"{mark(base, index)}{model.name}" for index, model in enumerate(base.models))
    canvas.title(
        f"Sensitivity of {names} on {base.accelerator}",
        f"catx {base.version}, objective {found.objective}",
    )
    facts = [
        ("latency", seconds(base.latency_s), "of the machine as it is"),
        ("energy", joules(base.energy_j), "per inference"),
        ("EDP", si(base.energy_j * base.latency_s, "J s"), "energy times latency"),
    ]
    if found.objective == "carbon":
        facts.append(("carbon", grams(found.objective_value), "per inference: energy and share of the chip"))
    canvas.facts(facts)
    _effects(canvas, found)
    _fullness(canvas, found)
    _bounds(canvas, found)
    canvas.title("Notes", "on the machine as it is")
    canvas.paragraph(certificates(base))
    for note in base.all_notes:
        canvas.paragraph(f"note: {note}", "yellow")
    return canvas.text


def _effects(canvas: Canvas, found: Sensitivity) -> None:
    """Relative changes; a wide canvas has the new numbers, too."""
    canvas.title(
        f"{found.step * 100:.6g} % more of one resource",
        "all else as it is; how latency, energy and EDP change, the largest gain first",
    )
    carbon, wide = found.objective == "carbon", canvas.width >= WIDE
    columns = [
        Column("resource"),
        Column("from", number=True, spare=3),
        Column("to", number=True, spare=2),
        *([Column("new latency", number=True), Column("new energy", number=True)] if wide else []),
        Column("latency", number=True),
        Column("energy", number=True),
        Column("EDP", number=True, spare=1),
        *([Column("carbon", number=True)] if carbon else []),
        Column("mappings", spare=4),
    ]
    canvas.table(columns, [_effect_cells(effect, carbon=carbon, wide=wide) for effect in found.effects])


def _effect_cells(effect: Effect, *, carbon: bool, wide: bool) -> tuple[str, ...]:
    resource = effect.resource
    return (
        label(resource),
        amount(resource, resource.value),
        amount(resource, effect.after),
        *((seconds(effect.latency_s), joules(effect.energy_j)) if wide else ()),
        change(effect.latency_change),
        change(effect.energy_change),
        change(effect.edp_change),
        *([change(effect.objective_change)] if carbon else []),
        "new" if effect.new_mappings else "same",
    )


def label(resource: Resource) -> str:
    """A resource in words."""
    dtype = f" ({resource.dtype})" if resource.dtype else ""
    return f"{resource.name} {_KINDS[resource.kind]}{dtype}"


def amount(resource: Resource, value: float) -> str:
    """How much there is of a resource, with its unit."""
    if resource.kind == "capacity":
        return binary(value)
    return f"{value:,.0f}" if resource.kind == "lanes" else f"{significant(value)} {resource.unit}"


def change(share: float) -> str:
    """A relative change with its sign.

    >>> change(-0.0123), change(0.5), change(0.0), change(-1e-7)
    ('-1.2 %', '+50.0 %', '0 %', '>-0.1 %')
    """
    if 0 < abs(share) < 0.0005:
        return ">-0.1 %" if share < 0 else "<+0.1 %"
    return f"{share * 100:+.1f} %" if share else "0 %"


def _fullness(canvas: Canvas, found: Sensitivity) -> None:
    if not found.fullness:
        return
    canvas.title(
        "How full memories get",
        "on the machine as it is: what its mappings need at most, double buffers included",
    )
    columns = (
        Column("memory"),
        Column("capacity", number=True, spare=1),
        Column("needed", number=True),
        Column("share", number=True),
        Column("by layer", name=True),
    )
    rows = [
        (
            row.memory,
            binary(row.capacity_bytes),
            binary(row.needed_bytes),
            percent(row.share),
            f"{mark(found.base, row.layer.model)}{row.layer.names[0]}" if row.layer else "",
        )
        for row in found.fullness
    ]
    canvas.table(columns, rows)


def _bounds(canvas: Canvas, found: Sensitivity) -> None:
    canvas.title("What binds", "on the machine as it is: latency of all layers by their largest load")
    columns = (Column("bound by"), Column("latency", number=True), Column("share", number=True))
    canvas.table(
        columns, [(row.bound_by, seconds(row.latency_s), percent(row.share)) for row in found.bounds]
    )
