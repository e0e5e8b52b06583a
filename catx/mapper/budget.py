"""How many steps a proof may take."""

BUDGET = 10_000
"""Where nothing else is asked for: partial nests, boxes and bounds of unrollings, a few microseconds each."""

MAX_BUDGET = 10**12
"""More are refused: they would take months."""
