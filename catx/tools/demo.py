"""`catx demo clip`: prune, recover, measure, export and map the embedded CLIP model, end to end."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from catx.tools.app import SETTINGS, App, Verb, Verbs
from catx.tools.guard import guarded
from catx.tools.options import Hardware

app = App(cls=Verbs, no_args_is_help=True, **SETTINGS)

KeepIn = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="DIR", help="Keep both models in this new folder.", show_default=False
    ),
]
Steps = Annotated[int, typer.Option("--recover", metavar="STEPS", help="Of training after the cut.", min=1)]


@app.callback()
def _demo() -> None:
    """Show what catx does, end to end."""


@app.command("clip", cls=Verb)
@guarded
def demo_clip(hw: Hardware = "edge", output: KeepIn = None, recover: Steps = 100) -> None:
    """Prune the embedded CLIP model by half of its heads and MLPs, recover it, and map both."""
    from catx.extras import need

    need("clip", "torch", "open_clip")
    from catx.tools.canvas import stdout_canvas
    from catx.tools.progress import Progress
    from catx.tools.streams import emit

    with tempfile.TemporaryDirectory() as scratch, Progress("loading torch") as progress:
        from catx.frontend.new_files import check_new
        from catx.tools.demo_text import demo_text, run_clip

        folder = Path(output) if output else Path(scratch)
        check_new(folder, ("whole", "pruned"))
        found = run_clip(hw, folder, recover, progress.phase)
        text = demo_text(found, hw, folder if output else None, stdout_canvas())
    emit(text)
