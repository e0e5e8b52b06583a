"""What a node expects of the shapes of its inputs, and how a mismatch is told."""

from collections.abc import Sequence

from catx.errors import ModelError
from catx.frontend.onnx.call import Call
from catx.frontend.onnx.names import shown

Shape = tuple[int, ...]


def known_shapes(call: Call, *places: int) -> list[Shape] | None:
    """Shapes of some inputs; None where one is missing or not known."""
    shapes = [shape for shape in (call.shape_at(place) for place in places) if shape is not None]
    return shapes if len(shapes) == len(places) else None


def integer(call: Call, name: str, default: int) -> int:
    """An integer attribute; the default where it is missing or of another type, which is told elsewhere."""
    value = call.attributes.get(name, default)
    return value if isinstance(value, int) else default


def integers(call: Call, name: str, default: Sequence[int]) -> list[int]:
    """A list of integers; the default where it is missing, empty or of another type or length."""
    value = call.attributes.get(name)
    good = isinstance(value, list) and len(value) == len(default) and all(isinstance(i, int) for i in value)
    return list(value) if isinstance(value, list) and good else list(default)


def misfit(call: Call, place: int, role: str, expected: str) -> ModelError:
    """The error for an input whose shape does not fit: which one, what it has, what was expected."""
    shape = call.shape_at(place)
    found = f"shape {list(shape)}" if shape is not None else "no shape"
    return call.error(
        f"{role} {shown(call.node.input[place])} (input {place}) has {found}; expected {expected}"
    )


def has_shape(call: Call, place: int, role: str, options: Sequence[Shape], meaning: str) -> None:
    """Refuse an input whose shape is none of the options.

    Args:
        call: the node.
        place: the input; one that is missing fits.
        role: what the input is to the operator.
        options: shapes that fit.
        meaning: what the extents are.
    """
    shape = call.shape_at(place)
    if shape is not None and shape not in options:
        listed = " or ".join(str(list(option)) for option in dict.fromkeys(options))
        raise misfit(call, place, role, f"{listed}: {meaning}")


def broadcasts(call: Call, place: int, role: str, target: Shape, meaning: str) -> None:
    """Refuse an input that does not broadcast to a shape without changing it."""
    shape = call.shape_at(place)
    if shape is None:
        return
    aligned = target[len(target) - len(shape) :] if len(shape) <= len(target) else ()
    if len(shape) > len(target) or any(
        own not in (1, extent) for own, extent in zip(shape, aligned, strict=True)
    ):
        raise misfit(call, place, role, f"one that broadcasts to {list(target)}: {meaning}")


def per_channel(call: Call, place: int, role: str, channels: int, of: str) -> None:
    """Refuse a vector that has neither one number nor one per channel; a tensor of more axes is let pass."""
    shape = call.shape_at(place)
    if shape is not None and len(shape) == 1 and shape[0] not in (1, channels):
        raise misfit(call, place, role, f"one number, or [{channels}]: one per {of}")
