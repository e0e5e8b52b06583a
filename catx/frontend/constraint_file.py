"""Constraint files: what a user fixes or bounds of the mappings, as YAML (docs/constraints.md)."""

import os
from pathlib import Path

from catx.frontend.file_kind import CONSTRAINTS
from catx.frontend.hardware.document import Format, read_document
from catx.frontend.text_file import read_text
from catx.ir.constraints import Block

FORM = Format("constraints of one study", "a constraint file starts with `constraints:`", CONSTRAINTS)


def load_constraints(path: str | Path) -> tuple[Block, ...]:
    """The constraints of a file.

    Raises:
        SpecError: the file cannot be read, or everything that is wrong in it, by line.
    """
    return parse_constraints(read_text(path, FORM.max_bytes, CONSTRAINTS), os.fspath(path))


def parse_constraints(text: str, file: str = "<text>") -> tuple[Block, ...]:
    """The constraints that YAML text describes; `file` is what messages call it.

    Example:
        >>> [block] = parse_constraints("constraints: [{tiles: {L2.weight: {k: 64..256}}}]")
        >>> str(block.constraints[0])
        'tiles L2.weight: {k: 64..256}'

    Raises:
        SpecError: listing everything that is wrong, with lines.
    """
    from catx.frontend.constraint_spec import blocks_of  # pydantic is slow to import

    return blocks_of(read_document(text, file, FORM))
