"""`catx hw`: list, show and describe accelerators."""

import os
from typing import Annotated

import typer

from catx.errors import Loc, OptionError
from catx.tools.app import Verb, Verbs
from catx.tools.guard import guarded
from catx.tools.options import JsonList

app = typer.Typer(
    cls=Verbs, help="List the built-in accelerators, print one, or print the format of hw.yaml."
)


@app.callback(invoke_without_command=True)
def list_hardware(context: typer.Context, as_json: JsonList = False) -> None:
    """List the built-in accelerators; `show` prints one, `schema` the format of hw.yaml."""
    if context.invoked_subcommand is None:
        _list(as_json)
    elif as_json:
        _refuse_json(context.invoked_subcommand)


@app.command(cls=Verb)
@guarded
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A name of `catx hw`; with --expand also a hw.yaml.")
    ],
    expand: Annotated[
        bool,
        typer.Option("--expand", help="Print the general form, with every number of a template filled in."),
    ] = False,
) -> None:
    """Print an accelerator's hw.yaml: a starting point for your own."""
    from catx.frontend.hardware import accelerator_text, builtin_names, dump_accelerator, load_accelerator
    from catx.tools.streams import emit

    if expand:
        emit(dump_accelerator(load_accelerator(name)))
        return
    if name not in builtin_names() and os.path.isfile(name):
        raise OptionError("a file is shown in its general form only", loc=Loc(name), hint="add --expand")
    emit(accelerator_text(name))


@app.command(cls=Verb)
@guarded
def schema() -> None:
    """Print the JSON schema of hw.yaml, for editors that complete it."""
    from catx.frontend.hardware.schema import schema_text
    from catx.tools.streams import emit

    emit(schema_text())


@guarded
def _refuse_json(verb: str) -> None:
    raise OptionError("--json prints the list", hint=f"leave it out: `catx hw {verb}` prints text")


@guarded
def _list(as_json: bool) -> None:
    from catx.frontend.hardware import DEFAULT, builtin_accelerators
    from catx.tools.streams import emit

    if as_json:
        from catx.tools.lists_json import accelerators_json

        emit(accelerators_json(builtin_accelerators(), DEFAULT))
        return
    from catx.tools.canvas import Column, stdout_canvas

    canvas = stdout_canvas()
    canvas.title("Accelerators", "use a name with --hw; `catx hw show NAME` prints it, with sources")
    machines = ((name, description) for name, description, _ in builtin_accelerators())
    canvas.table((Column("name"), Column("description")), machines)
    emit(canvas.text)
