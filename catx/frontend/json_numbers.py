"""Numbers of JSON files: Python reads NaN and infinities, which JSON does not have."""

from typing import NoReturn


def no_number(name: str) -> NoReturn:
    """For `parse_constant` of `json.loads`: refuse what is no number.

    Raises:
        ValueError: always, as for other text that is no JSON.
    """
    raise ValueError(f"{name} is no number")
