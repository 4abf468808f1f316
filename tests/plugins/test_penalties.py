"""Penalties on D's slope, on a D whose slope is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from infogan import Latents
from infogan.core.loss import StepView
from infogan.plugins.codes import Uniform
from infogan.plugins.noises import NormalNoise
from infogan.plugins.penalties import R1, GradientPenalty


def view_of(discriminator: Callable[[Tensor, str], tuple[Tensor, Any]], seed: int = 0) -> StepView:
    latents = Latents(NormalNoise(size=2), {"slant": Uniform()})
    seeded = torch.Generator().manual_seed(seed)
    return StepView(
        step=torch.tensor(0),
        real=torch.rand(5, 1, 2, 2, generator=seeded),
        fake=torch.rand(5, 1, 2, 2, generator=seeded) + 3,
        latent=latents.sample(5, generator=seeded),
        latents=latents,
        real_logit=None,
        fake_logit=torch.zeros(5),
        params=None,
        generator=nn.Identity(),
        discriminator=discriminator,
        random=seeded,
    )


@pytest.fixture
def weight() -> Tensor:
    return torch.tensor([3.0, 0.0, -4.0, 12.0], requires_grad=True)


def test_a_linear_d_has_its_weights_for_a_slope(weight: Tensor) -> None:
    """|w| = 13, so R1 is 13^2 / 2 and the gradient penalty 12^2; their gradients are w and 2 (|w| - 1) w / |w|."""

    def linear(images: Tensor, domain: str) -> tuple[Tensor, None]:
        return images.flatten(1) @ weight, None

    for term, loss, gradient in (
        (R1(), 84.5, weight.detach()),
        (GradientPenalty(), 144.0, 24 / 13 * weight.detach()),
    ):
        found = term.d_loss(view_of(linear))
        assert found.item() == pytest.approx(loss, rel=1e-5)
        assert torch.allclose(torch.autograd.grad(found, weight)[0], gradient, rtol=1e-5)
        assert term.g_loss(view_of(linear)) is None


def test_r1_looks_at_real_pictures_and_the_gradient_penalty_between_them_and_generated_ones() -> None:
    seen: list[tuple[Tensor, str]] = []

    def quadratic(images: Tensor, domain: str) -> tuple[Tensor, None]:
        seen.append((images.detach(), domain))
        return images.flatten(1).square().sum(dim=1), None

    view = view_of(quadratic)
    slope = R1().d_loss(view)
    assert slope.item() == pytest.approx(0.5 * (4 * view.real.flatten(1).square().sum(dim=1)).mean().item())
    GradientPenalty().d_loss(view)
    (real, domain), (mixed, _) = seen
    assert domain == "real"
    assert torch.equal(real, view.real)
    share = (mixed - view.real) / (view.fake - view.real)
    for picture in share:
        assert picture.max() - picture.min() < 1e-5, "one share for a whole picture"
        assert 0 <= picture.mean() < 1
    assert share.mean(dim=(1, 2, 3)).std() > 0.05, "another for each"


def test_mixtures_come_from_the_views_generator() -> None:
    def wavy(images: Tensor, domain: str) -> tuple[Tensor, None]:
        return images.flatten(1).sin().sum(dim=1), None

    one, again, other = (GradientPenalty().d_loss(view_of(wavy, seed)).item() for seed in (0, 0, 1))
    assert one == again != other
    assert math.isfinite(one)


def test_a_flat_d_has_a_gradient_to_leave_by() -> None:
    """The length of a vector has no derivative at 0."""
    weight = torch.zeros(4, requires_grad=True)
    view = view_of(lambda images, domain: (images.flatten(1) @ weight, None))
    loss = GradientPenalty().d_loss(view)
    assert loss.item() == pytest.approx(1, abs=1e-5)
    assert torch.autograd.grad(loss, weight)[0].isfinite().all()
