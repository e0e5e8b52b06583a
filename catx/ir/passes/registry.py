"""Registry of passes: name -> pure function from graph to graph."""

from collections.abc import Callable

from catx.ir.graph import Graph

Pass = Callable[[Graph], Graph]
PASSES: dict[str, Pass] = {}


def register(name: str) -> Callable[[Pass], Pass]:
    """Add a pass under its name on the command line."""

    def add(fn: Pass) -> Pass:
        assert name not in PASSES, f"pass {name!r} registered twice"
        PASSES[name] = fn
        return fn

    return add
