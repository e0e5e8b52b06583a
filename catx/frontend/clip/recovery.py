"""Recovery: training of a pruned model with the contrastive loss, and distillation from its teacher."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from catx.errors import Loc, OptionError
from catx.frontend.clip.distributed import average_gradients, gathered, process_group, rank, world_size
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pairs import Batch, Pairs
from catx.ir import checks


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryConfig:
    """How a model is trained.

    `steps` of `batch` pairs each on every process, AdamW, a linear rise over `warmup` steps and a cosine
    fall to 0. `distill` weighs the loss to the teacher's similarities against the contrastive one, 0 to 1.
    """

    steps: int
    batch: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.1
    warmup: int = 20
    distill: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        checks.counts("recovery", steps=self.steps, batch=self.batch)
        checks.positive("recovery", learning_rate=self.learning_rate)
        checks.amounts("recovery", weight_decay=self.weight_decay, warmup=self.warmup, distill=self.distill)
        if self.distill > 1:
            raise OptionError(f"recovery: distill must be at most 1, not {self.distill}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What a recovery took: steps, wall time of this process [s], pairs that it saw, last loss."""

    steps: int
    seconds: float
    samples: int
    loss: float
    processes: int = 1


Progress = Callable[[int, int, float], None]
"""Told steps done, steps in all, and the loss."""


def recover(
    model: Clip,
    pairs: Pairs,
    config: RecoveryConfig,
    *,
    teacher: Clip | None = None,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> Recovered:
    """Train a model in place.

    Args:
        model: is changed.
        pairs: the training split.
        config: how.
        teacher: an unpruned model whose similarities are learned as well.
        progress: is told after each step.
        checkpoint: where the state is kept after each pass over the data; if it is there, training goes on
            from it, to the same end as without a break.

    Raises:
        OptionError: a batch of fewer than two pairs, or a checkpoint of another run.
    """
    if config.batch < 2 or len(pairs) < 2 * world_size():
        raise OptionError("contrastive learning needs batches of two pairs at least")
    with process_group():
        run = _Run(model, pairs, config, teacher, checkpoint)
        model.train()
        while run.step < config.steps:
            run.one_pass(progress)
        model.eval()
    return Recovered(
        steps=run.step, seconds=run.seconds, samples=run.samples, loss=run.loss, processes=run.world
    )


class _Run:
    """State of a training."""

    def __init__(
        self, model: Clip, pairs: Pairs, config: RecoveryConfig, teacher: Clip | None, checkpoint: Path | None
    ) -> None:
        self.model, self.pairs, self.config, self.teacher = model, pairs, config, teacher
        self.device = model.logit_scale.device
        self.world, self.rank = world_size(), rank()
        self.step, self.samples, self.seconds, self.loss, self.epoch = 0, 0, 0.0, math.nan, 0
        self.optimizer = torch.optim.AdamW(
            _groups(model, config.weight_decay), lr=config.learning_rate, betas=(0.9, 0.98), eps=1e-6
        )
        self.checkpoint = checkpoint
        if checkpoint and checkpoint.exists():
            self._load(checkpoint)

    def one_pass(self, progress: Progress | None) -> None:
        """One epoch, or what is left of the steps."""
        begun = time.perf_counter()
        seed = self.config.seed * 1_000_003 + self.epoch
        for whole in self.pairs.batches(self.config.batch * self.world, seed=seed):
            if self.step >= self.config.steps:
                break
            if len(whole.images) < 2 * self.world:
                continue
            self._one_step(self._part(whole))
            if progress:
                progress(self.step, self.config.steps, self.loss)
        self.epoch += 1
        self.seconds += time.perf_counter() - begun
        if self.checkpoint and self.rank == 0:
            self._save(self.checkpoint)

    def _part(self, batch: Batch) -> Batch:
        """Rows of this process; all have the same number, so a few of the last batch may be left out."""
        each = len(batch.images) // self.world
        rows = slice(self.rank * each, (self.rank + 1) * each)
        return Batch(batch.images[rows], batch.texts[rows])

    def _one_step(self, batch: Batch) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self._pace()
        images, texts = batch.images.to(self.device), batch.texts.to(self.device)
        half = self.device.type == "cuda"
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=half):
            loss = self._loss(images, texts)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(self.model)
        self.optimizer.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, math.log(100))
        self.step += 1
        self.samples += len(images) * self.world
        self.loss = float(loss.detach())

    def _pace(self) -> float:
        """Share of the learning rate at this step."""
        warmup, steps = self.config.warmup, self.config.steps
        if self.step < warmup:
            return (self.step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (self.step - warmup) / max(1, steps - warmup)))

    def _loss(self, images: Tensor, texts: Tensor) -> Tensor:
        local, local_other, scale = self.model(images, texts)
        one, other = gathered(local), gathered(local_other)
        logits = scale * one @ other.T
        if self.model.logit_bias is not None:
            logits = logits + self.model.logit_bias
        own = torch.arange(len(one), device=one.device)
        learned = (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2
        if self.teacher is None or not self.config.distill:
            return learned
        with torch.no_grad():
            teacher_one, teacher_other, teacher_scale = self.teacher(images, texts)
            target = teacher_scale * gathered(teacher_one) @ gathered(teacher_other).T
        copied = (_soft(logits, target) + _soft(logits.T, target.T)) / 2
        return (1 - self.config.distill) * learned + self.config.distill * copied

    def _save(self, path: Path) -> None:
        state = {
            "config": asdict(self.config),
            "data": self.pairs.sha256(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "at": (self.step, self.samples, self.epoch, self.seconds, self.loss),
        }
        beside = path.with_suffix(path.suffix + ".part")
        torch.save(state, beside)
        beside.replace(path)

    def _load(self, path: Path) -> None:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location=self.device)
        if state["config"] != asdict(self.config) or state["data"] != self.pairs.sha256():
            raise OptionError(
                "a checkpoint of another recovery", loc=Loc(str(path)), hint="remove it, or give another path"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.samples, self.epoch, self.seconds, self.loss = state["at"]


def _soft(logits: Tensor, target: Tensor) -> Tensor:
    """Cross entropy to the teacher's distribution over the batch."""
    return -(functional.softmax(target, dim=1) * functional.log_softmax(logits, dim=1)).sum(dim=1).mean()


def _groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Matrices decay; vectors (biases, norms, scales) do not."""
    matrices = [weight for weight in model.parameters() if weight.ndim >= 2]
    vectors = [weight for weight in model.parameters() if weight.ndim < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
