"""What `module` rankings measured, kept between runs: an interrupted ranking goes on where it stopped."""

from catx.content_cache import Shelf

_SHELF = Shelf(
    "clip-importance",
    ("frontend/clip/importance.py", "frontend/clip/metrics.py", "frontend/clip/model.py"),
    ("torch",),
)


class ShelfStore:
    """Values by what was measured, on disk, each for itself: processes that measure at once share them.

    Args:
        key: hashes of the weights and of the data.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def get(self, key: str) -> float | None:
        """The value, None where it was not measured yet."""
        found = _SHELF.load(f"{self._key} {key}")
        return float(found) if isinstance(found, int | float) else None

    def put(self, key: str, value: float) -> None:
        """Keep a value."""
        _SHELF.save(f"{self._key} {key}", value)
