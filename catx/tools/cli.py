"""The command line: verbs and entry points. What a verb needs is imported when it runs."""

import typer

from catx.tools import hw
from catx.tools.compile import compile_models
from catx.tools.evaluate import evaluate_models
from catx.tools.models import list_models
from catx.tools.ops import show_ops
from catx.tools.options import Version
from catx.tools.scenarios import list_scenarios

_SETTINGS = {"help_option_names": ["-h", "--help"]}


def _catx(version: Version = False) -> None:
    """Map neural networks onto accelerators: latency, energy, area and carbon, each number traceable."""


def _app() -> typer.Typer:
    return typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, context_settings=_SETTINGS, no_args_is_help=True
    )


catx = _app()
catx.callback()(_catx)
catx.command("compile")(compile_models)
catx.command("evaluate")(evaluate_models)
catx.command("ops")(show_ops)
catx.command("models")(list_models)
catx.add_typer(hw.app, name="hw")
catx.command("scenarios")(list_scenarios)


def main() -> None:
    """Entry point of `catx`."""
    catx(prog_name="catx")


def compile_main() -> None:
    """Entry point of `catx-compile`, which is `catx compile`."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings=_SETTINGS)
    app.command()(compile_models)
    app(prog_name="catx-compile")
