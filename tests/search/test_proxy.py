import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.errors import OptionError
from catx.search.build import model_space
from catx.search.model_accuracy import accuracy_of
from catx.search.proxy import calibrate, read_table, uncalibrated
from catx.search.space import Gene
from catx.search.study import AccuracyChoice, ModelChoice

SHARES = st.lists(st.tuples(st.floats(0.2, 1.0), st.floats(0.2, 1.0)), min_size=6, max_size=20)


@settings(deadline=None)
@given(SHARES, st.floats(0.0, 2.0), st.floats(0.0, 2.0), st.floats(0.3, 1.0))
def test_it_finds_the_law_that_made_the_points(
    shares: list[tuple[float, float]], one: float, other: float, whole: float
) -> None:
    measured = [((a, b), whole * a**one * b**other) for a, b in shares]
    found = calibrate(measured)
    for point, accuracy in measured:
        assert found.predict(point) == pytest.approx(accuracy, rel=1e-6)
    assert found.points == len(measured)


def test_nothing_is_better_than_the_best_that_was_measured() -> None:
    found = calibrate([((0.9, 0.5), 0.9), ((0.5, 0.9), 0.3), ((0.4, 0.4), 0.2)])
    assert found.whole > 0.9
    assert found.predict((1.0, 1.0)) == 0.9
    assert found.predict((0.3, 0.3)) < 0.2


def test_more_never_predicts_less() -> None:
    found = calibrate([((0.5, 1.0), 0.9), ((1.0, 0.5), 0.7), ((1.0, 1.0), 0.8), ((0.7, 0.7), 0.75)])
    assert min(found.exponents) >= 0
    assert found.error > 0
    assert found.predict((1.0, 0.9)) >= found.predict((0.9, 0.9))


def test_without_points() -> None:
    assert uncalibrated(2).predict((0.5, 0.5)) == 0.25
    with pytest.raises(OptionError, match="needs 3 measured points, not 1"):
        calibrate([((1.0,), 0.9)])
    with pytest.raises(OptionError, match="above 0"):
        calibrate([((1.0,), 0.9), ((0.5,), 0.0), ((0.7,), 0.5)])


GENES = (Gene("model.text_layers", (1, 2, 3)), Gene("model.text_ffn", (0.5, 1.0)))


def test_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text_layers,text_ffn,accuracy\n2,0.5,0.75\n3.0,1,0.9\n")
    rows = read_table(path, GENES)
    assert rows == [
        ({"text_layers": 2, "text_ffn": 0.5}, 0.75),
        ({"text_layers": 3, "text_ffn": 1.0}, 0.9),
    ]
    types = [type(value) for value in rows[1][0].values()]
    assert types == [int, float]  # 1 would be one unit, not all
    head = "text_layers,text_ffn,accuracy\n"
    for text, message in (
        ("", "no row"),
        ("a,accuracy\n1,0.5\n", "no column 'text_layers'"),
        (head + "x,0.5,0.5\n", "a.csv:2: text_layers: expected a number, not 'x'"),
        (head + "1,0.5,50\n", "a.csv:2: accuracy 50 is not within 0 to 1"),
        (head + "1,0.5,nan\n", "a.csv:2: accuracy nan is not within 0 to 1"),
        (head + "1,0.5,0.5\n4,1.0,0.5\n", "a.csv:3: text_layers: 4 is none of the study's values 1, 2, 3"),
        (head + "1,0.5,0.5\n2,1,0.5\n1.0,0.50,0.6\n", "a.csv:4: the same sizes as in line 2"),
    ):
        path.write_text(text)
        with pytest.raises(OptionError, match=re.escape(message)):
            read_table(path, GENES)
    with pytest.raises(OptionError, match="cannot be read"):
        read_table(tmp_path / "none.csv", [])


@pytest.mark.parametrize("one", ["1.0", "1"])
def test_a_share_of_all_may_be_written_as_1(tmp_path: Path, one: str) -> None:
    path = tmp_path / "a.csv"
    rows = f"0.5,0.5,0.40\n{one},{one},0.62\n0.5,{one},0.5\n{one},0.5,0.5\n"
    path.write_text("text_ffn,vision_ffn,accuracy\n" + rows)
    named = ModelChoice(names=("digits",), vary=(("text_ffn", (0.5, 1.0)), ("vision_ffn", (0.5, 1.0))))
    models = model_space(named)
    whole, half = ({f"model.{key}": share for key, _ in named.vary} for share in (1.0, 0.5))
    choice = AccuracyChoice(kind="proxy", importance="none", table=str(path))
    proxy = accuracy_of(choice, named, models, lambda _: None)
    assert proxy.of(whole).value == pytest.approx(0.62, abs=0.01)
    assert proxy.of(half).value == pytest.approx(0.40, abs=0.01)
    table = accuracy_of(replace(choice, kind="table"), named, models, lambda _: None)
    assert (table.of(whole).value, table.of(half).value) == (0.62, 0.40)
