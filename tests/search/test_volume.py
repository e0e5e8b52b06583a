"""Hypervolumes over evaluations, against computing each front from nothing."""

from itertools import pairwise
from pathlib import Path

import pytest

from catx.search import volume
from catx.search.points import Point, front
from catx.search.volume import box_of, share_of, volume_curve
from tests.search.made import TEXT, findings


def by_cells(points: list[Point], reference: tuple[float, ...]) -> float:
    """Area that feasible points beat up to the reference, by cells between all values."""
    costs = [point.costs for point in points if point.feasible and point.costs is not None]
    xs = sorted({x for x, _ in costs} | {reference[0]})
    ys = sorted({y for _, y in costs} | {reference[1]})
    return sum(
        (right - left) * (above - below)
        for left, right in pairwise(xs)
        for below, above in pairwise(ys)
        if right <= reference[0] and above <= reference[1] and any(x <= left and y <= below for x, y in costs)
    )


def test_a_curve_is_what_each_front_beats(tmp_path: Path) -> None:
    found = findings(tmp_path, failed=[0, 7, 8])
    box = box_of(found.points)
    assert box is not None
    curve = volume_curve(found.points, box.worst)
    assert curve.evaluations[0] == 0
    assert curve.evaluations[-1] == len(found.points)
    assert list(curve.volumes) == sorted(curve.volumes)
    at = dict(zip(curve.evaluations, curve.volumes, strict=True))
    now = 0.0
    for count in range(len(found.points) + 1):
        now = at.get(count, now)
        assert now == pytest.approx(by_cells(list(found.points[:count]), box.worst), abs=1e-9)
    share = box.share(curve.volumes[-1])
    assert share is not None
    assert 0 < share <= 1
    assert share == pytest.approx(share_of(found.points, front(found.points)))


def test_a_single_objective_has_no_volume(tmp_path: Path) -> None:
    found = findings(tmp_path, text=TEXT.replace("[accuracy, total_gco2e]", "[total_gco2e]"))
    assert share_of(found.points, front(found.points)) is None


@pytest.mark.parametrize(
    ("accuracy", "measured", "told"),
    [
        ("{kind: proxy}", False, "a score, not measured"),
        ("{kind: proxy, table: t.csv}", False, "predicted"),
        ("{kind: screened, data: digits}", False, "predicted"),
        ("{kind: screened, data: digits}", True, ""),
    ],
)
def test_what_accuracies_are(tmp_path: Path, accuracy: str, measured: bool, told: str) -> None:
    (tmp_path / "t.csv").write_text("text_layers,vision_ffn,accuracy\n1,0.5,0.4\n")
    text = TEXT.replace("{kind: proxy}", accuracy)
    found = findings(tmp_path, text=text, measured=[3] if measured else [])
    assert found.accuracy_told == told


def test_a_long_curve_has_fewer_points_and_the_same_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = findings(tmp_path)
    box = box_of(found.points)
    assert box is not None
    whole = volume_curve(found.points, box.worst)
    monkeypatch.setattr(volume, "MOST", 3)
    short = volume_curve(found.points, box.worst)
    assert len(short.evaluations) < len(whole.evaluations)
    assert (short.evaluations[-1], short.volumes[-1]) == (whole.evaluations[-1], whole.volumes[-1])
    assert set(zip(short.evaluations, short.volumes, strict=True)) <= set(
        zip(whole.evaluations, whole.volumes, strict=True)
    )


def test_without_a_feasible_point_there_is_no_box(tmp_path: Path) -> None:
    found = findings(tmp_path, count=3, failed=[0, 1, 2])
    assert box_of(found.points) is None
    assert volume_curve(found.points, (1.0, 1.0)).volumes == (0.0, 0.0)


def test_a_flat_box_has_no_shares(tmp_path: Path) -> None:
    box = box_of(findings(tmp_path, count=1).points)
    assert box is None or (box.size == 0 and box.share(0.0) is None)
