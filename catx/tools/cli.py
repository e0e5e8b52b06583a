"""The command line: verbs and entry points. What a verb needs is imported when it runs."""

import sys

from catx.tools import demo, hw, search
from catx.tools.app import SETTINGS, App, Verb, Verbs
from catx.tools.compare import compare_reports
from catx.tools.compile import compile_models
from catx.tools.components import show_components
from catx.tools.evaluate import evaluate_models
from catx.tools.explain import explain_number
from catx.tools.models import list_models
from catx.tools.ops import show_ops
from catx.tools.options import Version
from catx.tools.plot import plot_reports
from catx.tools.prune import prune_model
from catx.tools.scenarios import list_scenarios
from catx.tools.sensitivity import show_sensitivity
from catx.tools.study import run_grid


def _catx(version: Version = False) -> None:
    """Map neural networks onto accelerators: latency, energy, area and carbon, each number traceable."""


catx = App(cls=Verbs, no_args_is_help=True, **SETTINGS)
catx.callback()(_catx)
catx.command("compile", cls=Verb)(compile_models)
catx.command("evaluate", cls=Verb)(evaluate_models)
catx.command("sensitivity", cls=Verb)(show_sensitivity)
catx.command("ops", cls=Verb)(show_ops)
catx.command("explain", cls=Verb)(explain_number)
catx.command("compare", cls=Verb)(compare_reports)
catx.command("plot", cls=Verb)(plot_reports)
catx.command("prune", cls=Verb)(prune_model)
catx.add_typer(search.app, name="search")
catx.command("study", cls=Verb)(run_grid)
catx.add_typer(demo.app, name="demo")
catx.command("models", cls=Verb)(list_models)
catx.add_typer(hw.app, name="hw")
catx.command("scenarios", cls=Verb)(list_scenarios)
catx.command("components", cls=Verb)(show_components)


def main() -> None:
    """Entry point of `catx`."""
    catx(prog_name="catx")


def search_main() -> None:
    """Entry point of `catx-search`, which is `catx search`."""
    catx(["search", *sys.argv[1:]], prog_name="catx")


def study_main() -> None:
    """Entry point of `catx-study`, which is `catx study`."""
    app = App(**SETTINGS)
    app.command(cls=Verb)(run_grid)
    app(prog_name="catx-study")


def compile_main() -> None:
    """Entry point of `catx-compile`, which is `catx compile`."""
    app = App(**SETTINGS)
    app.command(cls=Verb)(compile_models)
    app(prog_name="catx-compile")
