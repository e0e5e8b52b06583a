"""What `module` rankings measured, kept between runs: an interrupted ranking goes on where it stopped."""

from catx.content_cache import Shelf

_SHELF = Shelf(
    "clip-importance",
    ("frontend/clip/importance.py", "frontend/clip/metrics.py", "frontend/clip/model.py"),
    ("torch",),
)


class ShelfStore:
    """Values by what was measured, on disk: one entry for a model and its calibration data.

    Args:
        key: hashes of the weights and of the data.
    """

    def __init__(self, key: str) -> None:
        self._key = key
        loaded = _SHELF.load(key)
        self._values: dict[str, float] = loaded if isinstance(loaded, dict) else {}

    def get(self, key: str) -> float | None:
        """The value, None where it was not measured yet."""
        return self._values.get(key)

    def put(self, key: str, value: float) -> None:
        """Keep a value."""
        self._values[key] = value
        _SHELF.save(self._key, self._values)
