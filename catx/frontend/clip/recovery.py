"""Recovery: training of a pruned model with the contrastive loss, and distillation from its teacher."""

import math
import os
import struct
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from catx.errors import Loc, OptionError
from catx.frontend.clip.config import ClipConfig
from catx.frontend.clip.distributed import (
    average_gradients,
    gathered,
    machines,
    rank,
    same_everywhere,
    world_size,
)
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pairs import Batch, Pairs, Share
from catx.frontend.seeds import check_seed
from catx.frontend.unbroken import unbroken
from catx.frontend.weights import weights_sha256
from catx.ir import checks

CHECKPOINT_S = 300.0
"""Time between checkpoints [s]: the most that a break costs."""

BASE_LEARNING_RATE, BASE_WIDTH = 1e-3, 64
"""Where a default learning rate starts: found on the embedded model, whose towers are so wide. Wider models
take less, in proportion to their width, as muP has it for Adam (Yang et al., arXiv 2203.03466)."""

MOST_WARMUP = 20
"""Steps over which learning rates rise at most, where none are given."""

Precision = Literal["auto", "fp32", "bf16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryConfig:
    """How a model is trained.

    `steps` of `batch` pairs each on every process, AdamW, a linear rise over `warmup` steps (None: a tenth of
    them, at most 20) and a cosine fall to 0. Without `learning_rate` it is `default_learning_rate`. `distill`
    weighs the loss to the teacher's similarities against the contrastive one, 0 to 1. `precision` is that of
    activations (weights and their updates are fp32): `auto` is bf16 on a GPU and fp32 on a CPU.
    """

    steps: int
    batch: int = 128
    learning_rate: float | None = None
    weight_decay: float = 0.1
    warmup: int | None = None
    distill: float = 0.5
    precision: Precision = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        checks.counts("recovery", steps=self.steps, batch=self.batch)
        check_seed(self.seed)
        if self.learning_rate is not None:
            checks.positive("recovery", learning_rate=self.learning_rate)
        if self.precision not in PRECISIONS:
            raise OptionError(
                f"recovery: no precision {self.precision!r}", hint=f"there are {', '.join(PRECISIONS)}"
            )
        checks.amounts("recovery", weight_decay=self.weight_decay, distill=self.distill)
        if self.warmup is not None:
            checks.amounts("recovery", warmup=self.warmup)
            if self.warmup >= self.steps:
                raise OptionError(f"recovery: a warmup of {self.warmup} steps leaves none of {self.steps}")
        if self.distill > 1:
            raise OptionError(f"recovery: distill must be at most 1, not {self.distill}")

    @property
    def rise(self) -> int:
        """Steps over which the learning rate rises."""
        return min(MOST_WARMUP, self.steps // 10) if self.warmup is None else self.warmup


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What a recovery took: steps, wall time of this process [s], pairs that it saw, last loss.

    Sums of torch depend on its `threads`: weights are the same for the same number of them.
    """

    steps: int
    seconds: float
    samples: int
    loss: float
    learning_rate: float
    processes: int = 1
    machines: int = 1
    threads: int = 1


def default_learning_rate(config: ClipConfig) -> float:
    """`BASE_LEARNING_RATE` for models of up to `BASE_WIDTH`, less for wider ones."""
    return BASE_LEARNING_RATE * BASE_WIDTH / max(config.text.width, config.vision.width, BASE_WIDTH)


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
        checkpoint: where the state is kept, every `CHECKPOINT_S`, at the end, and where a KeyboardInterrupt
            breaks the training off; if it is there, training goes on from it, to the same end as without a
            break.

    Several processes train together within `distributed.process_group`.

    Raises:
        OptionError: a batch of fewer than two pairs, a checkpoint of another run or one that cannot be used,
            or a loss that is no number any more.
    """
    if config.batch < 2 or len(pairs) < 2 * world_size():
        raise OptionError("contrastive learning needs batches of two pairs at least")
    run = _Run(model, pairs, config, teacher, checkpoint)
    model.train()
    try:
        while run.step < config.steps:
            run.one_pass(progress)
    except KeyboardInterrupt as stopped:
        run.broken_off(stopped)
        raise
    model.eval()
    return Recovered(
        steps=run.step,
        seconds=run.seconds,
        samples=run.samples,
        loss=run.loss,
        learning_rate=run.learning_rate,
        processes=run.world,
        machines=machines(),
        threads=torch.get_num_threads(),
    )


class _Run:
    """State of a training."""

    def __init__(
        self, model: Clip, pairs: Pairs, config: RecoveryConfig, teacher: Clip | None, checkpoint: Path | None
    ) -> None:
        self.model, self.pairs, self.config, self.teacher = model, pairs, config, teacher
        self.device = model.logit_scale.device
        self.world, self.rank = world_size(), rank()
        self.step, self.samples, self.seconds, self.loss = 0, 0, 0.0, math.nan
        self.epoch, self.seen = 0, 0  # passes that are over, and batches of this one
        self._began = self._kept = time.perf_counter()
        self.learning_rate = config.learning_rate or default_learning_rate(model.config)
        self.optimizer = torch.optim.AdamW(
            _groups(model, config.weight_decay), lr=self.learning_rate, betas=(0.9, 0.98), eps=1e-6
        )
        self.checkpoint = checkpoint
        same_everywhere(model)
        if checkpoint:
            check_checkpoint(checkpoint)
            self.identity = self._identity()
            if checkpoint.exists():
                self._load(checkpoint)

    def one_pass(self, progress: Progress | None) -> None:
        """One epoch, or what is left of the steps."""
        seed = self.config.seed * 1_000_003 + self.epoch
        share = Share(self.rank, self.world, skipped=self.seen)
        self._began = time.perf_counter()
        for batch in self.pairs.batches(self.config.batch * self.world, seed=seed, share=share):
            if self.step >= self.config.steps:
                break
            if len(batch.images) < 2:
                self.seen += 1
                continue
            self._one_step(batch)
            if progress:
                progress(self.step, self.config.steps, self.loss)
            if time.perf_counter() - self._kept >= CHECKPOINT_S:
                self._keep()
        with unbroken():
            self.epoch, self.seen = self.epoch + 1, 0
        over = self.step >= self.config.steps or time.perf_counter() - self._kept >= CHECKPOINT_S
        self._keep(write=over)

    def broken_off(self, stopped: KeyboardInterrupt) -> None:
        """Write the state after the last whole step, and note in the interrupt what is kept."""
        if not self.checkpoint or self.rank > 0:
            return
        if self.step:
            self._keep()
            stopped.add_note(
                f"{self.checkpoint} keeps {self.step} of {self.config.steps} steps: the same command goes on"
            )
        else:
            stopped.add_note("no step of the recovery was finished: nothing is kept")

    def _keep(self, *, write: bool = True) -> None:
        """Count the time, and write the state where it is wanted."""
        with unbroken():
            now = time.perf_counter()
            self.seconds += now - self._began
            self._began = now
            if write:
                self._kept = now
                if self.checkpoint and self.rank == 0:
                    self._save(self.checkpoint)

    def _one_step(self, batch: Batch) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * self._pace()
        images, texts = batch.images.to(self.device), batch.texts.to(self.device)
        precision = self.config.precision
        half = precision == "bf16" or (precision == "auto" and self.device.type == "cuda")
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=half):
            loss = self._loss(images, texts)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise OptionError(
                f"the training diverged: the loss is {value} at step {self.step + 1}",
                hint=f"give a learning rate below {self.learning_rate:g}",
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(self.model)
        with unbroken():  # an interrupt finds the state of a whole number of steps
            self.optimizer.step()
            with torch.no_grad():
                self.model.logit_scale.clamp_(0, math.log(100))
            self.step, self.seen, self.loss = self.step + 1, self.seen + 1, value
            self.samples += len(images) * self.world

    def _pace(self) -> float:
        """Share of the learning rate at this step."""
        warmup, steps = self.config.rise, self.config.steps
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

    def _identity(self) -> dict[str, Any]:
        """What decides how this training goes."""
        return {
            "config": asdict(self.config),
            "learning_rate": self.learning_rate,
            "data": self.pairs.sha256(),
            "start": weights_sha256(self.model),
            "shape": self.model.config.to_json(),
            "teacher": weights_sha256(self.teacher) if self.teacher is not None else "",
            "processes": self.world,
        }

    def _save(self, path: Path) -> None:
        state = self.identity | {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "at": (self.step, self.samples, self.epoch, self.seen, self.seconds, self.loss),
        }
        beside = path.with_name(f".{path.name}-{os.getpid()}")
        try:
            torch.save(state, beside)
            os.replace(beside, path)
        except (OSError, RuntimeError) as error:
            beside.unlink(missing_ok=True)
            raise OptionError(f"the checkpoint cannot be written: {error}", loc=Loc(str(path))) from error

    def _load(self, path: Path) -> None:
        state = _read(path, self.device)
        if odd := [key for key, value in self.identity.items() if state.get(key) != value]:
            raise OptionError(
                f"a checkpoint of another recovery: its {', '.join(odd)} differ{'s' * (len(odd) == 1)}",
                loc=Loc(str(path)),
                hint="remove it, or give another path",
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.samples, self.epoch, self.seen, self.seconds, self.loss = state["at"]


def check_checkpoint(path: Path) -> None:
    """Check that a checkpoint can be read if it is there, and written.

    Raises:
        OptionError: it is no checkpoint, or its folder cannot be written to.
    """
    loc = Loc(str(path))
    if not path.parent.is_dir():
        raise OptionError("the checkpoint's folder does not exist", loc=loc, hint=f"make {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise OptionError("the checkpoint's folder cannot be written to", loc=loc)
    if path.exists():
        _read(path, torch.device("cpu"))


def _read(path: Path, device: torch.device) -> dict[str, Any]:
    try:
        state = torch.load(path, weights_only=True, map_location=device)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, UnpicklingError, struct.error) as error:
        what = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise OptionError(f"no checkpoint of a recovery: {what[:160]}", loc=Loc(str(path))) from error
    if not isinstance(state, dict) or not {"config", "model", "optimizer", "at"} <= state.keys():
        raise OptionError(
            "no checkpoint of a recovery: another file of torch", loc=Loc(str(path)), hint="give another path"
        )
    return state


def _soft(logits: Tensor, target: Tensor) -> Tensor:
    """Cross entropy to the teacher's distribution over the batch."""
    return -(functional.softmax(target, dim=1) * functional.log_softmax(logits, dim=1)).sum(dim=1).mean()


def _groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Matrices decay; vectors (biases, norms, scales) do not."""
    matrices = [weight for weight in model.parameters() if weight.ndim >= 2]
    vectors = [weight for weight in model.parameters() if weight.ndim < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
