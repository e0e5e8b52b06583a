"""Comparisons of studies against brute force."""

from pathlib import Path

import pytest

from catx.errors import OptionError
from catx.search.compare import LEVELS, compare_studies, objective_of, same_objectives
from catx.search.findings import Findings, labels
from catx.search.points import Point
from catx.search.volume import feasible_costs
from tests.search.made import TEXT, by_rule, findings


def studies(folder: Path) -> list[Findings]:
    """Two halves of a space in other orders, and one whose constraints are tighter."""
    tight = TEXT.replace("20 ms", "6 ms").replace("seed: 4", "seed: 9")
    return [
        findings(folder, "one", count=25, seed=1),
        findings(folder, "two", count=25, seed=2, failed=[1]),
        findings(folder, "three", count=60, seed=3, text=tight),
    ]


def beats(one: Point, other: Point, *, equal: bool) -> bool:
    assert one.costs is not None
    assert other.costs is not None
    nowhere_worse = all(a <= b for a, b in zip(one.costs, other.costs, strict=True))
    return nowhere_worse and (equal or one.costs != other.costs)


def test_who_dominates_whom_by_brute_force(tmp_path: Path) -> None:
    found = studies(tmp_path)
    told = compare_studies(labels(found), found)
    assert told.names == ("one", "two", "three")
    for table, equal in ((told.dominated, False), (told.covered, True)):
        for at, one in enumerate(found):
            for to, other in enumerate(found):
                beaten = [
                    any(beats(mine, theirs, equal=equal) for mine in one.front) for theirs in other.front
                ]
                assert table[at][to] == pytest.approx(sum(beaten) / len(beaten))
    assert all(told.dominated[at][at] == 0 and told.covered[at][at] == 1 for at in range(3))


def test_volumes_have_one_reference_and_bests_are_best(tmp_path: Path) -> None:
    found = studies(tmp_path)
    told = compare_studies(labels(found), found)
    costs = [cost for one in found for cost in feasible_costs(one.points)]
    assert told.reference == (-max(cost[0] for cost in costs), max(cost[1] for cost in costs))
    assert told.bests[0] == tuple(
        max(point.evaluation.numbers["accuracy"] for point in one.feasible) for one in found
    )
    assert told.bests[1] == tuple(
        min(point.evaluation.numbers["total_gco2e"] for point in one.feasible) for one in found
    )
    assert all(share is not None and 0 < share <= 1 for share in told.shares)
    assert compare_studies(["again"], [found[0]]).volumes[0] <= told.volumes[0]


def test_levels_are_of_points_that_are_at_least_as_good(tmp_path: Path) -> None:
    found = studies(tmp_path)
    told = compare_studies(labels(found), found)
    levels = [one for one in told.levels if one.of == "accuracy"]
    assert 2 <= len(levels) <= LEVELS
    for one in levels:
        assert one.other == "total_gco2e"
        for study, value in zip(found, one.values, strict=True):
            good = [
                point.evaluation.numbers["total_gco2e"]
                for point in study.feasible
                if point.evaluation.numbers["accuracy"] >= one.level
            ]
            assert value == min(good)
    assert {one.of for one in told.levels} == {"accuracy", "total_gco2e"}


def test_what_differs_is_told(tmp_path: Path) -> None:
    found = studies(tmp_path)
    assert compare_studies(labels(found), found).differ == ((), (), ("constraints",))
    other = findings(tmp_path, "other", text=TEXT.replace("total_gco2e]", "latency_s]"))
    with pytest.raises(OptionError, match=r"one has .*least total_gco2e, and other has .*least latency_s"):
        compare_studies(["one", "other"], [found[0], other])
    with pytest.raises(OptionError, match="did you mean 'accuracy'"):
        objective_of(found[0].study.objectives, "acuracy")
    with pytest.raises(OptionError, match="area_mm2"):
        objective_of(found[0].study.objectives, "area_mm2")


def test_the_same_objectives_in_another_order(tmp_path: Path) -> None:
    one = findings(tmp_path, "one")
    turned = findings(tmp_path, "two", text=TEXT.replace("accuracy, total_gco2e]", "total_gco2e, accuracy]"))
    goals, same = same_objectives(["one", "two"], [one, turned])
    assert goals == one.study.objectives
    assert [point.costs for point in same[1].points] == [point.costs for point in one.points]
    assert [point.number for point in same[1].front] == [point.number for point in one.front]
    told = compare_studies(["one", "two"], [one, turned])
    assert told.volumes[0] == told.volumes[1]


def test_studies_without_feasible_points(tmp_path: Path) -> None:
    none = findings(tmp_path, "none", numbers=lambda values: by_rule(values) | {"latency_s": 1.0})
    with pytest.raises(OptionError, match="no study has a feasible point"):
        compare_studies(["a", "b"], [none, none])
    told = compare_studies(["one", "none"], [findings(tmp_path, "one"), none])
    assert told.volumes[1] == 0
    assert told.dominated == ((0.0, None), (0.0, None))
    assert [best[1] for best in told.bests] == [None, None]
    assert all(level.values[1] is None and level.values[0] is not None for level in told.levels)


def test_names_of_studies(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = (findings(tmp_path / place, "one", count=3) for place in ("a", "b"))
    assert labels([one, other]) == [str(tmp_path / "a" / "one.db"), str(tmp_path / "b" / "one.db")]
    assert labels([one, one]) == [f"{one.path} (1)", f"{one.path} (2)"]
    assert labels([one, findings(tmp_path, "two", count=3)]) == ["one", "two"]
