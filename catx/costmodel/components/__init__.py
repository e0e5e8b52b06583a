"""Component library: energy, leakage and area of memories, arithmetic and wires."""

from catx.costmodel.components.numbers import ComponentNumbers
from catx.costmodel.components.registry import COMPONENTS, parameters, register_component, resolve

__all__ = ["COMPONENTS", "ComponentNumbers", "parameters", "register_component", "resolve"]
