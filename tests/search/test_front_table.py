"""Points as tables: types, CSV and Parquet."""

import csv
import io
import json
from pathlib import Path

import pytest

from catx.errors import OptionError
from catx.search.findings import Findings, read_findings
from catx.search.front_files import front_csv
from catx.search.front_table import columns_of, format_of, points_csv, points_parquet
from catx.search.points import Point
from catx.search.study_json import study_from_json
from tests.search.made import GRID, TEXT, findings, made

pyarrow = pytest.importorskip("pyarrow")
MIXED = TEXT.replace("[0.25, 0.5, 1.0]", "[1, 0.5, 0.75]")


def by_number(found: Findings) -> list[Point]:
    return sorted(found.front, key=lambda point: point.number)


def parquet(content: bytes) -> "pyarrow.Table":
    from pyarrow.parquet import read_table

    return read_table(io.BytesIO(content))


def test_parquet_keeps_types_numbers_and_the_study(tmp_path: Path) -> None:
    found = findings(tmp_path, failed=[2], measured=[5])
    table = parquet(points_parquet(found, everything=True))
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        "number": "int64",
        "model.text_layers": "int64",
        "model.vision_ffn": "double",
        "hw.pe_width": "int64",
        "hw.l2_kib": "int64",
        "accuracy": "double",
        "total_gco2e": "double",
        "latency_s": "double",
        "area_mm2": "double",
        "accuracy_is_measured": "bool",
        "feasible": "bool",
        "front": "bool",
        "error": "string",
        "seconds": "double",
    }
    rows = table.to_pylist()
    best = {point.number for point in found.front}
    for row, point in zip(rows, found.points, strict=True):
        assert row["number"] == point.number
        assert {name: row[name] for name in found.values(point)} == found.values(point)
        assert {key: row[key] for key in point.evaluation.numbers} == point.evaluation.numbers
        assert (row["feasible"], row["front"]) == (point.feasible, point.number in best)
        assert row["accuracy_is_measured"] == (point.number == 5)
    assert (rows[2]["accuracy"], rows[2]["error"], rows[2]["seconds"]) == (None, "no mapping", 0.25)
    metadata = table.schema.metadata
    assert study_from_json(metadata[b"catx.study"].decode()) == found.study
    assert json.loads(metadata[b"catx.runs"])["1"]["versions"] == "catx by hand"
    assert (metadata[b"catx.schema"], metadata[b"catx.points"]) == (b"catx.points/1", b"all")
    front = parquet(points_parquet(found, everything=False))
    assert front.column("number").to_pylist() == [point.number for point in by_number(found)]
    assert front.schema.metadata[b"catx.points"] == b"front"


def test_values_of_several_kinds_are_texts(tmp_path: Path) -> None:
    found = findings(tmp_path, text=MIXED, count=30)
    column = next(one for one in columns_of(found, found.points) if one.name == "model.vision_ffn")
    assert column.kind == "str"
    assert set(column.cells) == {"1", "0.5", "0.75"}


def test_points_of_batch_studies_lack_some_genes(tmp_path: Path) -> None:
    found = findings(
        tmp_path, text=GRID, numbers=lambda values: {"latency_s": float(len(values)), "energy_j": 1.0}
    )
    table = parquet(points_parquet(found, everything=True))
    assert str(table.schema.field("hw.pe_width").type) == "int64"
    assert sorted(table.column("hw.pe_width").to_pylist(), key=str) == [16, 16, 32, 32, None, None]
    rows = list(csv.DictReader(io.StringIO(points_csv(found, everything=True))))
    assert [row["model"] for row in rows if row["front"] == "1"] == [
        found.values(point)["model"] for point in found.points if len(found.values(point)) == 4
    ]


def test_csv_of_everything_and_of_the_front(tmp_path: Path) -> None:
    found = findings(tmp_path, failed=[2])
    assert points_csv(found, everything=False) == front_csv(found.space, by_number(found))
    rows = list(csv.DictReader(io.StringIO(points_csv(found, everything=True))))
    assert len(rows) == len(found.points)
    assert [float(row["latency_s"]) for row in rows if row["latency_s"]] == [
        point.evaluation.numbers["latency_s"] for point in found.evaluated
    ]
    assert (rows[2]["latency_s"], rows[2]["error"], rows[2]["feasible"]) == ("", "no mapping", "0")
    assert sum(int(row["front"]) for row in rows) == len(found.front)


def test_a_study_without_points(tmp_path: Path) -> None:
    found = read_findings(made(tmp_path, count=0))
    assert parquet(points_parquet(found, everything=True)).num_rows == 0
    assert points_csv(found, everything=True).count("\n") == 1


def test_formats() -> None:
    assert format_of(None, None) == "csv"
    assert format_of(None, "a.parquet") == "parquet"
    assert format_of("csv", "a.parquet") == "csv"
    with pytest.raises(OptionError, match="no format 'xml'"):
        format_of("xml", None)
    with pytest.raises(OptionError, match="no text for a terminal"):
        format_of("parquet", None)
