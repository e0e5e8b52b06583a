"""The report on a terminal: golden texts, and what must hold at every width."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from catx.tools.canvas import Canvas, Column, _shortened
from catx.tools.report_text import report_text
from tests.tools.reports import report


def plain(width: int) -> str:
    return report_text(report(), Canvas(width, color=False))


def test_report(golden: Callable[[str], None]) -> None:
    golden(plain(100))


def test_narrow_report(golden: Callable[[str], None]) -> None:
    golden(plain(80))


def test_wide_report(golden: Callable[[str], None]) -> None:
    golden(plain(160))


@pytest.mark.parametrize("width", [76, 80, 99, 100, 120, 129, 130, 200])
def test_lines_fit_and_numbers_are_whole(width: int) -> None:
    text = plain(width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert set(re.findall(r"\d[\d.,]*", plain(250))) - set(re.findall(r"\d[\d.,]*", text)) <= MACS


@pytest.mark.parametrize("width", [40, 50, 60, 70])
def test_narrow_tables_go_without_some_columns(width: int) -> None:
    text = plain(width)
    assert max(map(cell_len, text.splitlines())) <= max(width, 50)
    for word in ("latency", "energy", "runs" if width >= 70 else "shape", "By layer", "Coverage"):
        assert word in text


MACS = {"4.18", "1.39", "20.3"}
"""The MACs column is for wide terminals."""


def test_color_is_only_style() -> None:
    colored = report_text(report(), Canvas(100, color=True))
    assert "\x1b[" in colored
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in stripped.splitlines()] == plain(100).splitlines()


def test_names_cannot_steer_the_terminal_or_the_layout() -> None:
    nasty = "[bold]\x1b[2J[/nope] :boom:\n" + "x" * 200
    one = report()
    layers = tuple(replace(layer, names=(nasty,)) for layer in one.layers)
    models = tuple(replace(model, name=nasty[:20]) for model in one.models)
    text = report_text(replace(one, layers=layers, models=models), Canvas(100, color=False))
    assert "\x1b" not in text
    assert "[bold]\\x1b[2J[/nope]"[:20] in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_small_rest_is_one_row_and_nothing_is_lost() -> None:
    one = report()
    listed = [line for line in plain(250).splitlines() if re.match(r"  (\[\d\]|   ) {2}\S", line)]
    assert len(listed) == 4
    assert "3 others" in listed[-1]
    runs = sum(int(re.findall(r"\s(\d+)\s", line.split("MatMul")[-1])[0]) for line in listed[:-1])
    assert runs + 3 == sum(layer.count for layer in one.layers)


def test_given_mappings_claim_no_optimum() -> None:
    text = report_text(replace(report(), objective="given mappings"), Canvas(100, color=False))
    assert "given mappings" in text
    assert "proved" not in text


def test_empty_report() -> None:
    empty = replace(report(), layers=(), latency_s=0.0, energy_j=0.0, traffic=(), notes=())
    text = report_text(empty, Canvas(100, color=False))
    assert "n/a /s" in text


def test_long_names_are_told_apart() -> None:
    canvas = Canvas(60, color=False)
    long = [f"/model/encoder/layers.{i}/{part}/MatMul" for i in range(12) for part in ("attention_in", "mlp")]
    columns = (Column("layer", name=True), Column("latency of all runs together", number=True))
    canvas.table(
        columns, [(name, "1 ms") for name in (*long, "Conv", "a_single_name_without_any_parts_in_it")]
    )
    cells = [line.split()[0] for line in canvas.text.splitlines() if line.endswith("1 ms")]
    assert len(set(cells)) == len(cells) == 26
    assert "Conv" in cells


def test_of_long_names_only_as_much_is_dropped_as_needed() -> None:
    names = ["/a/b/first_one/MatMul", "/a/b/second_one/MatMul", "Conv"]
    assert _shortened(names, 22) == names
    assert _shortened(names, 20) == ["\u2026b/first_one/MatMul", "\u2026b/second_one/MatMul", "Conv"]
    assert _shortened(names, 14) == ["\u2026first\u2026/MatMul", "\u2026secon\u2026/MatMul", "Conv"]


@given(names=st.lists(st.text("ab/.", min_size=1, max_size=40), max_size=6), room=st.integers(14, 30))
def test_shortened_names_fit_and_short_ones_stay(names: list[str], room: int) -> None:
    for name, cut in zip(names, _shortened(names, room), strict=True):
        assert len(cut) <= room
        assert (cut == name) == (len(name) <= room)


@pytest.mark.parametrize(
    ("gap", "told"), [(0.031, "within 3.1 % of a lower bound"), (9.751, "a factor of 10.8 of")]
)
def test_a_wide_gap_is_told_as_a_factor(gap: float, told: str) -> None:
    one = report()
    layers = tuple(
        replace(part, cost=replace(part.cost, certificate=replace(part.cost.certificate, gap=gap)))
        if part.cost.certificate is not None and part.cost.certificate.status == "gap"
        else part
        for part in one.layers
    )
    text = " ".join(report_text(replace(one, layers=layers), Canvas(160, color=False)).split())
    assert told in text
