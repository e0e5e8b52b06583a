"""The Pareto front of (energy, latency) over the mappings of one einsum, and which of its points to take."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from catx.arguments import instance
from catx.ir.accelerator import Accelerator
from catx.ir.counts import Counts, Steady
from catx.ir.mapping import Mapping

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Numbers = TypeVar("_Numbers", float, "NDArray[np.float64]")


def latency_s(cycles: _Numbers, accelerator: Accelerator) -> _Numbers:
    """Latency of an einsum that takes so many cycles, with the launch of the op [s]; of arrays, too."""
    return cycles / accelerator.clock_hz + accelerator.launch_s


def energy_j(dynamic_j: _Numbers, time_s: _Numbers, accelerator: Accelerator) -> _Numbers:
    """Dynamic energy plus the chip's static power over a time [J]; of arrays, too."""
    return dynamic_j + accelerator.static_w * time_s


class Point(ABC):
    """A mapping that no other known one beats in both energy and latency, and what it costs."""

    __slots__ = ()

    @property
    @abstractmethod
    def mapping(self) -> Mapping:
        """The mapping."""

    @property
    @abstractmethod
    def counts(self) -> Counts:
        """All that it does."""

    @property
    @abstractmethod
    def dynamic_energy_j(self) -> float:
        """Sum of all dynamic energies [J]."""

    @property
    @abstractmethod
    def energy_by_part_j(self) -> tuple[tuple[str, float], ...]:
        """Dynamic energies by memory, link and matrix unit [J]."""

    @property
    @abstractmethod
    def moved(self) -> tuple[tuple[float, float], ...]:
        """Bytes read and written at each memory, over all its instances."""

    @property
    @abstractmethod
    def loads(self) -> tuple[tuple[str, float], ...]:
        """Cycles by what works in the steady state: compute, memories, links."""

    @property
    @abstractmethod
    def latency_cycles(self) -> float:
        """Latency without the launch of the op [cycle]."""

    @property
    @abstractmethod
    def steady(self) -> Steady:
        """What its steady state asks of the busiest instances."""

    def latency_s(self, accelerator: Accelerator) -> float:
        """Latency of the einsum, with the launch of the op [s].

        Raises:
            OptionError: the accelerator is none, such as its name.
        """
        instance("accelerator", accelerator, Accelerator, "an Accelerator (`load_accelerator` reads one)")
        return latency_s(self.latency_cycles, accelerator)

    def energy_j(self, accelerator: Accelerator) -> float:
        """Dynamic energy plus the chip's static power over the latency [J]."""
        return energy_j(self.dynamic_energy_j, self.latency_s(accelerator), accelerator)


@dataclass(frozen=True, slots=True)
class FrontPoint(Point):
    """A point of which everything is known."""

    mapping: Mapping
    counts: Counts

    @property
    def dynamic_energy_j(self) -> float:
        """See `Point`."""
        return self.counts.dynamic_energy_j

    @property
    def energy_by_part_j(self) -> tuple[tuple[str, float], ...]:
        """See `Point`."""
        return self.counts.energy_j

    @property
    def moved(self) -> tuple[tuple[float, float], ...]:
        """See `Point`."""
        return self.counts.moved

    @property
    def loads(self) -> tuple[tuple[str, float], ...]:
        """See `Point`."""
        return self.counts.cycles.loads

    @property
    def latency_cycles(self) -> float:
        """See `Point`."""
        return self.counts.cycles.latency_cycles

    @property
    def steady(self) -> Steady:
        """See `Point`."""
        return self.counts.steady


@dataclass(frozen=True, slots=True)
class Front:
    """Points by increasing latency, so by decreasing energy, and what is known of all other mappings.

    Attributes:
        points: mappings, none of which another one that was found beats.
        evaluated: nests that were costed to find them.
        visited: partial nests, and bounds of unrollings, that were seen.
        left: (energy [J], latency [s]) pairs, without launches; each mapping that was not searched costs at
            least as much as one of them. Empty: the front is proved.
        mapspace: mappings that there are at least, whether they fit or not; 0 where none was sought.
    """

    points: tuple[Point, ...]
    evaluated: int
    visited: int
    left: tuple[tuple[float, float], ...]
    mapspace: int


UNKNOWN = ((0.0, 0.0),)
"""`left` where nothing was proved."""


Options = Sequence[tuple[float, float]]
"""What one part of a model can cost: (energy, latency) of all its runs [J, s]."""


def least_product(choices: Sequence[Options]) -> list[int]:
    """Options that together minimize (sum of energies) x (sum of latencies); one index per choice.

    A product of two positive sums is quasi-concave, so its least value over a set is at a corner of the
    set's convex hull; a corner of a sum of sets is, in every set, the least of one common mix of energy and
    latency. So all corners are met by walking from the least energies along the steepest hull edges.
    """
    chosen: list[int] = []
    edges: list[tuple[float, int, int]] = []  # energy paid per latency saved, choice, option after the step
    for index, options in enumerate(choices):
        corners = lower_hull(options)
        chosen.append(corners[0])
        for before, after in pairwise(corners):
            (energy, latency), (more, less) = options[before], options[after]
            edges.append(((more - energy) / (latency - less), index, after))
    energy_j = sum(options[option][0] for options, option in zip(choices, chosen, strict=True))
    latency_s = sum(options[option][1] for options, option in zip(choices, chosen, strict=True))
    best, best_chosen = energy_j * latency_s, list(chosen)
    for _, index, after in sorted(edges):
        options = choices[index]
        energy_j += options[after][0] - options[chosen[index]][0]
        latency_s += options[after][1] - options[chosen[index]][1]
        chosen[index] = after
        if energy_j * latency_s < best * (1.0 - 1e-12):
            best, best_chosen = energy_j * latency_s, list(chosen)
    return best_chosen


def lower_hull(options: Options) -> list[int]:
    """Corners of the hull towards low energy and low latency, by increasing energy and decreasing latency."""
    order = sorted(range(len(options)), key=lambda index: (*options[index], index))
    corners: list[int] = []
    for index in order:
        energy, latency = options[index]
        if corners and latency >= options[corners[-1]][1]:
            continue
        while len(corners) > 1:
            (e0, l0), (e1, l1) = options[corners[-2]], options[corners[-1]]
            if (e1 - e0) * (l0 - latency) < (energy - e0) * (l0 - l1):
                break
            corners.pop()
        corners.append(index)
    return corners
