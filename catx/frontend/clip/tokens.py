"""Captions into tokens, as the model's own tokenizer does it."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from catx.errors import OptionError
from catx.extras import need
from catx.frontend.clip.config import ClipConfig
from catx.frontend.clip.digits import NAME as DIGITS
from catx.frontend.clip.digits import tokenize


def tokenizer_of(config: ClipConfig) -> Callable[[Sequence[str]], Tensor]:
    """What turns captions into tokens for a model, (n, context_length)."""
    if config.tokenizer == DIGITS:
        return lambda captions: torch.tensor([tokenize(caption) for caption in captions])
    name = config.tokenizer.removeprefix("open_clip:")
    if name == config.tokenizer or not name:
        raise OptionError(f"no tokenizer {config.tokenizer!r}", hint="a model of open_clip names one")
    need("clip", "open_clip")
    import open_clip

    found: Callable[[Sequence[str]], Tensor] = open_clip.get_tokenizer(name)
    return found
