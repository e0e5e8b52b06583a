"""Constraints as a file that `--constraints` reads: the inverse of `load_constraints`."""

from collections.abc import Sequence
from typing import Any

import yaml

from catx.ir.constraints import Block, Constraint, Keep, Order, Range, Unroll

FILE = "constraints.yaml"


def constraints_text(blocks: Sequence[Block]) -> str:
    """The YAML of blocks.

    Example:
        >>> from catx.frontend.constraint_file import parse_constraints
        >>> print(constraints_text(parse_constraints("constraints: [{bypass: {GLB: [weight]}}]")))
        constraints:
        - for:
          - '*'
          bypass:
            GLB:
            - weight
        <BLANKLINE>
    """
    return yaml.safe_dump({"constraints": [_block(block) for block in blocks]}, sort_keys=False, width=110)


def _block(block: Block) -> dict[str, Any]:
    found: dict[str, Any] = {"for": list(block.patterns)}
    for one in block.constraints:
        _add(found, one)
    return found


def _add(found: dict[str, Any], one: Constraint) -> None:
    """Write a constraint into its block."""
    if isinstance(one, Keep):
        found.setdefault("keep" if one.kept else "bypass", {}).setdefault(one.memory, []).append(one.role)
        return
    if isinstance(one, Unroll):
        key, name = "unroll", f"{one.fanout}.{one.axis}"
    else:
        key = "order" if isinstance(one, Order) else "tiles"
        name = one.memory if one.role is None else f"{one.memory}.{one.role}"
    if isinstance(one, Order):
        found.setdefault(key, {})[name] = list(one.dims)
        return
    size = one.factor if isinstance(one, Unroll) else one.extent
    found.setdefault(key, {}).setdefault(name, {})[one.dim or "*"] = _range(size)


def _range(size: Range) -> int | str:
    text = str(size)
    return int(text) if text.isdigit() else text
