"""Training on several processes, as `torchrun` starts them: gathered embeddings, averaged gradients."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_gather


def world_size() -> int:
    """How many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this is."""
    return int(os.environ.get("RANK", "0"))


def device() -> torch.device:
    """The device of this process: its GPU where there is one."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


@contextmanager
def process_group() -> Iterator[None]:
    """Connect the processes while the block runs; nothing to do for a single one."""
    if world_size() == 1 or dist.is_initialized():
        yield
        return
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def gathered(local: Tensor) -> Tensor:
    """Rows of all processes in their order, (world * n, ...); gradients flow back to each."""
    return local if world_size() == 1 else torch.cat(all_gather(local))


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
