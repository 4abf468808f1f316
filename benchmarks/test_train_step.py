"""The whole training step, on the MNIST network at the paper's batch."""

from __future__ import annotations

import itertools

import pytest
import torch

import infogan
from infogan.training.step import players, training_step


@pytest.mark.benchmark(group="step")
def test_training_step(benchmark, device, synchronised):
    spec = infogan.read_run("mnist")
    model = infogan.build(spec.model, device=device).train()
    sides = players(model, d_lr=2e-4, g_lr=1e-3, betas=(0.5, 0.999))
    real = itertools.cycle([torch.rand(128, 1, 28, 28, device=device) for _ in range(4)])
    latent = model.latents.sample(128, device=device)
    run = synchronised(lambda: training_step(model, sides, next(real), latent, 0))
    assert benchmark(run)["d_loss"].isfinite()
    benchmark.extra_info["images_per_second"] = 128 / benchmark.stats.stats.median
