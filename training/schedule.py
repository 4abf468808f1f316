"""Rates that change over a run: numbers in tensors on the device, so that captured iterations have them too."""

from __future__ import annotations

import math

import torch

from .run import TrainingSpec
from .step import Optimizers


def rate_factor(training: TrainingSpec, step: int) -> float:
    """What is left of both rates after ``step`` steps, from 1 to 0.

    >>> rate_factor(TrainingSpec(steps=100, schedule="linear"), 25)
    0.75
    """
    done = step / training.steps
    if training.schedule == "linear":
        return 1 - done
    return (1 + math.cos(math.pi * done)) / 2 if training.schedule == "cosine" else 1.0


def make_adjustable(optimizers: Optimizers, device: torch.device) -> None:
    """Keep the optimizers' rates in tensors, which `adjust` can change: a CUDA graph would not see another number."""
    for optimizer in (optimizers.d_optimizer, optimizers.g_optimizer):
        for group in optimizer.param_groups:
            group["lr"] = torch.tensor(group["lr"], dtype=torch.float32, device=device)


def adjust(optimizers: Optimizers, training: TrainingSpec, step: int) -> None:
    """Set the rates for the step after ``step`` steps, where they change at all. Waits for nothing."""
    if training.schedule == "constant":
        return
    factor = rate_factor(training, step)
    for optimizer, rate in ((optimizers.d_optimizer, training.d_lr), (optimizers.g_optimizer, training.g_lr)):
        for group in optimizer.param_groups:
            group["lr"].fill_(rate * factor)
