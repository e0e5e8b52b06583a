"""Both towers as ONNX files; see `torch_export` for how they are checked."""

from pathlib import Path

import torch
from torch import Tensor, nn

from catx.frontend.clip.config import ClipConfig
from catx.frontend.torch_export import OPSET, Exported, export_checked


def random_image(height: int, width: int) -> Tensor:
    """A picture of noise, (1, 3, height, width)."""
    return torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def text_of(length: int, vocabulary: int) -> Tensor:
    """A text that ends in the middle, (1, length)."""
    tokens = torch.zeros(1, length, dtype=torch.int64)
    tokens[0, length // 2] = vocabulary - 1
    return tokens


def example_image(config: ClipConfig) -> Tensor:
    """An input of the image tower."""
    return random_image(*config.vision.image_size)


def example_text(config: ClipConfig) -> Tensor:
    """An input of the text tower."""
    return text_of(config.text.context_length, config.text.vocab_size)


class _Normalized(nn.Module):
    """A tower with the norm of its embeddings, as retrieval uses them."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(self.tower(x), dim=-1)


def export_tower(name: str, tower: nn.Module, example: Tensor, path: Path, *, opset: int = OPSET) -> Exported:
    """Write one tower as ONNX and run it.

    Args:
        name: vision or text; what input and output are called after.
        tower: a module of one tensor.
        example: an input, whose shape the file keeps.
        path: a new file; weights are inside of it.
        opset: of ONNX.

    Raises:
        ExtraError: a package is missing.
        ModelError: onnxruntime does not compute what torch does.
        OutputError: the file is there already.
    """
    what = "image" if name == "vision" else "text"
    return export_checked(
        name,
        _Normalized(tower).eval(),
        [example],
        path,
        extra="clip",
        input_names=[what],
        output_names=[f"{what}_features"],
        opset=opset,
    )
