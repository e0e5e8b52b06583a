"""CLIP models: prune, rank, recover, measure, export. Needs the extra `catx[clip]`.

What is here loads on first use: configs without torch, all else with it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catx.frontend.clip.config import ClipConfig
    from catx.frontend.clip.datasets import find_splits
    from catx.frontend.clip.importance import rank
    from catx.frontend.clip.metrics import recall, zero_shot
    from catx.frontend.clip.pruned import prune
    from catx.frontend.clip.pruning import PruningConfig
    from catx.frontend.clip.ranking import Ranking
    from catx.frontend.clip.recovery import RecoveryConfig, recover
    from catx.frontend.clip.source import find_clip
    from catx.frontend.clip.store import load_clip, save_clip
    from catx.frontend.clip.workflow import PruneJob, export_clip, run

_HOMES = {
    "ClipConfig": "config",
    "PruningConfig": "pruning",
    "Ranking": "ranking",
    "RecoveryConfig": "recovery",
    "PruneJob": "workflow",
    "export_clip": "workflow",
    "find_clip": "source",
    "find_splits": "datasets",
    "load_clip": "store",
    "prune": "pruned",
    "rank": "importance",
    "recall": "metrics",
    "recover": "recovery",
    "run": "workflow",
    "save_clip": "store",
    "zero_shot": "metrics",
}
_LIGHT = ("config", "pruning", "ranking")

__all__ = [
    "ClipConfig",
    "PruneJob",
    "PruningConfig",
    "Ranking",
    "RecoveryConfig",
    "export_clip",
    "find_clip",
    "find_splits",
    "load_clip",
    "prune",
    "rank",
    "recall",
    "recover",
    "run",
    "save_clip",
    "zero_shot",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'catx.frontend.clip' has no attribute {name!r}")
    home = _HOMES[name]
    if home not in _LIGHT:
        from catx.extras import need

        need("clip", "torch")
    return getattr(import_module(f"catx.frontend.clip.{home}"), name)
