"""Groups of batch studies: each point in one, with genes that all of the group have, and a front."""

from pathlib import Path

import pytest

from catx.errors import OptionError
from catx.search.compare import compare_studies, study_differences
from catx.search.findings import labels
from catx.search.grid_groups import groups_of
from catx.search.points import front
from catx.search.space import Value
from tests.search.made import GRID, findings

SCENARIOS = GRID.replace(
    "scenarios: [edge-default]",
    "scenarios: [edge-default, {name: edge-default, label: sweden, keys: {grid: sweden}}]",
)


def rule(values: dict[str, Value]) -> dict[str, float]:
    """Wide accelerators are fast; the second model takes twice as much."""
    width = float(values.get("hw.pe_width", 8))
    work = 2.0 if values["model"] == "b" else 1.0
    return {"latency_s": work / width, "energy_j": work * (1 + width / 100)}


def test_every_point_is_in_one_group(tmp_path: Path) -> None:
    found = findings(tmp_path, text=SCENARIOS, numbers=rule)
    groups = groups_of(found)
    assert sorted(labels(groups)) == ["a, edge-default", "a, sweden", "b, edge-default", "b, sweden"]
    numbers = [point.number for group in groups for point in group.points]
    assert sorted(numbers) == [point.number for point in found.points]
    by_number = {point.number: point for point in found.points}
    for group in groups:
        model, scenario = group.study.name.split(", ")
        for point in group.points:
            whole = by_number[point.number]
            assert point.evaluation.numbers == whole.evaluation.numbers
            values = found.values(whole)
            assert (values["model"], values["scenario"]) == (model, scenario)
            assert group.values(point) == {
                "hw.accelerator": values["accelerator"],
                "hw.mapper": values["mapper"],
            }
        assert {point.number for point in group.front} == {point.number for point in front(group.points)}
    assert {point.number for group in groups for point in group.front} == {one.number for one in found.front}


def test_genes_that_all_points_of_a_group_have(tmp_path: Path) -> None:
    text = GRID.replace("[edge, {base", "[{base: edge, label: e, vary: {pe_width: [8]}}, {base")
    group = groups_of(findings(tmp_path, text=text, numbers=rule))[0]
    genes = {gene.name: gene.values for gene in group.space.genes}
    assert genes["hw.pe_width"] == (8, 16, 32)
    assert [gene.name for _, gene in group.varying] == ["hw.accelerator", "hw.pe_width"]
    for point in group.points:
        assert group.values(point)["hw.pe_width"] == round(1 / point.evaluation.numbers["latency_s"]) * (
            2 if group.study.name == "b" else 1
        )


def test_groups_are_compared_as_studies_are(tmp_path: Path) -> None:
    groups = groups_of(findings(tmp_path, text=GRID, numbers=rule))
    compared = compare_studies(labels(groups), groups)
    assert dict(zip(compared.names, compared.differ, strict=True))["a"] == ()
    one, other = (compared.names.index(name) for name in "ab")
    assert (compared.dominated[one][other], compared.dominated[other][one]) == (1.0, 0.0)


def test_notes_tell_accelerators_that_only_one_study_has(tmp_path: Path) -> None:
    one = groups_of(findings(tmp_path, "one", text=GRID, numbers=rule))
    text = GRID.replace("[edge, {base", "[edge, eyeriss_like, {base")
    other = groups_of(findings(tmp_path, "other", text=text, numbers=rule))
    assert sorted(labels([*one, *other])) == ["one: a", "one: b", "other: a", "other: b"]
    by_name = dict(zip(labels([*one, *other]), [*one, *other], strict=True))
    assert study_differences(by_name["one: a"], by_name["other: a"]) == ["accelerators"]
    assert study_differences(by_name["one: a"], by_name["one: b"]) == ["models"]
    assert study_differences(by_name["one: a"], findings(tmp_path, "search")) == ["the kind of study"]


def test_some_groups(tmp_path: Path) -> None:
    found = findings(tmp_path, text=SCENARIOS, numbers=rule)
    assert labels(groups_of(found, ["b, s"])) == ["b, sweden"]
    assert len(groups_of(found, ["sweden"])) == 2
    with pytest.raises(OptionError, match="no group of one has 'swedn' in its name") as caught:
        groups_of(found, ["swedn"])
    assert "a, sweden" in str(caught.value)


def test_what_has_no_groups(tmp_path: Path) -> None:
    search, empty = findings(tmp_path, "search"), findings(tmp_path, "empty", text=GRID, count=0)
    assert groups_of(search, ["whatever"]) == [search]
    assert groups_of(empty) == [empty]
