"""Batch norm statistics that fit the weights that are saved."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from infogan import InfoGAN, ModelSpec, build
from infogan.model.discriminator import DomainBatchNorm
from infogan.training.calibrate import calibrate


@pytest.fixture
def real() -> list[Tensor]:
    seeded = torch.Generator().manual_seed(1)
    return [torch.rand(8, 1, 8, 8, generator=seeded) * 0.4 for _ in range(3)]


@pytest.fixture
def latents(model: InfoGAN) -> list[Tensor]:
    seeded = torch.Generator().manual_seed(2)
    return [model.latents.sample(8, generator=seeded) for _ in range(3)]


def test_first_layer_statistics_are_the_plain_means_over_the_batches(
    model: InfoGAN, real: list[Tensor], latents: list[Tensor]
) -> None:
    calibrate(model, real, latents)
    before_norm = [model.generator[0](latent) for latent in latents]
    norm = model.generator[1]
    assert torch.allclose(norm.running_mean, torch.stack([x.mean(dim=0) for x in before_norm]).mean(dim=0), atol=1e-5)
    assert torch.allclose(norm.running_var, torch.stack([x.var(dim=0) for x in before_norm]).mean(dim=0), atol=1e-5)

    body = model.discriminator.body
    fake = [model.generator(latent) for latent in latents]
    for row, batches in ((0, real), (1, fake)):
        convolved = torch.stack([body[0](batch).mean(dim=(0, 2, 3)) for batch in batches]).mean(dim=0)
        assert torch.allclose(body[1].running_mean[row], convolved, atol=1e-5)


def test_what_was_there_before_is_forgotten(
    model: InfoGAN, real: list[Tensor], latents: list[Tensor], equal_weights: Callable[..., bool]
) -> None:
    other = copy.deepcopy(model)
    for norm in other.modules():
        if isinstance(norm, DomainBatchNorm | nn.BatchNorm1d):
            norm.running_mean.fill_(100.0)
            norm.running_var.fill_(1e4)
    calibrate(model, real, latents)
    calibrate(other, real, latents)
    assert equal_weights(model, other)


def test_weights_and_momenta_stay_and_the_model_is_ready_for_use(
    model: InfoGAN, real: list[Tensor], latents: list[Tensor]
) -> None:
    weights = [weight.clone() for weight in model.parameters()]
    calibrate(model.train(), real, latents)
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), weights, strict=True))
    assert not any(module.training for module in model.modules())
    norms = [m for m in model.modules() if isinstance(m, DomainBatchNorm | nn.BatchNorm1d)]
    assert [norm.momentum for norm in norms] == [0.1] * 4


def test_mixed_statistics_are_means_over_real_and_generated_pictures_together(
    model_spec: Callable[..., ModelSpec], real: list[Tensor]
) -> None:
    with pytest.warns(FutureWarning, match="mixed is deprecated"):
        model = build(model_spec(batch_norm="mixed"))
    seeded = torch.Generator().manual_seed(2)
    latents = [model.latents.sample(8, generator=seeded) for _ in range(3)]
    calibrate(model, real, latents)
    body = model.discriminator.body
    both = [torch.cat([batch, model.generator(latent)]) for batch, latent in zip(real, latents, strict=True)]
    convolved = torch.stack([body[0](batch).mean(dim=(0, 2, 3)) for batch in both]).mean(dim=0)
    assert torch.allclose(body[1].running_mean, convolved, atol=1e-5)
