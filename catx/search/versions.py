"""Which versions made the numbers of a study."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from catx.content_cache import code_digest
from catx.version import VERSION

NUMERIC = ("numpy", "numba", "scipy", "onnx", "torch", "open_clip_torch", "transformers")
"""Packages that evaluations compute with."""

_SAMPLERS = ("deap", "moocore", "scikit-learn", "pymoo", "botorch", "gpytorch")

_CODE = ("**/*.py", "data/**/*.*")
"""Files of catx that numbers may depend on."""


def code_here() -> str:
    """A hash of the files of catx."""
    return code_digest(_CODE)


def python_version() -> str:
    """The version of Python, but for what only mends it."""
    return ".".join(platform.python_version_tuple()[:2])


def numeric_versions() -> dict[str, str]:
    """Versions that evaluations depend on, of what is installed: catx, Python and packages."""
    return {"catx": VERSION, "python": python_version()} | _installed(NUMERIC)


def versions_text() -> str:
    """All versions that a study depends on, in a line."""
    found = {"catx": VERSION, "python": platform.python_version()} | _installed((*NUMERIC, *_SAMPLERS))
    return ", ".join(f"{name} {version}" for name, version in found.items())


def versions_in(text: str) -> dict[str, str]:
    """The versions of such a line, by name."""
    words = (part.partition(" ") for part in text.split(", "))
    return {name: version for name, _, version in words}


def _installed(packages: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # an extra that is not installed took no part
    return found


def unlike(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """What differs between two machines, in words; empty where nothing does.

    A package that one of them does not have is no difference: what needs it says so there. catx and Python
    both have.
    """
    found = [
        f"{name} {there[name]}, here it is {mine}"
        for name, mine in here.items()
        if there.get(name, mine) != mine
    ]
    if "catx" not in there:
        found.insert(0, "no catx")
    return "; ".join(found)
