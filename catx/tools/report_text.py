"""The report for a terminal: totals first, then where they come from."""

from collections.abc import Callable

from catx.ir.einsum import Einsum
from catx.ir.report import CarbonReport, Layer, Report, energy_by_part_j
from catx.ir.sheet import Uncertainty
from catx.mapper.objective import OBJECTIVES
from catx.tools.canvas import Canvas, Column
from catx.tools.human import (
    at_least,
    binary,
    counted,
    grams,
    joules,
    percent,
    plural,
    seconds,
    si,
    significant,
)
from catx.tools.summary import OpRow, Totals, by_op, op_row, totals
from catx.tools.uncertainty_text import SWINGS_ASIDE, percentile_table, swing_table

SHOWN_SHARE = 0.99
"""Layers are listed until they make up this share of latency and of energy; the rest is one row."""

WIDE = 130


def report_text(report: Report, canvas: Canvas) -> str:
    """The whole report as text of the canvas' width."""
    whole = totals(report)
    _head(canvas, report, whole)
    _carbon(canvas, report)
    if uncertain := report.carbon.uncertainty:
        _uncertainty(canvas, uncertain)
    _ops(canvas, report)
    _layers(canvas, report)
    _parts(canvas, report)
    _closing(canvas, report)
    return canvas.text


def _head(canvas: Canvas, report: Report, whole: Totals) -> None:
    names = " + ".join(f"{mark(report, index)}{model.name}" for index, model in enumerate(report.models))
    canvas.title(f"{names} on {report.accelerator}", f"catx {report.version}, {_goal(report)}")
    parameters = sum(model.parameters for model in report.models)
    stored = sum(model.parameter_bytes for model in report.models)
    runs = sum(layer.count for layer in report.layers)
    order = f"sum over {plural(runs, 'op')}, one after the other (schedule: {report.schedule})"
    static = percent(whole.static_energy_j / whole.energy_j) if whole.energy_j else "0 %"
    peak = si(whole.peak_power_w, "W", largest="k")
    canvas.facts(
        (
            ("latency", seconds(whole.latency_s), order),
            ("throughput", f"{significant(whole.throughput_per_s)} /s", "inferences, one at a time"),
            ("energy", joules(whole.energy_j), f"per inference; {static} of it leakage and background power"),
            ("EDP", si(whole.edp_j_s, "J s"), "energy times latency"),
            (
                "power",
                si(whole.power_w, "W", largest="k"),
                f"mean while it runs; {peak} with everything at full rate",
            ),
            ("area", f"{significant(whole.area_mm2)} mm2", "of the die"),
            ("utilization", percent(whole.utilization), "of the peak MAC rate, over the whole latency"),
            ("work", counted(whole.macs, "MAC"), f"{counted(parameters)} parameters, {binary(stored)}"),
        )
    )


def _carbon(canvas: Canvas, report: Report) -> None:
    canvas.title("Carbon", f"scenario {report.scenario.name}")
    carbon, scenario = report.carbon, report.scenario
    sheet = carbon.sheet
    each = grams(carbon.operational_per_inference_gco2e)
    uses = f"{sheet['inferences']:,.0f} inferences in {scenario.lifetime_years:g} years"
    total = carbon.total_gco2e
    made = ", ".join(f"{part} {grams(mass)}" for part, mass in carbon.embodied_by_part_gco2e)
    idle = f", and idle time {grams(carbon.idle_gco2e)}" if carbon.idle_gco2e else ""
    facts = [
        ("operational", grams(carbon.operational_gco2e), f"{uses}, {each} each{idle}"),
        ("embodied", grams(carbon.embodied_gco2e), made),
    ]
    if training := sheet["training_share_gco2e"]:
        facts.append(("training", grams(training), f"one of {scenario.fleet:,.0f} units"))
    facts += [
        ("total", grams(total), f"{percent(carbon.embodied_gco2e / total)} embodied" if total else ""),
        ("per inference", grams(carbon.total_per_inference_gco2e), "the total shared by all inferences"),
        ("while it runs", grams(carbon.per_inference_gco2e), _each(carbon, report.objective)),
    ]
    canvas.facts(facts)
    canvas.paragraph(
        f"model {scenario.embodied}; assumes a grid of {sheet['grid_gco2e_per_kwh']:g} gCO2e/kWh in use and "
        f"of {scenario.fab_gco2e_per_kwh:g} gCO2e/kWh at the fab, {scenario.abatement_percent} % gas "
        f"abatement, {grams(scenario.packaging_gco2e)} of packaging, {_idle(report)}",
        "dim",
    )


