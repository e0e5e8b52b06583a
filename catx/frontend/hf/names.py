"""Names of models of Hugging Face families. No torch."""

import json
from pathlib import Path
from typing import Any

PREFIX, CONFIG = "hf:", "config.json"


def is_hugging_face(name: str) -> bool:
    """Whether a name is meant for this: `hf:...`, or a folder with a config of transformers.

    Example:
        >>> is_hugging_face("hf:bert-base"), is_hugging_face("digits")
        (True, False)
    """
    return name.startswith(PREFIX) or plain_config(name) is not None


def plain_config(folder: str) -> dict[str, Any] | None:
    """The config in a folder, None where there is none of transformers' kind."""
    try:
        data = json.loads((Path(folder) / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # a folder that is no such model: whoever reads it next says what is wrong
    return data if isinstance(data, dict) and "model_type" in data else None
