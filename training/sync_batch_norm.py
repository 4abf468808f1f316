"""Batch norm by the statistics of the whole batch, where several processes have a part of it each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..model.discriminator import Domain, DomainBatchNorm


class SyncBatchNorm(_BatchNorm):
    """An ordinary batch norm in a training step. torch's own, `nn.SyncBatchNorm`, is for GPUs only."""

    def forward(self, x: Tensor) -> Tensor:
        return _normalised(x, self.running_mean, self.running_var, self)


class SyncDomainBatchNorm(DomainBatchNorm):
    """That of D and Q in a training step; it keeps real and generated pictures apart."""

    def _normalise(self, x: Tensor, domain: Domain) -> Tensor:
        return _normalised(x, *self.statistics(domain), self)


@contextmanager
def synchronised(module: nn.Module) -> Iterator[None]:
    """While this lasts, every batch norm in ``module`` has the statistics of all processes' pictures.

    They are what they were before and after it: nothing that is copied, saved or folded knows of dist.
    """
    before = {norm: type(norm) for norm in module.modules() if getattr(type(norm), "forward", None) in PLAIN}
    for norm, kind in before.items():
        norm.__class__ = SyncDomainBatchNorm if issubclass(kind, DomainBatchNorm) else SyncBatchNorm
    try:
        yield
    finally:
        for norm, kind in before.items():
            norm.__class__ = kind


PLAIN = (_BatchNorm.forward, DomainBatchNorm.forward)
"""Those of a class with a ``forward`` of its own stay what they are."""


def _normalised(x: Tensor, running_mean: Tensor | None, running_var: Tensor | None, norm: Any) -> Tensor:
    """``(batch, channels, ...)`` less its mean over all processes, by its standard deviation over them.

    The gradient of a process's loss reaches the pictures of all, as it would in one batch.
    """
    axes, ones = [0, *range(2, x.ndim)], [1] * (x.ndim - 2)
    count = x.numel() // x.shape[1] * dist.get_world_size()
    mean = _summed(x.sum(axes)) / count
    centred = x - mean.view(-1, *ones)
    var = _summed(centred.square().sum(axes)) / count
    if running_mean is not None and running_var is not None:
        momentum = 0.1 if norm.momentum is None else norm.momentum
        with torch.no_grad():
            running_mean.lerp_(mean, momentum)
            running_var.lerp_(var * (count / (count - 1)), momentum)
    normal: Tensor = centred * (var + norm.eps).rsqrt().view(-1, *ones)
    if norm.weight is not None:
        normal = normal * norm.weight.view(-1, *ones) + norm.bias.view(-1, *ones)
    return normal


class _Sum(torch.autograd.Function):
    """The sum over all processes, and that of their gradients on the way back, which penalties differentiate again."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return _summed(gradient)


def _summed(values: Tensor) -> Tensor:
    total: Tensor = _Sum.apply(values)
    return total
