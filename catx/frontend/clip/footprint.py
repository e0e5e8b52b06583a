"""What a recovery itself emits: its time, the power of what it ran on, and the grid."""

from dataclasses import dataclass

from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO
from catx.ir import checks
from catx.units import J_PER_KWH

UNKNOWN_CPU_W = 42.5
"""Power of a processor that nothing is known of [W]: what codecarbon counts then, half of 85 W (its constant
mode; `cpu_power` of emissions files that it wrote)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Energy and carbon of a training of `seconds`, which drew `watts` in all."""

    seconds: float
    watts: float
    energy_j: float
    grid_gco2e_per_kwh: float
    gco2e: float
    source: str


def footprint(
    seconds: float, *, watts: float | None = None, grid_gco2e_per_kwh: float | None = None, machines: int = 1
) -> Footprint:
    """Energy and carbon of a training.

    Args:
        seconds: wall time [s].
        watts: power of all that it ran on [W]; None: that of an unknown processor for each machine.
        grid_gco2e_per_kwh: where it ran; None: the world's mean, as in the default scenario.
        machines: that it ran on.
    """
    checks.amounts("footprint", seconds=seconds)
    checks.counts("footprint", machines=machines)
    power = UNKNOWN_CPU_W * machines if watts is None else watts
    grid = DEFAULT_SCENARIO.grid_gco2e_per_kwh if grid_gco2e_per_kwh is None else grid_gco2e_per_kwh
    checks.positive("footprint", watts=power)
    checks.amounts("footprint", grid_gco2e_per_kwh=grid)
    energy_j = seconds * power
    known = (
        "given" if watts is not None else "ASSUMED: codecarbon's value for a processor that it does not know"
    )
    return Footprint(
        seconds=seconds,
        watts=power,
        energy_j=energy_j,
        grid_gco2e_per_kwh=grid,
        gco2e=energy_j / J_PER_KWH * grid,
        source=f"recovery of the pruned model: {seconds:.4g} s at {power:g} W ({known}), "
        f"a grid of {grid:g} gCO2e/kWh",
    )
