"""What the mapper minimizes: latency, energy, their product, or carbon."""

from dataclasses import dataclass
from typing import Literal, get_args

from catx.errors import OptionError
from catx.names import unknown_name

ObjectiveName = Literal["latency", "energy", "edp", "carbon"]
_NAMES: tuple[ObjectiveName, ...] = get_args(ObjectiveName)
OBJECTIVES: tuple[str, ...] = _NAMES


def objective_name(text: object) -> ObjectiveName:
    """The objective of that name.

    Raises:
        OptionError: there is none; the message tells the nearest one.
    """
    for name in _NAMES:
        if name == text:
            return name
    raise unknown_name("objective", text, OBJECTIVES, error=OptionError)


@dataclass(frozen=True, slots=True)
class Objective:
    """A name, and for carbon its rates: an op costs `gco2e_per_j * energy + gco2e_per_s * latency`.

    Energy includes the chip's static power over the op's latency. Ties go to the lower latency, or to the
    lower energy where latency itself is minimized.
    """

    name: ObjectiveName
    gco2e_per_j: float = 0.0
    gco2e_per_s: float = 0.0

    def __post_init__(self) -> None:
        objective_name(self.name)

    def value(self, energy_j: float, latency_s: float) -> float:
        """The number to minimize: [s], [J], [J s] or [gCO2e]."""
        if self.name == "latency":
            return latency_s
        if self.name == "energy":
            return energy_j
        if self.name == "edp":
            return energy_j * latency_s
        return self.gco2e_per_j * energy_j + self.gco2e_per_s * latency_s

    def rank(self, energy_j: float, latency_s: float) -> tuple[float, float]:
        """The number to minimize, and what decides ties."""
        return self.value(energy_j, latency_s), energy_j if self.name == "latency" else latency_s
