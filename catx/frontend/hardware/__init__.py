"""Hardware files: YAML descriptions of accelerators, built in or a user's own."""

from catx.frontend.hardware.dump import dump_accelerator
from catx.frontend.hardware.load import (
    DEFAULT,
    accelerator_text,
    builtin_accelerators,
    builtin_names,
    load_accelerator,
    parse_accelerator,
)
from catx.frontend.hardware.schema import accelerator_schema

__all__ = [
    "DEFAULT",
    "accelerator_schema",
    "accelerator_text",
    "builtin_accelerators",
    "builtin_names",
    "dump_accelerator",
    "load_accelerator",
    "parse_accelerator",
]
