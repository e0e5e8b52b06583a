"""Zero-shot data sets by their names in clip_benchmark, with its class names and prompts."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from catx.cache_dir import cache_dir
from catx.errors import Loc, OptionError
from catx.extras import need
from catx.frontend.clip.config import ClipConfig
from catx.frontend.clip.pictures import BROKEN, as_broken, fitted
from catx.frontend.clip.tokens import tokenizer_of

PREFIX = "clip_benchmark:"


class BenchmarkClasses:
    """The test split of a data set for classification, fetched once into catx's cache.

    An image that cannot be read is counted in `broken` and left out.

    Args:
        name: with `PREFIX`, such as `clip_benchmark:cifar10`.
        config: of the model: image size, normalization and tokenizer.

    Raises:
        OptionError: clip_benchmark has no such data set, or it cannot be had.
        ExtraError: a package is missing.
    """

    def __init__(self, name: str, config: ClipConfig) -> None:
        need("datasets", "clip_benchmark", "requests")
        from clip_benchmark.datasets.builder import build_dataset

        self.name, self.broken = name, 0
        bare, folder = name.removeprefix(PREFIX), cache_dir() / "datasets"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self._data: Any = build_dataset(
                bare,
                root=str(folder / bare.replace("/", "_")),
                transform=lambda image: fitted(image, config),
                split="test",
                task="zeroshot_classification",
            )
        except (OSError, RuntimeError, ValueError, AssertionError, ImportError, TypeError) as error:
            line = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise OptionError(
                f"clip_benchmark does not bring it: {line}",
                loc=Loc(name),
                hint="it fetches data from the network; a folder per class with its images needs none",
            ) from error
        tokenizer = tokenizer_of(config)
        self.classes = tuple(self._data.classes)
        self.prompts = [
            tokenizer([template.format(c=one) for template in self._data.templates]) for one in self.classes
        ]

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images, (n, 3, height, width), and their classes, (n,)."""
        self.broken = 0
        for start in range(0, len(self._data), size):
            images, labels = [], []
            for at in range(start, min(start + size, len(self._data))):
                try:
                    with as_broken():
                        image, label = self._data[at]
                except BROKEN:
                    self.broken += 1
                else:
                    images.append(image)
                    labels.append(int(label))
            if images:
                yield torch.stack(images), torch.tensor(labels)
