"""What an op waits for: the largest load of its steady state, or its launch."""

from collections.abc import Sequence

from catx.ir.accelerator import LAUNCH, Accelerator


def limit(loads: Sequence[tuple[str, float]], accelerator: Accelerator) -> tuple[str, float]:
    """Name and length [cycle] of the largest load; the name is "launch" where starting the op takes longer.

    Args:
        loads: cycles by name; the first of equal ones counts.
        accelerator: tells the launch overhead of an op.
    """
    name, longest = max(loads, key=lambda load: load[1])
    return LAUNCH if accelerator.launch_s * accelerator.clock_hz > longest else name, longest
