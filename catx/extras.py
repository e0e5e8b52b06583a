"""Packages that only some features need: an error that says which extra installs what is missing."""

from importlib.util import find_spec

from catx.errors import CatxError


class ExtraError(CatxError):
    """A feature whose packages are not installed."""


def need(extra: str, *modules: str) -> None:
    """Check that the packages of an extra are there.

    Args:
        extra: as in `pip install 'catx[extra]'`.
        modules: what is imported from it.

    Raises:
        ExtraError: naming what is missing, and how to install it.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise ExtraError(
            f"this needs {', '.join(missing)}, which catx[{extra}] brings",
            hint=f"python -m pip install 'catx[{extra}]'",
        )
