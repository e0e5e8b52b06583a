"""Shape of a transformer of a Hugging Face family, and what a pruning leaves of it. No torch."""

from dataclasses import dataclass, replace

from catx.errors import OptionError
from catx.frontend.amounts import Amount, count_of, size_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What all blocks of a model share.

    `kv_heads` is the number of heads of keys and values; each serves `heads / kv_heads` heads of queries.
    `width` is that of the residual stream, `ffn` the number of hidden units of an MLP.
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int

    @property
    def group(self) -> int:
        """Heads of queries per head of keys and values."""
        return self.heads // self.kv_heads


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruning:
    """Sizes of a pruned model; None leaves what there is.

    `layers`, `heads` and `kv_heads` are counts, `ffn` and `width` counts as an int or shares as a float of at
    most 1. Head dims stay. Heads of keys and values go with all heads of queries that they serve: where only
    `kv_heads` is given, as many heads of queries stay for each of them as before.

    Example:
        >>> llama = Sizes(layers=32, width=4096, heads=32, kv_heads=8, head_dim=128, ffn=14336)
        >>> Pruning(kv_heads=4, ffn=0.5).of(llama)
        Sizes(layers=32, width=4096, heads=16, kv_heads=4, head_dim=128, ffn=7168)
    """

    layers: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    ffn: Amount | None = None
    width: Amount | None = None

    def of(self, there: Sizes) -> Sizes:
        """The sizes of the pruned model.

        Raises:
            OptionError: more than there is, nothing at all, a share that is no whole number of units, or
                heads that heads of keys and values cannot share equally.
        """
        kv_heads = self._kv_heads(there)
        heads = (
            count_of(self.heads, there.heads, "heads") if self.heads is not None else kv_heads * there.group
        )
        if heads % kv_heads or heads // kv_heads > there.group:
            raise OptionError(
                f"heads: {heads} cannot be shared equally by {kv_heads} heads of keys and values, each of "
                f"which serves at most {there.group}",
                hint=f"give a multiple of {kv_heads} up to {kv_heads * there.group}, or other kv heads",
            )
        return replace(
            there,
            layers=count_of(self.layers, there.layers, "layers"),
            width=size_of(self.width, there.width, "width"),
            heads=heads,
            kv_heads=kv_heads,
            ffn=size_of(self.ffn, there.ffn, "ffn"),
        )

    def _kv_heads(self, there: Sizes) -> int:
        if self.kv_heads is None and there.group == 1:
            return count_of(self.heads, there.heads, "heads")
        return count_of(self.kv_heads, there.kv_heads, "kv heads")
