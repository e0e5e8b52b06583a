"""Views: from a tensor that is another one seen differently to the tensor that holds its data."""

from collections.abc import Iterable, Mapping

from catx.errors import GraphError


class Holders:
    """Finds what holds the data of a tensor, through all its views.

    What was found is remembered, so that long chains of views are walked once. A holder may become a view of
    something else later (`add`).
    """

    def __init__(self, views: Mapping[str, str] | Iterable[tuple[str, str]]) -> None:
        self._behind = dict(views)

    def find(self, tensor: str) -> str:
        """The tensor that holds the data of `tensor`: itself, if it is no view.

        Raises:
            GraphError: it is a view of itself.
        """
        passed: dict[str, None] = {}
        while tensor in self._behind:
            if tensor in passed:
                raise GraphError(f"tensor {tensor!r} is a view of itself")
            passed[tensor] = None
            tensor = self._behind[tensor]
        self._behind.update(dict.fromkeys(passed, tensor))
        return tensor

    def add(self, view: str, tensor: str) -> None:
        """Make a view of a tensor that was none."""
        assert view not in self._behind, view
        self._behind[view] = tensor


def with_holders(names: Iterable[str], views: Mapping[str, str]) -> dict[str, None]:
    """Names, and those of all tensors behind them, each once: first the names, then what is behind."""
    found = dict.fromkeys(names)
    for name in list(found):
        while (holder := views.get(name)) is not None and holder not in found:
            found[holder] = None
            name = holder
    return found
