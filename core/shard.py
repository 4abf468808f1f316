"""A process's shard of each batch, where several train one model."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Shard:
    """One process's part of every batch: all of it, for one that trains alone.

    >>> import torch
    >>> Shard(rank=1, size=2).of(torch.arange(6))
    tensor([3, 4, 5])
    """

    rank: int = 0
    """Which process, from 0."""
    size: int = 1
    """How many there are."""

    def of(self, whole: Tensor) -> Tensor:
        """Its rows of ``(batch, ...)``, where ``batch`` is a multiple of ``size``."""
        return whole if self.size == 1 else whole.chunk(self.size)[self.rank]


WHOLE_BATCH = Shard()
"""The shard of a process that trains alone."""
