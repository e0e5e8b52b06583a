"""Studies and their files: begin one, go on with one, read one."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from catx.errors import CatxError, Loc, OptionError, SpecError
from catx.search.grid import AnyStudy
from catx.search.provenance import INPUTS, inputs_of, other_catx, other_packages
from catx.search.store import Store, check_new
from catx.search.study import Study, idle
from catx.search.study_json import differences, study_from_json, study_to_json
from catx.search.writer_lock import WriterLock

STUDY = "study"

Note = Callable[[str], None]
"""Is told what a user must know, and what is no error."""


def begin(study: AnyStudy, path: Path) -> Store:
    """A new file of a study, which no one else writes until it is closed.

    Raises:
        OutputError: there is a file already, or none can be made.
        OptionError: another run begins it.
    """
    check_new(path)
    lock = WriterLock(path)
    try:
        store = Store.create(path, {STUDY: study_to_json(study)})
    except CatxError:
        lock.release()
        raise
    store.hold(lock)
    return store


def resume(study: AnyStudy, path: Path, note: Note = lambda _: None) -> Store:
    """The file of a study that was begun, which no one else writes until it is closed.

    How many evaluations are wanted may differ, but not below what is there.

    Args:
        study: the one of the file.
        path: of the file.
        note: is told of packages with other versions than those of the file's last run.

    Raises:
        SpecError: no such file, or no study.
        OptionError: it is of another study, or was made by another catx, or files that it reads have changed;
            the message tells what. Or it has more evaluations than are wanted, or another run writes it.
    """
    if not path.is_file():
        raise SpecError("no such file", loc=Loc(str(path)))
    lock = WriterLock(path)
    try:
        store, there = read(path, read_only=False)
    except CatxError:
        lock.release()
        raise
    store.hold(lock)
    try:
        _check_versions(store, note)  # first: of another catx a study may differ, too
        _check_same(study, there, path)
        check_inputs(store, study)
        _check_count(store, study)
        store.put(STUDY, study_to_json(study))
    except CatxError:
        store.close()
        raise
    return store


def _check_same(study: AnyStudy, there: AnyStudy, path: Path) -> None:
    if odd := differences(there, study):
        raise OptionError(
            f"it is of another study: {', '.join(odd)} differ{'s' if len(odd) == 1 else ''}",
            loc=Loc(str(path)),
            hint="go on with the study as it was, or name another file with -o",
        )


def _check_versions(store: Store, note: Note) -> None:
    """Refuse to go on with another catx than that of the last run; tell of other packages."""
    runs = list(store.runs.values())
    if not runs:
        return
    if told := other_catx(runs[-1]):
        raise OptionError(
            f"its points were made by {told}",
            loc=Loc(str(store.path)),
            hint="go on with the catx as it was, or start a new file with -o",
        )
    if told := other_packages(runs[-1]):
        note(f"{store.path}: its last run had other packages, numbers may differ: {told}")


def _check_count(store: Store, study: AnyStudy) -> None:
    """Refuse a plan that leaves out points that are there."""
    if study.plan.evaluations < store.proposed:
        raise OptionError(
            f"it has {store.proposed} evaluations, and {study.plan.evaluations} are asked for",
            loc=Loc(str(store.path)),
            hint="ask for as many or more with --evaluations; `catx search show` prints what is there",
        )


def check_inputs(store: Store, study: AnyStudy) -> None:
    """Refuse to go on with other files than those that the evaluations so far were made of.

    Raises:
        OptionError: one has changed.
        SpecError: one cannot be read.
    """
    now = inputs_of(study)
    for run in store.runs.values():
        for name, digest in run.get(INPUTS, {}).items():
            if now.get(name, digest) != digest:
                raise OptionError(
                    f"{name} has changed since points were evaluated on {run['began'][:10]}",
                    loc=Loc(str(store.path)),
                    hint="go on with the file as it was, or begin another study with -o",
                )


def read(path: Path, *, read_only: bool = True) -> tuple[Store, AnyStudy]:
    """The store in a file, and its study.

    Raises:
        SpecError: no such file, or no study.
        OutputError: it cannot be opened.
    """
    store = Store.open(path, read_only=read_only)
    try:
        return store, study_from_json(store.head[STUDY])
    except (KeyError, CatxError) as error:
        store.close()
        raise SpecError(f"no study that can be read: {error.args[0]}", loc=Loc(str(path))) from error


def with_plan(study: Study, changed: Mapping[str, object]) -> Study:
    """The study with parts of its plan replaced; None leaves a part as it is.

    Raises:
        OptionError: a part that the plan cannot have, or that has no effect on its sampler.
    """
    wanted = {key: value for key, value in changed.items() if value is not None}
    plan = replace(study.plan, **wanted)  # type: ignore[arg-type]  # checked by the plan
    for key in wanted:
        if error := idle(key, plan.sampler):
            raise error
    return replace(study, plan=plan)
