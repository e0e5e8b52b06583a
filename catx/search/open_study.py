"""Studies and their files: begin one, go on with one, read one."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from catx.errors import Loc, OptionError, OutputError, SpecError
from catx.search.store import Store
from catx.search.study import Study
from catx.search.study_json import differences, study_from_json, study_to_json
from catx.search.versions import versions_text

STUDY, VERSIONS = "study", "versions"


def begin(study: Study, path: Path) -> Store:
    """A new file of a study.

    Raises:
        OutputError: there is a file already, or none can be made.
    """
    try:
        return Store.create(path, {STUDY: study_to_json(study), VERSIONS: versions_text()})
    except OutputError as error:
        if path.is_file():
            raise OutputError(
                "exists already",
                loc=Loc(str(path)),
                hint="`--resume` goes on with it; `-o` names another file",
            ) from None
        raise error


def resume(study: Study, path: Path) -> Store:
    """The file of a study that was begun; how many evaluations are wanted may differ.

    Raises:
        SpecError: no such file, or no study.
        OptionError: it is of another study; the message tells what differs.
    """
    store, there = read(path, read_only=False)
    if odd := differences(there, study):
        store.close()
        raise OptionError(
            f"it is of another study: {', '.join(odd)} differ{'s' if len(odd) == 1 else ''}",
            loc=Loc(str(path)),
            hint="go on with the study as it was, or name another file with -o",
        )
    store.put(STUDY, study_to_json(study))
    return store


def read(path: Path, *, read_only: bool = True) -> tuple[Store, Study]:
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
