"""`catx hw`: list, show and describe accelerators."""

from typing import Annotated

import typer

from catx.tools.guard import guarded

app = typer.Typer(help="List the built-in accelerators, print one, or print the format of hw.yaml.")


@app.callback(invoke_without_command=True)
def list_hardware(context: typer.Context) -> None:
    """List the built-in accelerators; `show` prints one, `schema` the format of hw.yaml."""
    if context.invoked_subcommand is None:
        _list()


@app.command()
@guarded
def show(
    name: Annotated[str, typer.Argument(help="A name of `catx hw`; with --expand also a hw.yaml.")],
    expand: Annotated[
        bool,
        typer.Option("--expand", help="Print the general form, with every number of a template filled in."),
    ] = False,
) -> None:
    """Print an accelerator's hw.yaml: a starting point for your own."""
    from catx.frontend.hardware import accelerator_text, dump_accelerator, load_accelerator
    from catx.tools.streams import emit

    emit(dump_accelerator(load_accelerator(name)) if expand else accelerator_text(name))


@app.command()
@guarded
def schema() -> None:
    """Print the JSON schema of hw.yaml, for editors that complete it."""
    from catx.frontend.hardware.schema import schema_text
    from catx.tools.streams import emit

    emit(schema_text())


@guarded
def _list() -> None:
    from catx.frontend.hardware import builtin_accelerators
    from catx.tools.canvas import Column, stdout_canvas
    from catx.tools.streams import emit

    canvas = stdout_canvas()
    canvas.title("Accelerators", "use a name with --hw; `catx hw show NAME` prints it, with sources")
    machines = ((name, description) for name, description, _ in builtin_accelerators())
    canvas.table((Column("name"), Column("description")), machines)
    emit(canvas.text)
