"""BERT, ViT and Llama of Hugging Face transformers: prune and export. Needs the extra `catx[hf]`.

What is here loads on first use: sizes without torch, all else with it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catx.frontend.hf.sizes import Pruning, Sizes
    from catx.frontend.hf.store import load_model
    from catx.frontend.hf.workflow import PruneJob, prune, run

_HOMES = {
    "PruneJob": "workflow",
    "Pruning": "sizes",
    "Sizes": "sizes",
    "load_model": "store",
    "prune": "workflow",
    "run": "workflow",
}
_LIGHT = ("sizes",)

__all__ = ["PruneJob", "Pruning", "Sizes", "load_model", "prune", "run"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'catx.frontend.hf' has no attribute {name!r}")
    home = _HOMES[name]
    if home not in _LIGHT:
        from catx.extras import need

        need("hf", "torch", "transformers")
    return getattr(import_module(f"catx.frontend.hf.{home}"), name)
