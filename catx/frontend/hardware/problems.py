"""Problems of a hardware file: each with its place, and one error that tells them all."""

from dataclasses import dataclass
from typing import NoReturn

from catx.errors import Loc, SpecError

KeyPath = tuple[str | int, ...]
"""Where in the document: keys and list positions, outermost first."""

MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that the user has to fix."""

    message: str
    path: KeyPath
    line: int
    hint: str = ""


def show_path(path: KeyPath) -> str:
    """The path as people write it: `levels[1].capacity`."""
    text = ""
    for part in path:
        word = f"[{part}]" if isinstance(part, int) else visible(part)
        text += word if isinstance(part, int) or not text else f".{word}"
    return text


def visible(text: str, most: int = 40) -> str:
    """The text on one line, control characters escaped, cut where it is long."""
    cut = text if len(text) <= most else text[: most - 3] + "..."
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut)


def fail(file: str, problems: list[Problem]) -> NoReturn:
    """Raise one SpecError: at the place of the only problem, or listing several in file order."""
    problems = sorted(set(problems), key=lambda problem: (problem.line, show_path(problem.path)))
    if len(problems) == 1:
        only = problems[0]
        raise SpecError(only.message, loc=_loc(file, only), hint=only.hint)
    shown = problems[:MAX_SHOWN]
    lines = [f"{_loc(file, problem)}: {problem.message}" for problem in shown]
    if len(problems) > len(shown):
        lines.append(f"... and {len(problems) - len(shown)} more")
    hints = "; ".join(dict.fromkeys(problem.hint for problem in shown if problem.hint))
    raise SpecError(
        "\n  ".join([f"{len(problems)} problems", *lines]), loc=Loc(file, line=problems[0].line), hint=hints
    )


def _loc(file: str, problem: Problem) -> Loc:
    return Loc(file, where=show_path(problem.path), line=problem.line)
