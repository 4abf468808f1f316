"""Invariance: Q has to say the same of a picture and of its distorted copy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from infogan import Code, Latents
from infogan.core.loss import StepView
from infogan.plugins.codes import Bernoulli, Categorical, Uniform
from infogan.plugins.invariance import Invariance, posterior
from infogan.plugins.noises import NormalNoise
from infogan.testing import check_loss

STILL = {"turn": 0.0, "stretch": 0.0, "shear": 0.0, "shift": 0.0}
LATENTS = Latents(NormalNoise(size=2), {"slant": Uniform(), "digit": Categorical(n=3)})


def view_of(says: Callable[[Tensor], Tensor], real: Tensor, latents: Latents = LATENTS) -> StepView:
    """A step in which Q says ``says(pictures)``, (batch, n_params)."""

    def discriminator(images: Tensor, domain: str) -> tuple[Tensor, Tensor]:
        assert domain == "real"
        return torch.zeros(len(images)), says(images)

    nothing: Any = None
    return StepView(
        step=torch.tensor(0),
        real=real,
        fake=nothing,
        latent=nothing,
        latents=latents,
        real_logit=nothing,
        fake_logit=nothing,
        params=nothing,
        generator=nn.Identity(),
        discriminator=discriminator,
        random=torch.Generator().manual_seed(0),
    )


def sure_of(value: Tensor) -> Tensor:
    """Params of a Q that is sure of the digit ``value``, ``(batch,)``; those of the slant are 0."""
    return torch.cat([torch.zeros(len(value), 2), 1000.0 * nn.functional.one_hot(value, 3)], dim=1)


@pytest.mark.parametrize("code", [Categorical(n=4), Bernoulli(), Bernoulli(p=0.2)])
def test_the_posterior_of_a_discrete_code_is_a_law_over_its_dial(code: Code) -> None:
    params = torch.randn(50, code.n_params, generator=torch.Generator().manual_seed(0))
    p = posterior(code, params)
    assert torch.allclose(p.sum(dim=1), torch.ones(50), atol=1e-5)
    assert torch.equal(code.grid(2)[p.argmax(dim=1)], code.mode(params))


@pytest.mark.parametrize("spread", [1.0, 2.5])
def test_a_sure_and_fair_reader_of_undistorted_pictures_reaches_the_bound(spread: float) -> None:
    term = Invariance(codes=("digit",), spread=spread, **STILL)
    values = torch.arange(30) % 3
    found = term.d_loss(view_of(lambda images: sure_of(values.repeat(2)), torch.rand(30, 1, 4, 4)))
    assert found.item() == pytest.approx(math.log(3) * (1 - 2 * spread), abs=1e-5)


def test_whoever_says_the_same_of_every_picture_or_nothing_of_any_scores_nothing() -> None:
    term, real = Invariance(codes=("digit",), **STILL), torch.rand(30, 1, 4, 4)
    stubborn = term.d_loss(view_of(lambda images: sure_of(torch.zeros(60, dtype=torch.int64)), real))
    blind = term.d_loss(view_of(lambda images: torch.zeros(60, 5), real))
    assert stubborn.item() == pytest.approx(0, abs=1e-5)
    assert blind.item() == pytest.approx(0, abs=1e-5)


def test_it_is_the_information_between_the_two_readings() -> None:
    """Worked out by hand, sum over i, j of P ln(P / (p_i p_j)), for readings that agree three times in four."""
    term = Invariance(codes=("sign",), **STILL)
    latents = Latents(NormalNoise(size=2), {"sign": Categorical(n=2)})
    first = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    second = torch.tensor([0, 0, 0, 1, 1, 1, 1, 0])
    says = 1000.0 * nn.functional.one_hot(torch.cat([first, second]), 2)
    found = term.d_loss(view_of(lambda images: says.float(), torch.rand(8, 1, 4, 4), latents))
    p = torch.tensor([[3, 1], [1, 3]]) / 8
    information = (p * (p / 0.25).log()).sum()
    assert found.item() == pytest.approx(-information.item(), abs=1e-5)


def test_the_gradient_is_finite_where_q_is_sure() -> None:
    params = sure_of(torch.zeros(60, dtype=torch.int64)).requires_grad_()
    Invariance(codes=("digit",)).d_loss(view_of(lambda images: params, torch.rand(30, 1, 4, 4))).backward()
    assert params.grad is not None
    assert params.grad.isfinite().all()


def moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Centre of mass, ``(batch, 2)``, and covariance, ``(batch, 2, 2)``, of the ink: x right, y down, sides of 2."""
    size = images.shape[-1]
    line = (torch.arange(size) + 0.5) * 2 / size - 1
    places = torch.stack(torch.meshgrid(line, line, indexing="xy"), dim=-1).reshape(-1, 2)
    ink = images.flatten(1) / images.flatten(1).sum(dim=1, keepdim=True)
    centre = ink @ places
    beside = places - centre[:, None]
    return centre, torch.einsum("bp,bpi,bpj->bij", ink, beside, beside)


