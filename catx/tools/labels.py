"""What an op is called for people: the model's operator, and what it does where that is another word."""

from catx.ir.einsum import Einsum
from catx.ir.graph import Op


def label(op: Op) -> str:
    """The model's operator, and as what it is costed where that is not the same word.

    A bias that is added to the result of a convolution is `Conv (add)`.
    """
    kind = "einsum" if isinstance(op, Einsum) else op.kind
    same = op.op.lower().startswith(kind.replace("_", ""))
    return op.op if same else f"{op.op} ({kind})"
