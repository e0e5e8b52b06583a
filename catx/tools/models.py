"""`catx models`: list the built-in models."""

from catx.tools.guard import guarded


@guarded
def list_models() -> None:
    """List the models that come with catx."""
    from catx.frontend.models import builtin_models
    from catx.tools.canvas import Column, stdout_canvas
    from catx.tools.streams import emit

    canvas = stdout_canvas()
    canvas.title("Models", "use a name wherever a MODEL is expected")
    canvas.table((Column("name"), Column("description"), Column("source")), builtin_models())
    emit(canvas.text)
