"""Both towers as ONNX files; see `torch_export` for how they are checked."""

from pathlib import Path

from torch import Tensor, nn

from catx.frontend.torch_export import OPSET, Exported, export_checked


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
