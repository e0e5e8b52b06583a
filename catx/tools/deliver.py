"""Hand a report over: files where the user named a folder, then the terminal or JSON on standard output."""

from dataclasses import replace
from pathlib import Path

from catx.ir.report import Report
from catx.tools.streams import emit


def with_uncertainty(report: Report, samples: int, seed: int) -> Report:
    """The report with samples of its carbon; none of its numbers changes."""
    if not samples:
        return report
    from catx.costmodel.carbon.uncertainty import uncertainty

    carbon = replace(report.carbon, uncertainty=uncertainty(report.carbon.sheet, samples, seed))
    return replace(report, carbon=carbon)


def deliver(
    report: Report, folder: Path | None, *, as_json: bool, mapping_source: Path | None = None
) -> None:
    """Write the result files and print the report.

    Args:
        report: what to hand over.
        folder: where the files go, if anywhere.
        as_json: print report.json and nothing else.
        mapping_source: a mapping file that was read: it is not written over, its comments are the user's.
    """
    text = ""
    if folder is not None or as_json:
        from catx.tools.report_json import report_json

        text = report_json(report)
    if folder is not None:
        _write(report, folder, text, mapping_source)
    if as_json:
        emit(text)
        return
    from catx.tools.canvas import stdout_canvas
    from catx.tools.report_text import report_text

    emit(report_text(report, stdout_canvas()))


def _write(report: Report, folder: Path, text: str, mapping_source: Path | None) -> None:
    from catx.frontend.mapping_writer import dump_mappings
    from catx.tools.layers_csv import layers_csv
    from catx.tools.outputs import write_files

    files = {"report.json": text, "mapping.yaml": dump_mappings(report), "layers.csv": layers_csv(report)}
    place = folder / "mapping.yaml"
    if mapping_source is not None and place.exists() and place.samefile(mapping_source):
        del files["mapping.yaml"]
    write_files(folder, files)