@pytest.fixture
def bar() -> Tensor:
    """100 pictures of one upright bar in the middle."""
    images = torch.zeros(100, 1, 40, 40)
    images[:, :, 10:30, 15:25] = 1
    return images


def distorted(images: Tensor, **options: float) -> Tensor:
    term = Invariance(codes=("digit",), **{**STILL, **options})
    return term.distorted(images, torch.rand(6, len(images), generator=torch.Generator().manual_seed(0)))


def test_no_distortion_changes_nothing(bar: Tensor) -> None:
    assert torch.allclose(distorted(bar), bar, atol=1e-5)


def test_a_shift_moves_up_to_its_share_of_the_picture(bar: Tensor) -> None:
    centre, _ = moments(distorted(bar, shift=0.1))
    assert centre.abs().max() <= 0.2 + 1e-3
    assert (centre.abs().max(dim=0).values > 0.15).all(), "both ways are used"
    assert (centre.mean(dim=0).abs() < 0.04).all(), "either side alike"


def test_a_turn_turns_up_to_its_angle_and_keeps_the_ink(bar: Tensor) -> None:
    turned = distorted(bar, turn=30.0)
    _, covariance = moments(turned)
    angle = torch.rad2deg(0.5 * torch.atan2(2 * covariance[:, 0, 1], covariance[:, 1, 1] - covariance[:, 0, 0]))
    assert 25 < angle.abs().max() <= 30.5
    assert torch.allclose(turned.flatten(1).sum(dim=1), bar.flatten(1).sum(dim=1), rtol=0.05)


def test_a_stretch_changes_sides_and_a_shear_slants_alone(bar: Tensor) -> None:
    _, before = moments(bar)
    _, stretched = moments(distorted(bar, stretch=0.2))
    ratio = (stretched.diagonal(dim1=1, dim2=2) / before.diagonal(dim1=1, dim2=2)).sqrt()
    assert (ratio.amax(dim=0) < 1 / 0.8 + 0.05).all()
    assert (ratio.amin(dim=0) > 1 / 1.2 - 0.05).all()
    _, sheared = moments(distorted(bar, shear=0.3))
    slant = sheared[:, 0, 1] / sheared[:, 1, 1]
    assert 0.25 < slant.abs().max() <= 0.31
    assert torch.allclose(sheared[:, 1, 1], before[:, 1, 1], rtol=0.02), "rows stay where they are"


def test_every_picture_meets_a_distortion_of_its_own_and_a_seed_repeats_them(bar: Tensor) -> None:
    once, again = distorted(bar, turn=20.0), distorted(bar, turn=20.0)
    assert torch.equal(once, again)
    assert len(once.flatten(1).unique(dim=0)) == len(bar)


def test_only_discrete_codes_of_the_model_will_do() -> None:
    with pytest.raises(ValueError, match=r"no code is named 'digits'.*'digit'"):
        Invariance(codes=("digits",)).check(LATENTS)
    with pytest.raises(ValueError, match="'slant' is continuous"):
        Invariance(codes=("slant",)).check(LATENTS)


def test_it_asks_for_no_reading_of_generated_pictures() -> None:
    """It shows Q real ones itself. A step in which no other term reads then has no work for Q's head."""
    term = Invariance(codes=("digit",))
    assert not term.reads("d")
    assert not term.reads("g")
    assert term.parts("d", shared=True) == {"d_body", "q_head"}


def test_it_keeps_the_contract() -> None:
    check_loss(Invariance(codes=("sign",)))
