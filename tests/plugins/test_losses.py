"""Loss terms as formulas, and whom they reach."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from infogan import Latents, LossTerm
from infogan.core.loss import StepView
from infogan.plugins.codes import Categorical, Uniform
from infogan.plugins.losses import Hinge, LeastSquares, Minimax, MutualInformation, NonSaturating, Wasserstein
from infogan.plugins.noises import NormalNoise


@pytest.fixture
def view() -> StepView:
    latents = Latents(NormalNoise(size=2), {"digit": Categorical(n=3), "slant": Uniform()})
    seeded = torch.Generator().manual_seed(0)
    nothing: Any = SimpleNamespace()
    return StepView(
        step=torch.tensor(0),
        real=nothing,
        fake=nothing,
        latent=latents.sample(16, generator=seeded),
        latents=latents,
        real_logit=torch.randn(16, generator=seeded),
        fake_logit=torch.randn(16, generator=seeded),
        params=torch.randn(16, latents.n_params, generator=seeded),
        generator=nothing,
        discriminator=nothing,
        random=seeded,
    )


def bce(logit: Tensor | None, label: float) -> Tensor:
    assert logit is not None
    return F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, label))


@pytest.mark.parametrize("game", [Minimax(), NonSaturating()])
def test_d_tells_real_from_generated(game: LossTerm, view: StepView) -> None:
    assert torch.allclose(game.d_loss(view), bce(view.real_logit, 1.0) + bce(view.fake_logit, 0.0))


def test_g_plays_against_d(view: StepView) -> None:
    assert torch.allclose(Minimax().g_loss(view), -bce(view.fake_logit, 0.0))
    assert torch.allclose(NonSaturating().g_loss(view), bce(view.fake_logit, 1.0))


def test_both_games_push_g_the_same_way_and_only_one_fades(view: StepView) -> None:
    pushes = {}
    for game in (Minimax(), NonSaturating()):
        logit = torch.tensor([-20.0, 0.0, 20.0], requires_grad=True)
        game.g_loss(replace(view, fake_logit=logit, real_logit=None)).backward()
        assert (logit.grad <= 0).all()
        pushes[game.kind] = -3 * logit.grad[0].item()
    assert pushes["minimax"] < 1e-8
    assert pushes["non_saturating"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("game", [Minimax, NonSaturating])
@pytest.mark.parametrize("label", [0.9, 0.7])
def test_a_smoothed_label_is_the_probability_that_d_is_taught(
    game: type[Minimax], label: float, view: StepView
) -> None:
    smoothed = game(real_label=label)
    assert torch.allclose(smoothed.d_loss(view), bce(view.real_logit, label) + bce(view.fake_logit, 0.0))
    logits = torch.linspace(-5, 5, 1001)
    losses = [smoothed.d_loss(replace(view, real_logit=logit[None])).item() for logit in logits]
    assert logits[losses.index(min(losses))].sigmoid().item() == pytest.approx(label, abs=0.01)
    assert torch.equal(smoothed.g_loss(view), game().g_loss(view)), "G's side stays"


@pytest.mark.parametrize("label", [0.5, 0.0, 1.1])
def test_a_label_of_real_pictures_calls_them_real(label: float) -> None:
    with pytest.raises(ValueError, match="real_label"):
        NonSaturating(real_label=label)


def test_other_games_by_hand(view: StepView) -> None:
    view = replace(view, real_logit=torch.tensor([2.0, 0.0]), fake_logit=torch.tensor([-3.0, 0.5]))
    for game, d_loss, g_loss in (
        (LeastSquares(), 0.5 * (1 + 1) / 2 + 0.5 * (9 + 0.25) / 2, 0.5 * (16 + 0.25) / 2),
        (Hinge(), (0 + 1) / 2 + (0 + 1.5) / 2, 1.25),
        (Wasserstein(), -1.25 - 1, 1.25),
    ):
        assert game.d_loss(view).item() == pytest.approx(d_loss)
        assert game.g_loss(view).item() == pytest.approx(g_loss)


@pytest.mark.parametrize("game", [Minimax(), NonSaturating(), LeastSquares(), Hinge(), Wasserstein()])
def test_in_every_game_d_raises_what_is_real_and_g_what_it_made(game: LossTerm, view: StepView) -> None:
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    of_real, of_fake = torch.autograd.grad(game.d_loss(replace(view, real_logit=real, fake_logit=fake)), (real, fake))
    (of_g,) = torch.autograd.grad(game.g_loss(replace(view, fake_logit=fake)), fake)
    assert (of_real < 0).all()
    assert (of_fake > 0).all() or (isinstance(game, LeastSquares) and not of_fake.any()), "0 is where it wants fakes"
    assert (of_g < 0).all()


def test_a_d_that_cannot_tell_loses_two_log_two(view: StepView) -> None:
    blind = replace(view, real_logit=torch.zeros(4), fake_logit=torch.zeros(4))
    assert NonSaturating().d_loss(blind).item() == pytest.approx(2 * math.log(2))


def test_the_information_term_is_the_negative_bound_summed_over_codes(view: StepView) -> None:
    nats = view.latents.information(view.params, view.latent)
    term = MutualInformation(codes={"slant": 0.25})
    assert torch.allclose(term.g_loss(view), -(nats["digit"] + 0.25 * nats["slant"]))
    assert torch.equal(term.d_loss(view), term.g_loss(view))


def test_a_code_of_weight_zero_has_no_gradient(view: StepView) -> None:
    params = view.params.clone().requires_grad_()
    MutualInformation(codes={"slant": 0.0}).g_loss(replace(view, params=params)).backward()
    assert params.grad[:, :3].abs().max() > 0
    assert params.grad[:, 3:].abs().max() == 0


def test_the_information_may_rise_from_nothing_to_its_weight_in_a_straight_line(view: StepView) -> None:
    at_once, slowly = MutualInformation().g_loss(view).item(), MutualInformation(warmup=10)
    shares = [slowly.g_loss(replace(view, step=torch.tensor(step))).item() / at_once for step in (0, 1, 5, 10, 1000)]
    assert shares == pytest.approx([0, 0.1, 0.5, 1, 1])


def test_routing_says_who_learns_from_the_information() -> None:
    official, with_g, reading = (MutualInformation(routing=r) for r in ("official", "generator", "reading"))
    for shared, own in ((True, set()), (False, {"q_body"})):
        assert official.parts("d", shared=shared) == {"q_head"} | (own or {"d_body"})
        assert official.parts("g", shared=shared) == {"generator"}
        assert with_g.parts("d", shared=shared) == frozenset()
        assert with_g.parts("g", shared=shared) == {"generator", "q_head"} | own
        assert reading.parts("d", shared=shared) == {"q_head"} | own
        assert reading.parts("g", shared=shared) == frozenset()


@pytest.mark.parametrize(
    ("codes", "said"),
    [
        ({"digits": 1.0}, "no code is named 'digits'.*Did you mean 'digit'"),
        ({"slant": -1.0}, r"codes\.slant(.|\n)*(at least|greater than or equal to) 0"),
    ],
)
def test_weights_are_of_codes_that_there_are(codes: dict[str, float], said: str, view: StepView) -> None:
    with pytest.raises(ValueError, match=said):
        MutualInformation(codes=codes).check(view.latents)


def test_a_term_has_no_negative_weight() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        NonSaturating(weight=-1.0)


def test_a_term_without_losses_has_no_part_in_a_step(view: StepView) -> None:
    class Nothing(LossTerm):
        kind: str = "nothing"

    assert Nothing().d_loss(view) is None
    assert Nothing().g_loss(view) is None
    assert Nothing().reach("d") == Nothing().reach("g") == frozenset()
