"""Pipeline: passes run by name, one after the other."""

from collections.abc import Iterable

from catx.errors import CatxError, OptionError
from catx.ir.graph import Graph
from catx.ir.passes import PASSES
from catx.names import unknown_name

DEFAULT = (
    "remove-dead",
    "fold-constants",
    "absorb-transposes",
    "canonicalize",
    "simplify-axes",
    "drop-unit-dims",
    "merge-dims",
    "fuse-elementwise",
)
"""What every model goes through. What nobody reads goes first, as it would look like a reader; patterns need
the model's own dims, so boxes are rewritten after them; fusion comes last, on ops in their final form."""


def run(graph: Graph, names: Iterable[str] = DEFAULT) -> Graph:
    """Run passes on a graph.

    Raises:
        OptionError: a name that no pass has.
        CatxError: a pass failed; a note names it.
    """
    for name in names:
        if name not in PASSES:
            raise unknown_name("pass", name, PASSES, error=OptionError)
        try:
            graph = PASSES[name](graph)
        except CatxError as error:
            error.add_note(f"in pass {name!r}")
            raise
    return graph
