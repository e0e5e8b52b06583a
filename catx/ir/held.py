"""Held: how many of a constant's numbers the model's file holds, whatever was computed ahead of time."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """The tensor of the file whose numbers a constant has, and how many these are.

    Constants of the same source hold the same numbers, rearranged or converted: they count once. 0 numbers
    are held by what is computed from shapes and single numbers alone: masks, positions.
    """

    source: str
    elements: int


@dataclass(frozen=True, slots=True)
class Part:
    """A constant that another one is computed from; `is_bool` marks those that only choose."""

    held: Held
    is_bool: bool = False


NOTHING = Held("", 0)


def derived(name: str, elements: int, parts: Sequence[Part], *, is_bool: bool, joins: bool = False) -> Held:
    """What a computed constant holds.

    A copy of one tensor's numbers keeps their source, repeated or not. A piece of a tensor, and what several
    tensors were combined into, is a source of its own: the piece as large as it is, a combination as its
    largest part. Single numbers are no parts, and neither is what only chooses.

    Args:
        name: of the constant.
        elements: how many numbers it has.
        parts: what it is computed from.
        is_bool: whether it holds truth values, which are nobody's parameters once computed.
        joins: whether its parts stand side by side in it (a concatenation).
    """
    found = [part.held for part in parts if part.held.elements > 1 and not part.is_bool]
    if is_bool or not found:
        return NOTHING
    largest = max(held.elements for held in found)
    if len(found) == 1 and elements >= largest:
        return found[0]
    return Held(name, min(elements, sum(held.elements for held in found) if joins else largest))
