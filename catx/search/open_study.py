"""Studies and their files: begin one, go on with one, read one."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from catx.errors import CatxError, Loc, OptionError, SpecError
from catx.search.grid import AnyStudy
from catx.search.provenance import INPUTS, inputs_of
from catx.search.store import Store, check_new
from catx.search.study import Study
from catx.search.study_json import differences, study_from_json, study_to_json
from catx.search.writer_lock import WriterLock

STUDY = "study"


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


def resume(study: AnyStudy, path: Path) -> Store:
    """The file of a study that was begun, which no one else writes until it is closed.

    How many evaluations are wanted may differ.

    Raises:
        SpecError: no such file, or no study.
        OptionError: it is of another study, or files that it reads have changed; the message tells what. Or
            another run is writing to it.
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
        _check_same(study, there, path)
        _check_inputs(store, study)
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


def _check_inputs(store: Store, study: AnyStudy) -> None:
    """Refuse to go on with other files than those that the evaluations so far were made of."""
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
    """
    store = Store.open(path, read_only=read_only)
    try:
        return store, study_from_json(store.head[STUDY])
    except (KeyError, SpecError) as error:
        store.close()
        raise SpecError(f"no study that can be read: {error.args[0]}", loc=Loc(str(path))) from error


def with_plan(study: Study, changed: Mapping[str, object]) -> Study:
    """The study with parts of its plan replaced; None leaves a part as it is."""
    wanted = {key: value for key, value in changed.items() if value is not None}
    return replace(study, plan=replace(study.plan, **wanted))  # type: ignore[arg-type]  # checked by the plan
