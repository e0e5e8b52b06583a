"""Which constraints hold for which einsum of the models."""

from collections.abc import Iterable, Mapping, Sequence

from catx.errors import OptionError
from catx.ir.constraints import Block, Constraint, Constraints, dims_of
from catx.ir.einsum import Einsum
from catx.names import listed, nearest


def constraints_by_einsum(
    blocks: Sequence[Block], names: Mapping[Einsum, Iterable[str]]
) -> dict[Einsum, Constraints]:
    """The constraints of each einsum: of all blocks that match one of its layers, those whose dims it has.

    Layers with the same einsum share one mapping, so what holds for one of them holds for all.

    Args:
        blocks: what the user wrote.
        names: layers of each canonical einsum.

    Raises:
        OptionError: a block matches no layer, or none of its layers has the dims of a constraint.
    """
    found: dict[Einsum, list[Constraint]] = {einsum: [] for einsum in names}
    for block in blocks:
        matched = [einsum for einsum, layers in names.items() if any(map(block.matches, layers))]
        if not matched:
            every = [layer for layers in names.values() for layer in layers]
            patterns = ", ".join(block.patterns)
            hint = f"contractions here: {listed(every, 10)}" if every else "there is no contraction to map"
            hint += "; vector ops such as softmax have no mapping"
            raise OptionError(f"constraints for {patterns}: no layer matches", loc=block.loc, hint=hint)
        for one in block.constraints:
            having = [einsum for einsum in matched if set(dims_of(one)) <= einsum.extents.keys()]
            if not having:
                raise _no_dims(one, matched)
            for einsum in having:
                found[einsum].append(one)
    return {einsum: tuple(constraints) for einsum, constraints in found.items()}


def _no_dims(one: Constraint, matched: Sequence[Einsum]) -> OptionError:
    """The error for dims that no einsum has, or none has together."""
    known = sorted({dim for einsum in matched for dim in einsum.extents})
    unknown = [dim for dim in dims_of(one) if dim not in known]
    message = "no layer has all of its dims"
    if unknown:
        message = f"unknown dim {unknown[0]!r}{nearest(unknown[0], known)}"
    return OptionError(
        f"constraint `{one}`: {message}", loc=one.loc, hint=f"dims of its layers: {', '.join(known)}"
    )
