"""Which rate of the matrix unit an einsum runs at, by the element types of its factors."""

from catx.errors import MappingError
from catx.ir.accelerator import Accelerator, MacRate
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum


def rate_for(einsum: Einsum, accelerator: Accelerator) -> MacRate:
    """The rate for an einsum: of its wider factor's type, or the narrowest of that class that is as wide.

    Raises:
        MappingError: the unit computes no such type.
    """
    factors = [operand.dtype for operand in einsum.inputs]
    wanted = max(factors, key=lambda dtype: (dtype.is_float, dtype.bits))
    for rate in accelerator.matrix.rates:
        if rate.dtype == wanted:
            return rate
    wider = [
        rate
        for rate in accelerator.matrix.rates
        if rate.dtype.is_float == wanted.is_float and rate.dtype.bits >= wanted.bits
    ]
    if wider:
        return min(wider, key=lambda rate: rate.dtype.bits)
    raise _no_rate(einsum, wanted, accelerator)


def _no_rate(einsum: Einsum, wanted: DType, accelerator: Accelerator) -> MappingError:
    """`precision` replaces floating-point types alone: it does not help where factors are integers."""
    known = ", ".join(rate.dtype for rate in accelerator.matrix.rates)
    hint = f"add a rate for {wanted} to `rates:` of the accelerator's matrix unit"
    if wanted.is_float:
        hint = f"set `precision:` of the accelerator to one of {known}, or {hint}"
    else:
        hint += ", or take a model whose factors have one of its types; `precision:` changes floats only"
    return MappingError(
        f"{einsum.name or 'an einsum'} multiplies {wanted}, but {accelerator.matrix.name} of "
        f"{accelerator.name} computes {known}",
        loc=einsum.loc,
        hint=hint,
    )
