"""Drawing latents, and scoring them: what a step needs beside its networks."""

from __future__ import annotations

import pytest
import torch

import infogan
from infogan.training.randomness import generator


@pytest.fixture(scope="module")
def latents():
    return infogan.read_run("mnist").model.latents


@pytest.mark.benchmark(group="latents")
def test_sample(benchmark, latents, device, synchronised):
    draw = synchronised(lambda: latents.sample(128, generator=generator(0, "latent", 0, device), device=device))
    assert benchmark(draw).shape == (128, latents.width)


@pytest.mark.benchmark(group="latents")
def test_information(benchmark, latents, device, synchronised):
    latent = latents.sample(128, device=device)
    params = torch.randn(128, latents.n_params, device=device)
    score = synchronised(lambda: latents.information(params, latent))
    assert benchmark(score).keys() == latents.codes.keys()
