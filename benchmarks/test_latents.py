"""Drawing latents, and scoring them: what a step needs beside its networks."""

from __future__ import annotations

import pytest
import torch
from harness.clock import now

import infogan
from infogan.training.randomness import generator, reseed


@pytest.fixture(scope="module")
def latents():
    return infogan.read_run("mnist").model.latents


@pytest.mark.benchmark(group="latents", timer=now)
def test_sample(benchmark, latents, device):
    used = generator(0, "latent", 0, device)
    drawn = benchmark(lambda: latents.sample(128, generator=reseed(used, 0, "latent", 1), device=device))
    assert drawn.shape == (128, latents.width)
    benchmark.extra_info.update(device=device.type, pictures=128)


@pytest.mark.benchmark(group="latents", timer=now)
def test_information(benchmark, latents, device):
    latent = latents.sample(128, device=device)
    params = torch.randn(128, latents.n_params, device=device)
    assert benchmark(lambda: latents.information(params, latent)).keys() == latents.codes.keys()
    benchmark.extra_info.update(device=device.type, pictures=128)