def _uncertainty(canvas: Canvas, found: Uncertainty) -> None:
    canvas.title("Uncertainty", f"{found.samples:,} samples, seed {found.seed}")
    percentile_table(canvas, [("", found)])
    canvas.title("What matters", SWINGS_ASIDE)
    swing_table(canvas, found.swings)


def _idle(report: Report) -> str:
    """What happens between inferences, and what it would emit if it leaked."""
    sheet = report.carbon.sheet
    if sheet["idle_share"]:
        return f"{percent(sheet['idle_share'])} of the static power while idle"
    leaking = sheet["idle_s"] * sheet["static_w"] * sheet["gco2e_per_j"]
    return f"power gated while idle (leaking would add {grams(leaking)})"


def _each(carbon: CarbonReport, objective: str) -> str:
    """What the carbon of one inference is made of, where idle time carries its part of what is embodied."""
    used, made = grams(carbon.operational_per_inference_gco2e), grams(carbon.embodied_per_inference_gco2e)
    goal = "; what mappings minimize" if objective == "carbon" else ""
    parts = carbon.operational_per_inference_gco2e + carbon.embodied_per_inference_gco2e
    if (saved := parts - carbon.per_inference_gco2e) > 1e-9 * parts:
        goal = f", less {grams(saved)} of idle time that it replaces{goal}"
    return f"per inference: {used} of its energy and {made} embodied, by its share of the lifetime{goal}"


def _ops(canvas: Canvas, report: Report) -> None:
    canvas.title("By operator")
    columns = (
        Column("op"),
        Column("layers", number=True, spare=4),
        Column("runs", number=True, spare=1),
        Column("MACs", number=True, spare=3),
        Column("latency", number=True),
        Column("share", number=True),
        Column("energy", number=True),
        Column("share", number=True, spare=2),
        Column("util.", number=True, spare=1),
    )
    rows = by_op(report)
    whole = op_row(report, "total", list(report.layers))
    total = (*_op_cells(whole)[:-1], percent(totals(report).utilization))
    canvas.table(columns, map(_op_cells, rows), total=total if len(rows) > 1 else ())


def _op_cells(row: OpRow) -> tuple[str, ...]:
    return (
        row.op,
        f"{row.layers:,}",
        f"{row.count:,}",
        counted(row.macs),
        seconds(row.latency_s),
        percent(row.latency_share),
        joules(row.energy_j),
        percent(row.energy_share),
        percent(row.utilization),
    )


def _layers(canvas: Canvas, report: Report) -> None:
    listed, rest = _heaviest(report)
    canvas.title("By layer", "costs of all runs of a layer together, the slowest first")
    wide = canvas.width >= WIDE
    columns = [
        Column("in"),
        Column("layer", name=True),
        Column("op"),
        Column("runs", number=True, spare=3),
        Column("shape"),
        Column("MACs", number=True),
        Column("latency", number=True),
        Column("share", number=True, spare=1),
        Column("energy", number=True),
        Column("bound by", spare=1),
        Column("util.", number=True, spare=2),
    ]
    hidden = (() if wide else ("op", "MACs")) + (() if len(report.models) > 1 else ("in",))
    shown = [index for index, column in enumerate(columns) if column.head not in hidden]
    rows = [_layer_cells(report, layer) for layer in listed]
    if rest:
        rows.append(_rest_cells(op_row(report, f"{len(rest):,} others", rest)))
    canvas.table([columns[i] for i in shown], ([row[i] for i in shown] for row in rows))
    if rest:
        canvas.paragraph("every layer is in the files of -o DIR and in --json", "dim")


def _heaviest(report: Report) -> tuple[list[Layer], list[Layer]]:
    """Layers by latency down to a small rest that matters neither to latency nor to energy; and that rest."""
    ranked = sorted(report.layers, key=lambda layer: -layer.cost.latency_s * layer.count)
    latency = energy = 0.0
    for place, layer in enumerate(ranked):
        if latency >= SHOWN_SHARE * report.latency_s and energy >= SHOWN_SHARE * report.energy_j:
            return (ranked[:place], ranked[place:]) if len(ranked) - place > 1 else (ranked, [])
        latency += layer.cost.latency_s * layer.count
        energy += layer.cost.energy_j * layer.count
    return ranked, []


def _layer_cells(report: Report, layer: Layer) -> tuple[str, ...]:
    row = op_row(report, layer.op.op, [layer])
    return (
        mark(report, layer.model).rstrip(),
        layer.names[0],
        layer.op.op,
        f"{layer.count:,}",
        " ".join(f"{dim}={extent}" for dim, extent in layer.op.dims),
        counted(row.macs),
        seconds(row.latency_s),
        percent(row.latency_share),
        joules(row.energy_j),
        layer.cost.bound_by,
        percent(layer.cost.utilization),
    )


