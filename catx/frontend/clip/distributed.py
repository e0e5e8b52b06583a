"""Training on several processes, as `torchrun` starts them: gathered embeddings, averaged gradients.

Processes work together within `process_group` alone: variables of the environment by themselves do nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from catx.errors import OptionError

_NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Variables that torchrun sets for each process."""


def world_size() -> int:
    """How many processes work together; 1 outside of `process_group`."""
    return dist.get_world_size() if _together() else 1


def rank() -> int:
    """Which of them this is."""
    return dist.get_rank() if _together() else 0


def machines() -> int:
    """How many machines they run on."""
    each = int(os.environ.get("LOCAL_WORLD_SIZE", world_size())) if _together() else 1
    return -(-world_size() // each)


def _together() -> bool:
    return dist.is_available() and dist.is_initialized()


def device() -> torch.device:
    """The device of this process: its GPU where there is one."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


@contextmanager
def process_group() -> Iterator[None]:
    """Connect the processes that torchrun started while the block runs; nothing to do for a single one.

    Raises:
        OptionError: some of torchrun's variables are set, and others are not.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1" or _together():
        yield
        return
    if missing := [name for name in _NEEDED if name not in os.environ]:
        raise OptionError(
            f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, and {', '.join(missing)} is not set",
            hint="start several processes by torchrun, or unset WORLD_SIZE",
        )
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


class _Gather(torch.autograd.Function):
    """Rows of all processes; each gets back the sum of what all of them say of its own."""

    @staticmethod
    def forward(ctx: Any, local: Tensor) -> Tensor:
        parts = [torch.empty_like(local) for _ in range(world_size())]
        dist.all_gather(parts, local.contiguous())
        ctx.rows = len(local)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous()
        dist.all_reduce(total)
        start = rank() * ctx.rows
        return total[start : start + ctx.rows]


def gathered(local: Tensor) -> Tensor:
    """Rows of all processes in their order, (world * n, ...); gradients flow back to each."""
    if world_size() == 1:
        return local
    found: Tensor = _Gather.apply(local)
    return found


def same_everywhere(model: nn.Module) -> None:
    """Give all processes the weights of the first one."""
    if world_size() > 1:
        for weight in model.state_dict().values():
            dist.broadcast(weight, 0)


def average_gradients(model: nn.Module) -> None:
    """Mean over processes.

    Every process computes the loss of all rows. The backward pass of gathering adds up what all of them say
    of a row, so that a process has `world` times the gradient through its own rows: the mean over processes
    is the gradient of the loss.
    """
    if world_size() == 1:
        return
    for weight in model.parameters():
        if weight.grad is not None:
            dist.all_reduce(weight.grad)
            weight.grad /= world_size()
