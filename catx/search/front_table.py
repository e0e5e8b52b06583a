"""Points of a study as a table: columns with types, as CSV or Parquet."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from catx.errors import OptionError
from catx.extras import need
from catx.search.findings import Findings
from catx.search.front_files import front_csv
from catx.search.points import Point
from catx.search.space import Gene, Value

Format = Literal["csv", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
Kind = Literal["int", "float", "str", "bool"]

SCHEMA = "catx.points/1"
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Column:
    """A column: None stands where a point has no such gene or no numbers."""

    name: str
    kind: Kind
    cells: tuple[int | float | str | bool | None, ...]


def columns_of(found: Findings, points: Sequence[Point]) -> list[Column]:
    """All that is known of points.

    A gene's kind is that of all its values; where whole numbers and shares are mixed its values are texts,
    since `1` and `1.0` are not the same size.
    """
    best = {point.number for point in found.front}
    values = [found.values(point) for point in points]
    told = [point.evaluation for point in points]
    names = dict.fromkeys(name for point in found.points for name in point.evaluation.numbers)
    return [
        Column("number", "int", tuple(point.number for point in points)),
        *(_gene_column(gene, values) for gene in found.space.genes),
        *(Column(name, "float", tuple(one.numbers.get(name) for one in told)) for name in names),
        Column("accuracy_is_measured", "bool", tuple(one.measured for one in told)),
        Column("feasible", "bool", tuple(point.feasible for point in points)),
        Column("front", "bool", tuple(point.number in best for point in points)),
        Column("error", "str", tuple(one.error for one in told)),
        Column("seconds", "float", tuple(one.seconds for one in told)),
    ]


def _gene_column(gene: Gene, values: Sequence[Mapping[str, Value]]) -> Column:
    kind = _kind(gene.values)
    cells = [one.get(gene.name) for one in values]
    if kind == "str":
        return Column(gene.name, kind, tuple(None if cell is None else str(cell) for cell in cells))
    return Column(gene.name, kind, tuple(cells))


def points_csv(found: Findings, *, everything: bool) -> str:
    """The front as `front_csv`; or all points, with columns `feasible`, `front`, `error` and `seconds`."""
    if not everything:
        return front_csv(found.space, _by_number(found.front))
    columns = columns_of(found, found.points)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    writer.writerows(zip(*([_written(cell) for cell in column.cells] for column in columns), strict=True))
    return text.getvalue()


def points_parquet(found: Findings, *, everything: bool) -> bytes:
    """The front, or all points, as a Parquet file; the study stands in its schema's metadata.

    Raises:
        ExtraError: pyarrow is not installed.
    """
    need("parquet", "pyarrow")
    import pyarrow
    from pyarrow import parquet

    columns = columns_of(found, found.points if everything else _by_number(found.front))
    types = {
        "int": pyarrow.int64(),
        "float": pyarrow.float64(),
        "str": pyarrow.string(),
        "bool": pyarrow.bool_(),
    }
    metadata = {
        "catx.schema": SCHEMA,
        "catx.study": found.study_json,
        "catx.runs": json.dumps({number: dict(facts) for number, facts in found.runs.items()}),
        "catx.points": "all" if everything else "front",
    }
    schema = pyarrow.schema([(column.name, types[column.kind]) for column in columns], metadata=metadata)
    arrays = [pyarrow.array(column.cells, types[column.kind]) for column in columns]
    table = pyarrow.table(arrays, schema=schema)
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink)
    return bytes(sink.getvalue())


def format_of(asked: str | None, output: str | None) -> Format:
    """The format that is asked for; else that of the file's name, else CSV.

    Raises:
        OptionError: there is no such format, or Parquet has no file to go to.
    """
    by_name = "parquet" if output is not None and output.endswith(".parquet") else "csv"
    wanted = by_name if asked is None else asked
    if wanted not in FORMATS:
        raise OptionError(f"--format: no format {wanted!r}", hint=f"there are {', '.join(FORMATS)}")
    if wanted == "parquet" and output is None:
        raise OptionError("Parquet is no text for a terminal", hint="name a file: `-o FILE.parquet`")
    return "parquet" if wanted == "parquet" else "csv"


def _by_number(points: Sequence[Point]) -> list[Point]:
    return sorted(points, key=lambda point: point.number)


def _kind(values: Sequence[int | float | str]) -> Kind:
    if all(isinstance(value, float) for value in values):
        return "float"
    if all(isinstance(value, int) and -_INT64 <= value < _INT64 for value in values):
        return "int"
    return "str"


def _written(cell: int | float | str | bool | None) -> int | str:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return repr(cell)
    return int(cell) if isinstance(cell, bool) else cell
