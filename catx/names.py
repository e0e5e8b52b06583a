"""Names that do not exist: the nearest one that does, and the error that tells both."""

from collections.abc import Iterable
from difflib import get_close_matches

from catx.errors import CatxError, Loc, SpecError

_LONGEST = 100
_SHORTEST_START = 3


def nearest(name: object, known: Iterable[str]) -> str:
    """A question after the nearest known name, or the first that it is the start of; nothing if none is near.

    >>> nearest("egde", ["edge", "edge4"]), nearest("tpu", ["edge"]), nearest("clip", ["clip_vit_b16"])
    ("; did you mean 'edge'?", '', "; did you mean 'clip_vit_b16'?")
    """
    folded = {option.lower(): option for option in known}
    wish = str(name).lower()[:_LONGEST]
    close = get_close_matches(wish, folded, n=1, cutoff=0.6)
    if not close and len(wish) >= _SHORTEST_START:
        close = [option for option in folded if option.startswith(wish)][:1]
    return f"; did you mean {folded[close[0]]!r}?" if close else ""


def listed(names: Iterable[str], most: int = 20) -> str:
    """Names in one line; of many, the first ones and how many there are.

    >>> listed("abc"), listed("abc", 2)
    ('a, b, c', 'a, b, ... (3 in all)')
    """
    all_names = list(names)
    shown = ", ".join(all_names[:most])
    return shown if len(all_names) <= most else f"{shown}, ... ({len(all_names)} in all)"


def unknown_name(
    what: str,
    name: object,
    known: Iterable[str],
    *,
    error: type[CatxError] = SpecError,
    loc: Loc | None = None,
) -> CatxError:
    """The error for a name that does not exist, with the nearest one and all that do."""
    options = list(known)
    text = str(name)
    shown = repr(text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "...")
    return error(
        f"unknown {what} {shown}{nearest(name, options)}", loc=loc, hint=f"known are {', '.join(options)}"
    )
