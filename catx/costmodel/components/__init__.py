"""Component library: energy, leakage and area of memories, arithmetic and wires."""

from catx.costmodel.components.numbers import ComponentNumbers
from catx.costmodel.components.registry import COMPONENTS, parameters, resolve

__all__ = ["COMPONENTS", "ComponentNumbers", "parameters", "resolve"]
