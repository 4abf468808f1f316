"""The processes that train one model together: mostly one alone, or as many as ``torchrun`` started."""

from __future__ import annotations

import atexit
import importlib
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor

from ..core.shard import WHOLE_BATCH, Shard
from .run import TrainingSpec

if TYPE_CHECKING:
    from accelerate import Accelerator


def leads() -> bool:
    """Whether this process is the first of those that a launcher started, or alone."""
    return int(os.environ.get("RANK", "0")) == 0


class Group:
    """One process alone: nothing is shared, so nothing costs anything."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.shard = WHOLE_BATCH

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return self.shard.rank == 0

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Put each tensor's mean over the processes in its place: bit for bit the same in all of them."""

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Take over the first process's values."""

    def maximum(self, number: int) -> int:
        """The largest of the processes' numbers. All of them have to ask, and wait for one another."""
        return number


class Processes(Group):
    """Several, each on a device of its own, on one machine or many; accelerate has brought them together."""

    def __init__(self, accelerator: Accelerator) -> None:
        super().__init__(accelerator.device)
        self.accelerator = accelerator
        self.shard = Shard(accelerator.process_index, accelerator.num_processes)

    def average(self, tensors: Sequence[Tensor]) -> None:
        """One exchange for all: a hundred small ones would wait for the network a hundred times."""
        if not tensors:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        mean: Any = self.accelerator.reduce(flat, reduction="mean")
        parts = mean.split([tensor.numel() for tensor in tensors])
        torch._foreach_copy_(list(tensors), [p.view_as(t) for p, t in zip(parts, tensors, strict=True)])

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        for tensor in tensors:
            there = tensor.to(self.device)  # a fused Adam counts its steps on the CPU
            dist.broadcast(there, src=0)
            tensor.copy_(there)

    def maximum(self, number: int) -> int:
        numbers = torch.tensor(number, device=self.device)
        dist.all_reduce(numbers, op=dist.ReduceOp.MAX)
        return int(numbers)


def join(training: TrainingSpec) -> Group:
    """The group that a launcher put this process into, or this process alone.

    ValueError where a launcher started several and the settings are for one.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return Group(torch.device(_device(training.device)))
    if training.device not in ("auto", "cpu"):
        raise ValueError(f"training.device is {training.device!r}, which is one; auto gives each of {count} its own")
    pieces = count * training.micro_batches
    if training.batch_size % pieces or training.batch_size < 2 * pieces:
        raise ValueError(
            f"training.batch_size is {training.batch_size}; {count} processes x {training.micro_batches} micro-batches "
            f"need a multiple of {pieces}, with 2 pictures in each or more"
        )
    # Its functions have the group that there is when it is imported for a default, and would never let go of it.
    importlib.import_module("torch.distributed.nn")
    from accelerate import Accelerator  # takes a second and a half, which one process does not pay

    group = Processes(Accelerator(cpu=_device(training.device) == "cpu"))
    atexit.register(leave)
    return group


def leave() -> None:
    """Let the connections' own threads end, which happens as the process does.

    Those that outlive the interpreter abort it now and then.
    """
    if dist.is_initialized():
        dist.destroy_process_group()


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"
