"""Operators that move data: do places, updates and blocks fit the data?"""

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.fits.expect import Shape, has_shape, integer, known_shapes, misfit


def gather(call: Call) -> None:
    """Gather: known places lie within the axis."""
    found, places = known_shapes(call, 0), call.data_at(1)
    axis = integer(call, "axis", 0)
    if not found or not -len(found[0]) <= axis < len(found[0]):
        return
    if places is None or not places.size or places.dtype.kind not in "iu":
        return
    extent = found[0][axis]
    if int(places.min()) < -extent or int(places.max()) >= extent:
        bad = int(places.min()) if int(places.min()) < -extent else int(places.max())
        raise call.error(
            f"it takes index {bad} of axis {axis} of x {list(found[0])}; expected {-extent} to {extent - 1}"
        )


def _data_and_places(call: Call) -> list[Shape] | None:
    """Data and places, which must have as many axes; None where a shape is not known."""
    found = known_shapes(call, 0, 1)
    if found is not None and len(found[1]) != len(found[0]):
        raise misfit(call, 1, "indices", f"{len(found[0])} axes, as data {list(found[0])}")
    return found


def gather_elements(call: Call) -> None:
    """GatherElements: as many axes in places as in data, none longer but the one along which it gathers."""
    found = _data_and_places(call)
    if found is None:
        return
    data, places = found
    axis = integer(call, "axis", 0) % max(len(data), 1)
    if any(i != axis and place > extent for i, (place, extent) in enumerate(zip(places, data, strict=True))):
        raise misfit(call, 1, "indices", f"at most {list(data)} (data) on all axes but {axis}")


def scatter_elements(call: Call) -> None:
    """ScatterElements: an update per place, as many axes as the data."""
    found = _data_and_places(call)
    if found is not None:
        has_shape(call, 2, "updates", [found[1]], "as indices")


def scatter_nd(call: Call) -> None:
    """ScatterND: the last axis of the places is an index, the updates are what stands there."""
    found = known_shapes(call, 0, 1)
    if found is None or not found[1]:
        return
    data, places = found
    if places[-1] > len(data):
        raise misfit(
            call, 1, "indices", f"at most {len(data)} on the last axis, as data {list(data)} has axes"
        )
    expected = (*places[:-1], *data[places[-1] :])
    has_shape(call, 2, "updates", [expected], f"a part of data {list(data)} per index of {list(places)}")


def depth_to_space(call: Call) -> None:
    """DepthToSpace: blocksize^2 channels become one."""
    found, size = known_shapes(call, 0), integer(call, "blocksize", 1)
    if found and len(found[0]) == 4 and size > 0 and found[0][1] % size**2:
        raise misfit(call, 0, "x", f"a multiple of blocksize^2 = {size**2} channels (axis 1)")


def space_to_depth(call: Call) -> None:
    """SpaceToDepth: blocks of blocksize x blocksize positions become channels."""
    found, size = known_shapes(call, 0), integer(call, "blocksize", 1)
    if found and len(found[0]) == 4 and size > 0 and any(extent % size for extent in found[0][2:]):
        raise misfit(call, 0, "x", f"multiples of blocksize = {size} on axes 2 and 3")


def max_unpool(call: Call) -> None:
    """MaxUnpool: a place for every value."""
    if found := known_shapes(call, 0):
        has_shape(call, 1, "indices", [found[0]], "as x")
