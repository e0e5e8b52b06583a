"""LSTM, GRU, RNN: do weights, biases and states fit the sequence and each other?"""

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.fits.expect import has_shape, integer, known_shapes, misfit
from catx.names import nearest

GATES = {"LSTM": 4, "DynamicQuantizeLSTM": 4, "GRU": 3, "RNN": 1}
LONG = ("LSTM", "DynamicQuantizeLSTM")
"""Operators with a cell state and peepholes."""
DIRECTIONS = {"forward": 1, "reverse": 1, "bidirectional": 2}


def recurrent(call: Call) -> None:
    """All inputs against the sequence, the number of directions and the hidden size."""
    direction = call.attributes.get("direction", "forward")
    if not isinstance(direction, str) or direction not in DIRECTIONS:
        raise call.error(
            f"direction is {direction!r}{nearest(direction, DIRECTIONS)}",
            hint=f"known are {', '.join(DIRECTIONS)}",
        )
    found = known_shapes(call, 0, 2)
    if found is None:
        return
    x, r = found
    for place, role, shape, meaning in (
        (0, "X", x, "steps, batch, input size (layout 1: batch, steps, input size)"),
        (2, "R", r, "directions, gates * hidden size, hidden size"),
    ):
        if len(shape) != 3:
            raise misfit(call, place, role, f"3 axes: {meaning}")
    long = call.op in LONG
    turned = call.op == "DynamicQuantizeLSTM"
    directions, gates = DIRECTIONS[direction], GATES[call.op]
    hidden = integer(call, "hidden_size", r[1] if turned else r[2])
    wide = gates * hidden
    told = f"{directions} direction{'s' * (directions > 1)}, {gates} x hidden size {hidden}"
    w_shape, r_shape = (wide, x[2]), (wide, hidden)
    if turned:
        w_shape, r_shape = (x[2], wide), (hidden, wide)
    has_shape(call, 1, "W", [(directions, *w_shape)], f"{told}, input size {x[2]} of X {list(x)}")
    has_shape(call, 2, "R", [(directions, *r_shape)], f"{told}, hidden size {hidden}")
    has_shape(call, 3, "B", [(directions, 2 * wide)], f"{told}, two biases each")
    first = integer(call, "layout", 0)
    batch = x[0] if first else x[1]
    has_shape(call, 4, "sequence_lens", [(batch,)], f"one per entry of the batch of X {list(x)}")
    state = (batch, directions, hidden) if first else (directions, batch, hidden)
    meaning = (
        f"{directions} direction{'s' * (directions > 1)}, batch {batch} of X {list(x)}, hidden size {hidden}"
    )
    has_shape(call, 5, "initial_h", [state], meaning)
    if long:
        has_shape(call, 6, "initial_c", [state], meaning)
        has_shape(call, 7, "P", [(directions, 3 * hidden)], f"peepholes of 3 gates of hidden size {hidden}")
