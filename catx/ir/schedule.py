"""Schedule: when the ops of a design run, and what that costs in all."""

from dataclasses import dataclass

from catx.ir.report import Layer, Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One inference of all models: its layers, makespan, energy and traffic.

    `kind` names the rule that orders the ops. Today it is always "sequential": ops run one after the other,
    and the operands of each start and end in the outermost memory.
    """

    kind: str
    layers: tuple[Layer, ...]
    latency_s: float
    energy_j: float
    traffic: tuple[Traffic, ...]
