"""All pictures of studies as files: PNG, and the numbers in each as JSON."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from matplotlib.figure import Figure

from catx.errors import OptionError
from catx.search.compare import same_objectives, study_differences
from catx.search.findings import Findings
from catx.search.importance import LEAST_POINTS, Importance, importances
from catx.search.model_space import Tell
from catx.search.volume import box_of
from catx.tools.metric_text import words
from catx.tools.picture import png
from catx.tools.search_along_picture import along_picture
from catx.tools.search_best_picture import best_picture
from catx.tools.search_front_picture import front_picture
from catx.tools.search_importance_picture import importance_picture
from catx.tools.search_numbers import Json
from catx.tools.search_parallel_picture import parallel_picture
from catx.tools.search_volume_picture import volume_picture

Files = dict[str, str | bytes]


@dataclass(slots=True)
class Pictures:
    """Files by folder and name, and notes about what is not in them or not to be trusted."""

    files: dict[str, Files] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, place: str, name: str, drawn: tuple[Figure, Json]) -> None:
        """Keep a picture and its numbers as two files."""
        figure, numbers = drawn
        data = {"schema": "catx.search-plot/1", "picture": name, **numbers}
        files = self.files.setdefault(place, {})
        assert f"{name}.png" not in files, "two pictures of one name"
        files[f"{name}.png"] = png(figure)
        files[f"{name}.json"] = json.dumps(data, indent=1, allow_nan=False) + "\n"


def pictures_of(
    names: Sequence[str], found: Sequence[Findings], seed: int, tell: Tell = lambda _: None
) -> Pictures:
    """Pictures of studies of the same objectives: what they share, and, of several, a folder for each.

    Args:
        names: of the studies, no two alike.
        found: the studies.
        seed: of parameter importance.
        tell: is told what is drawn.

    Raises:
        OptionError: their objectives differ, or a study has no point with numbers.
    """
    goals, same = same_objectives(names, found)
    for one in same:
        if not one.evaluated:
            raise OptionError(f"{one.path}: no point has numbers yet, so there is nothing to draw")
    pictures = Pictures()
    pictures.notes += [
        f"note: {name} is not the same study as {names[0]}: {', '.join(differ)}"
        for name, one in zip(names, same, strict=True)
        if (differ := study_differences(same[0], one))
    ]
    if len(goals) == 1:
        pictures.add("", f"search_best_{_plain(goals[0].metric)}", best_picture(names, same))
    for pair in combinations(goals, 2):
        name = "_".join(["search_front", *(_plain(goal.metric) for goal in pair)])
        pictures.add("", name, front_picture(names, same, pair))
    _volume(pictures, names, same)
    folders = _folders(names)
    for folder, name, study in zip(folders, names, same, strict=True):
        _of_one(pictures, folder if len(same) > 1 else "", name, study, seed, tell)
    return pictures


def _volume(pictures: Pictures, names: Sequence[str], found: Sequence[Findings]) -> None:
    box = box_of(point for one in found for point in one.points)
    if box is None:
        pictures.notes.append("note: no feasible point was found, so there is no hypervolume")
        return
    if box.size == 0:
        flat = [
            words(goal.metric)
            for goal, low, high in zip(found[0].study.objectives, box.best, box.worst, strict=True)
            if low == high
        ]
        pictures.notes.append(f"note: no hypervolume: all feasible points have the same {', '.join(flat)}")
        return
    pictures.add("", "search_hypervolume", volume_picture(names, found, box))


def _of_one(pictures: Pictures, place: str, name: str, found: Findings, seed: int, tell: Tell) -> None:
    """Pictures of the genes of a study."""
    if not found.varying:
        pictures.notes.append(f"note: {name}: no gene varies, so there are no pictures of genes")
        return
    if found.front:
        pictures.add(place, "search_parallel", parallel_picture(name, found))
        pictures.add(place, "search_along_front", along_picture(name, found))
    else:
        pictures.notes.append(
            f"note: {name}: no feasible point was found, so there is no front to draw genes of"
        )
    if len(found.evaluated) < LEAST_POINTS:
        count = len(found.evaluated)
        pictures.notes.append(
            f"note: {name}: no importance: {count} points have numbers, {LEAST_POINTS} are needed"
        )
        return
    tell(f"{name}: importance of genes")
    matter = importances(found, seed=seed)
    pictures.add(place, "search_importance", importance_picture(name, found, matter))
    pictures.notes += [_r2_told(name, one) for one in matter]


def _r2_told(name: str, one: Importance) -> str:
    """How well a forest knows a metric."""
    if one.note:
        return f"note: {name}: importance for {one.metric}: {one.note}"
    return f"{name}: importance for {one.metric}: cross-validated R2 {one.r2:.2f} over {one.points} points"


def _plain(name: str) -> str:
    """A metric's name for the name of a file."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def _folders(names: Sequence[str]) -> list[str]:
    """A folder for each study."""
    plain = [re.sub(r"[^A-Za-z0-9_.-]", "_", Path(name).name) or "study" for name in names]
    return [one if plain.count(one) == 1 else f"{one}-{at}" for at, one in enumerate(plain, 1)]
