"""How far onnxruntime may be from torch: relative to the largest value of each output."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from catx.errors import ModelError
from catx.frontend.torch_export import Exported, export_checked


class Two(nn.Module):
    """An output of large values and one of small ones."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return 173.0 * x, 0.5 * x


def exported(folder: Path) -> Exported:
    return export_checked(
        "graph",
        Two(),
        [torch.tensor([[1.0, -0.5]])],
        folder / "graph.onnx",
        extra="hf",
        input_names=["x"],
        output_names=["large", "small"],
    )


def shifted(monkeypatch: pytest.MonkeyPatch, *shifts: float) -> None:
    """Have onnxruntime add a number to each output."""

    class Session(onnxruntime.InferenceSession):
        def run(self, *args: Any) -> list[Any]:
            outputs = super().run(*args)
            return [one + np.float32(shift) for one, shift in zip(outputs, shifts, strict=True)]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)


@pytest.mark.parametrize(
    ("shifts", "difference"), [((0.001, 0.0), 0.001 / 173), ((0.0, 5e-5), 5e-5), ((0.01, 8e-5), 8e-5)]
)
def test_differences_are_those_of_the_scale_of_an_output(
    shifts: tuple[float, float], difference: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shifted(monkeypatch, *shifts)
    assert exported(tmp_path).difference == pytest.approx(difference, rel=0.02)


@pytest.mark.parametrize("shifts", [(0.03, 0.0), (0.0, 0.001), (0.0, float("nan")), (float("nan"), 0.0)])
def test_graphs_that_compute_something_else(
    shifts: tuple[float, float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shifted(monkeypatch, *shifts)
    with pytest.raises(ModelError, match=r"graph: onnxruntime is .* away from torch"):
        exported(tmp_path)
    assert not list(tmp_path.iterdir())
