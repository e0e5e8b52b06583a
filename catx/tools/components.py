"""`catx components`: what the component library has, and the numbers of one component with their sources."""

from typing import Annotated, Any

import typer

from catx.errors import OptionError
from catx.tools.guard import guarded
from catx.tools.options import JsonList

ClassName = Annotated[
    str | None, typer.Argument(metavar="CLASS", help="Such as `sram`; without one, all are listed.")
]
Settings = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME=VALUE", help="Its parameters, such as `capacity=4MiB width=128`."),
]
NodeOption = Annotated[str, typer.Option("--node", metavar="NM", help="Technology node, such as `22 nm`.")]
Capacity = Annotated[str | None, typer.Option("--capacity", help="The same as `capacity=SIZE`.")]


@guarded
def show_components(
    component: ClassName = None,
    settings: Settings = None,
    node: NodeOption = "22 nm",
    capacity: Capacity = None,
    as_json: JsonList = False,
) -> None:
    """List the component library, or print the numbers of one component with their sources."""
    from catx.costmodel.components.registry import resolve
    from catx.tools.components_text import (
        component_json,
        component_text,
        library_json,
        library_text,
        node_nm_of,
        params_of,
    )
    from catx.tools.streams import emit

    canvas: Any = None
    if not as_json:
        from catx.tools.canvas import stdout_canvas

        canvas = stdout_canvas()
    if component is None:
        if settings or capacity:
            raise OptionError("parameters without a class", hint="`catx components` lists the classes")
        emit(library_json() if as_json else library_text(canvas))
        return
    pairs = [*(settings or ()), *([f"capacity={capacity}"] if capacity else [])]
    params = params_of(component, pairs)
    nm = node_nm_of(node)
    found = resolve(component, node_nm=nm, **params)
    emit(
        component_json(component, nm, params, found)
        if as_json
        else component_text(component, nm, params, found, canvas)
    )
