"""Registry of lowering rules: (domain, operator) -> rule."""

from collections.abc import Callable

from catx.frontend.onnx.lower.node import Lowered, Node

Rule = Callable[[Node], Lowered]
RULES: dict[tuple[str, str], Rule] = {}
MICROSOFT = "com.microsoft"


def rule(*op_types: str, domain: str = "") -> Callable[[Rule], Rule]:
    """Register a function as the rule of some operators."""

    def add(fn: Rule) -> Rule:
        for op_type in op_types:
            assert (domain, op_type) not in RULES, f"two rules for {domain}.{op_type}"
            RULES[domain, op_type] = fn
        return fn

    return add


def find(domain: str, op_type: str) -> Rule | None:
    """The rule of an operator, or None."""
    return RULES.get(("" if domain == "ai.onnx" else domain, op_type))
