"""`catx models`: list the built-in models."""

from itertools import groupby

from catx.tools.guard import guarded
from catx.tools.options import JsonList


@guarded
def list_models(as_json: JsonList = False) -> None:
    """List the models that come with catx."""
    from catx.frontend.models import builtin_models
    from catx.tools.streams import emit

    if as_json:
        from catx.tools.lists_json import models_json

        emit(models_json(builtin_models().values()))
        return
    from catx.tools.canvas import Column, stdout_canvas

    canvas = stdout_canvas()
    canvas.title("Models", "use a name wherever a MODEL is expected")
    models = builtin_models().values()
    canvas.table((Column("name"), Column("description")), ((m.name, m.description) for m in models))
    canvas.title("Sources")
    for source, group in groupby(models, lambda model: model.source):
        canvas.paragraph(f"{', '.join(model.name for model in group)}: {source}")
    emit(canvas.text)
