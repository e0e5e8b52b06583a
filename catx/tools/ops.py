"""`catx ops`: print what the frontend understood of a model."""

from typing import Annotated

import typer

from catx.tools.guard import guarded
from catx.tools.options import AllowUnknown, Dims, JsonList, parse_dims

Models = Annotated[list[str], typer.Argument(metavar="MODEL", help="ONNX files, or names of `catx models`.")]


@guarded
def show_ops(
    models: Models, dim: Dims = None, allow_unknown: AllowUnknown = False, as_json: JsonList = False
) -> None:
    """List a model's operators as catx costs them, and the nodes that cost nothing, with reasons."""
    from catx.tools.progress import Progress

    sizes = parse_dims(dim)
    with Progress("starting") as progress:
        from catx.tools.inputs import load_graphs

        graphs = load_graphs(models, sizes, allow_unknown=allow_unknown, progress=progress)
    from catx.tools.streams import emit

    if as_json:
        from catx.tools.lists_json import ops_json

        emit(ops_json(graphs))
        return
    from catx.tools.canvas import stdout_canvas
    from catx.tools.ops_text import ops_text

    canvas = stdout_canvas()
    for graph in graphs:
        ops_text(graph, canvas)
    emit(canvas.text)