def _rest_cells(row: OpRow) -> tuple[str, ...]:
    numbers = (seconds(row.latency_s), percent(row.latency_share), joules(row.energy_j))
    return ("", row.op, "", f"{row.count:,}", "", counted(row.macs), *numbers, "", "")


def _goal(report: Report) -> str:
    return f"objective {report.objective}" if report.objective in OBJECTIVES else report.objective


def mark(report: Report, model: int) -> str:
    """How tables point at one of several models."""
    return f"[{model + 1}] " if len(report.models) > 1 else ""


def _parts(canvas: Canvas, report: Report) -> None:
    """Bytes, energy and area by part of the machine: memories first, in their order."""
    canvas.title("By part", "of one inference")
    energy, area = energy_by_part_j(report.layers), dict(report.area_by_part_mm2)
    static, peak = dict(report.static_by_part_w), dict(report.peak_by_part_w)
    moved = {level.memory: level for level in report.traffic}
    columns = (
        Column("part"),
        Column("read", number=True),
        Column("written", number=True),
        Column("energy", number=True),
        Column("share", number=True, spare=1),
        Column("area", number=True, spare=1),
        Column("share", number=True, spare=2),
        Column("leaks", number=True, spare=3),
        Column("peak", number=True, spare=4),
    )
    rows = []
    for part in dict.fromkeys((*moved, *energy, *area)):
        level = moved.get(part)
        rows.append(
            (
                part,
                binary(level.read_bytes) if level else "",
                binary(level.write_bytes) if level else "",
                *_part_cells(energy.get(part), report.energy_j, joules),
                *_part_cells(area.get(part), report.area_mm2, lambda mm2: f"{significant(mm2)} mm2"),
                *(si(of[part], "W", largest="k") if part in of else "" for of in (static, peak)),
            )
        )
    leaked = totals(report).static_energy_j
    rows.append(("static power", "", "", *_part_cells(leaked, report.energy_j, joules), "", "", "", ""))
    canvas.table(columns, rows)


def _part_cells(value: float | None, whole: float, shown: Callable[[float], str]) -> tuple[str, str]:
    if value is None:
        return "", ""
    return shown(value), percent(value / whole) if whole else ""


def _closing(canvas: Canvas, report: Report) -> None:
    coverage = [model.coverage for model in report.models]
    costed, free, unknown = (
        sum(getattr(part, kind) for part in coverage) for kind in ("costed", "free", "unknown")
    )
    canvas.title("Coverage", f"of {plural(costed + free + unknown, 'model node')}")
    names = sorted({op for part in coverage for op in part.unknown_ops})
    canvas.paragraph(
        f"{costed:,} costed, {free:,} free, {unknown:,} unknown" + (f": {', '.join(names)}" if names else "")
    )
    canvas.paragraph(certificates(report))
    if space := _mapspace(report):
        canvas.paragraph(space)
    for note in report.all_notes:
        canvas.paragraph(f"note: {note}", "yellow")


def certificates(report: Report) -> str:
    """How good the mappings are known to be, in a sentence."""
    mapped = [layer.cost for layer in report.layers if layer.cost.mapping is not None]
    known = [cost.certificate for cost in mapped if cost.certificate is not None]
    if not known or report.objective not in OBJECTIVES:
        return plural(len(mapped), "mapping")
    proved = sum(certificate.status == "proved" for certificate in known)
    text = f"{plural(len(mapped), 'mapping')}, {proved} proved optimal for {report.objective}"
    gaps = [certificate.gap for certificate in known if certificate.status != "proved"]
    if not gaps:
        return text
    worst = max(gaps)
    others = "" if len(known) == 1 else "the other " if len(gaps) == 1 else "the others "
    far = percent(worst) if worst < 1 else f"a factor of {significant(1 + worst)}"
    return f"{text}, {others}within {far} of a lower bound"


def _mapspace(report: Report) -> str:
    """How much there was to search and how much was seen; layers with the same einsum count once."""
    known = {
        layer.op.canonical(): layer.cost.certificate
        for layer in report.layers
        if isinstance(layer.op, Einsum) and layer.cost.certificate is not None
    }
    if not known or report.objective not in OBJECTIVES:
        return ""
    size, visited, costed = (
        sum(getattr(certificate, kind) for certificate in known.values())
        for kind in ("mapspace", "visited", "evaluated")
    )
    return (
        f"mapspace: at least {at_least(size)} mappings of {plural(len(known), 'einsum')}; "
        f"{visited:,} steps of search, {costed:,} mappings costed"
    )
