"""Why no mapping of an einsum fits: which tensor, which memory, how many bytes are missing."""

from catx.costmodel.rates import rate_for
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import OUTPUT, ROLES, Einsum


def explain_misfit(einsum: Einsum, accelerator: Accelerator) -> str:
    """Name the first memory that cannot hold even the smallest tiles of what it must keep."""
    name = einsum.name or "the einsum"
    accumulator = rate_for(einsum, accelerator).accumulator.bits
    bits = {role: operand.dtype.bits for role, operand in zip(ROLES, einsum.operands, strict=True)}
    for memory in accelerator.memories:
        required = [role for role in ROLES if role in memory.keeps - memory.optional]
        copies = 2 if memory.double_buffered else 1
        sizes = {r: copies * max(bits[r], accumulator if r == OUTPUT else 0) / 8 for r in required}
        missing = sum(sizes.values()) - memory.capacity_bytes
        if missing > 0:
            parts = ", ".join(f"{role} {size:g}" for role, size in sizes.items())
            return (
                f"{name} does not fit {accelerator.name}: {memory.name} must keep one element each "
                f"({parts} bytes), {missing:g} bytes more than its {memory.capacity_bytes:g}"
            )
    return f"no mapping of {name} onto {accelerator.name} was found"
