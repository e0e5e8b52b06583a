"""What ends a verb: results, mistakes of the user, bugs, a closed pipe, Ctrl-C; each with its exit code."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer

from catx.errors import CatxError
from catx.tools.interrupt import INTERRUPTED
from catx.tools.streams import drop_output, tell, tell_error

USER_ERROR = 2
BROKEN_PIPE = 141
"""Exit codes, with `INTERRUPTED`; that of a pipe is 128 + its signal's number. Bugs exit with 1."""

P = ParamSpec("P")


def guarded(verb: Callable[P, None]) -> Callable[P, None]:
    """The verb with its errors told on standard error and turned into exit codes; bugs pass through."""

    @wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            verb(*args, **kwargs)
        except CatxError as error:
            tell_error(error)
            raise typer.Exit(USER_ERROR) from None
        except KeyboardInterrupt as stopped:
            for line in ("interrupted", *getattr(stopped, "__notes__", ())):  # what is left of the work
                tell(line)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            drop_output()
            raise typer.Exit(BROKEN_PIPE) from None

    return run
