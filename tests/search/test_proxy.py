import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.errors import OptionError
from catx.search.proxy import calibrate, read_table, uncalibrated

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


def test_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text_layers,text_ffn,accuracy\n2,0.5,0.75\n3,1.0,0.9\n")
    assert read_table(path, ["text_layers", "text_ffn"]) == [
        ({"text_layers": 2, "text_ffn": 0.5}, 0.75),
        ({"text_layers": 3, "text_ffn": 1.0}, 0.9),
    ]
    for text, message in (
        ("", "no row"),
        ("a,accuracy\n1,0.5\n", "no column 'text_layers'"),
        ("text_layers,text_ffn,accuracy\nx,0.5,0.5\n", "a.csv:2: text_layers: expected a number, not 'x'"),
        ("text_layers,text_ffn,accuracy\n1,0.5,50\n", "a.csv:2: accuracy 50 is not within 0 to 1"),
    ):
        path.write_text(text)
        with pytest.raises(OptionError, match=re.escape(message)):
            read_table(path, ["text_layers", "text_ffn"])
    with pytest.raises(OptionError, match="cannot be read"):
        read_table(tmp_path / "none.csv", [])
