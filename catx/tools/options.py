"""Options that several verbs share, and their values."""

from pathlib import Path
from typing import Annotated

import typer

from catx.arguments import MAX_SIZE, SIZE, refuse
from catx.errors import OptionError
from catx.tools.guard import guarded

Hardware = Annotated[
    str, typer.Option("--hw", metavar="HW", help="Accelerator: a hw.yaml, or a name of `catx hw`.")
]
OutputDir = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Write report.json, mapping.yaml and layers.csv into this folder.",
        show_default=False,
    ),
]
Objective = Annotated[
    str, typer.Option("--objective", metavar="WHAT", help="Minimize latency, energy, edp or carbon.")
]
MapperBudget = Annotated[
    str,
    typer.Option(
        "--mapper-budget",
        metavar="STEPS|TIME",
        help="What proving that no mapping is better may take per einsum: steps of a few microseconds each, "
        "or a time such as `2s`.",
    ),
]
ConstraintFile = Annotated[
    str | None,
    typer.Option(
        "--constraints",
        metavar="FILE",
        help="What to fix or bound of the mappings: a YAML file (docs/constraints.md).",
        show_default=False,
    ),
]
Dims = Annotated[
    list[str] | None,
    typer.Option(
        "--dim",
        metavar="NAME=VALUE",
        help="Size of a dynamic dimension, or value of an input that is one integer; repeatable.",
    ),
]
ScenarioName = Annotated[
    str | None,
    typer.Option(
        "--scenario",
        metavar="NAME",
        help="What carbon assumes: a name of `catx scenarios`, or a YAML file.",
        show_default=False,
    ),
]
MAX_SAMPLES = 10_000_000
Uncertainty = Annotated[
    int,
    typer.Option(
        "--uncertainty",
        metavar="N",
        help="Draw N samples of what carbon is uncertain of; 0: none.",
        min=0,
        max=MAX_SAMPLES,
    ),
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Of the samples.", min=0)]
Json = Annotated[bool, typer.Option("--json", help="Print report.json instead of tables.")]
JsonList = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
AllowUnknown = Annotated[
    bool,
    typer.Option("--allow-unknown", help="Cost the data movement of unknown operators instead of stopping."),
]


@guarded
def _print_version(wanted: bool) -> None:
    if wanted:
        from catx.tools.streams import emit
        from catx.version import VERSION

        emit(f"catx {VERSION}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version),
]


def output_folder(text: str | None, read: Path | None = None) -> Path | None:
    """The folder that -o names, after checking that results can be written there.

    `read` is a file that may lie in it, and stays as it is.
    """
    if text is None:
        return None
    folder = named_folder(text)
    from catx.tools.outputs import MARKS, check_folder

    stays = read.name if read and read.exists() and read.parent.resolve() == folder.resolve() else ""
    check_folder(folder, [name for name in MARKS if name != stays])
    return folder


def named_folder(text: str) -> Path:
    """The folder that -o names; an empty path would be the current one."""
    if not text:
        raise OptionError("-o '': an empty path names no folder", hint="write `-o .` for the current folder")
    return Path(text)


def parse_dims(pairs: list[str] | None) -> dict[str, int]:
    """Sizes by name from `name=value` texts.

    >>> parse_dims(["batch=1", "tokens=77"])
    {'batch': 1, 'tokens': 77}
    """
    dims: dict[str, int] = {}
    for pair in pairs or []:
        name, equals, value = pair.rpartition("=")
        if not equals or not name.strip():
            raise OptionError(f"--dim {pair!r}: expected NAME=VALUE", hint="for example `--dim batch=1`")
        digits = value.strip()
        plain = digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_SIZE))
        if not plain or not 1 <= int(digits) <= MAX_SIZE:
            raise refuse(f"--dim {name.strip()}", SIZE, digits, hint="for example `--dim batch=1`")
        if dims.setdefault(name.strip(), int(digits)) != int(digits):
            raise OptionError(f"--dim {name.strip()} is given twice, with different values")
    return dims
