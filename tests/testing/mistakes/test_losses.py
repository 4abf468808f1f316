"""Mistakes that authors of loss terms make, and what the contract answers.

Each is seeded into a part that is right but for it. The answer has to say what is wrong, where, and what to look at.
"""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor

from infogan import LossTerm
from infogan.core.loss import Phase, Reach, StepView
from infogan.testing import check_component, check_loss


class Wasserstein(LossTerm):
    """Right in every respect."""

    kind: Literal["wasserstein"] = "wasserstein"

    def reach(self, phase: Phase) -> frozenset[Reach]:
        return frozenset({"d_body", "d_head"} if phase == "d" else {"generator"})

    def d_loss(self, view: StepView) -> Tensor | None:
        assert view.real_logit is not None
        return view.fake_logit.mean() - view.real_logit.mean()

    def g_loss(self, view: StepView) -> Tensor | None:
        return -view.fake_logit.mean()


class RealPenalty(LossTerm):
    """R1 (Mescheder et al. 2018), right in every respect: it calls D again."""

    kind: Literal["real_penalty"] = "real_penalty"

    def reach(self, phase: Phase) -> frozenset[Reach]:
        return frozenset({"d_body", "d_head"}) if phase == "d" else frozenset()

    def d_loss(self, view: StepView) -> Tensor | None:
        real = view.real.clone().requires_grad_()
        (slope,) = torch.autograd.grad(view.discriminator(real, "real")[0].sum(), [real], create_graph=True)
        return slope.square().flatten(1).sum(dim=1).mean()


class ClaimsQ(Wasserstein):
    def reach(self, phase: Phase) -> frozenset[Reach]:
        return super().reach(phase) | ({"q_head"} if phase == "d" else set())


class HidesTheBody(Wasserstein):
    def reach(self, phase: Phase) -> frozenset[Reach]:
        return super().reach(phase) - {"d_body"}


class HidesG(Wasserstein):
    def reach(self, phase: Phase) -> frozenset[Reach]:
        return super().reach(phase) - {"generator"}


class DetachesFakes(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -view.discriminator(view.fake.detach(), "fake")[0].mean() + 0 * view.latent.sum()


class ReachesGInDsPhase(Wasserstein):
    def d_loss(self, view: StepView) -> Tensor | None:
        again = view.discriminator(view.generator(view.latent), "fake")[0]
        assert view.real_logit is not None
        return again.mean() - view.real_logit.mean()


class ClaimsWithoutALoss(Wasserstein):
    def d_loss(self, view: StepView) -> Tensor | None:
        return None


class PerPicture(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -view.fake_logit


class Sums(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -view.fake_logit.sum()


class FirstPictureOnly(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -view.fake_logit[0]


class WeighsItself(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -self.weight * view.fake_logit.mean()


class Random(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -(view.fake_logit * torch.rand(len(view.fake_logit))).mean()


class LogOfSigmoid(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -(view.fake_logit - 200).sigmoid().log().mean()


class PraisesFakes(Wasserstein):
    def d_loss(self, view: StepView) -> Tensor | None:
        assert view.real_logit is not None
        return view.real_logit.mean() - view.fake_logit.mean()


class GivesItselfAway(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return view.fake_logit.mean()


class HidesItsCodes(Wasserstein):
    """It minimises the information that it is there to maximise."""

    def reach(self, phase: Phase) -> frozenset[Reach]:
        return frozenset({"generator", "read_body", "q_head"} if phase == "g" else ())

    def d_loss(self, view: StepView) -> Tensor | None:
        return None

    def g_loss(self, view: StepView) -> Tensor | None:
        return view.information["sign"] + view.information["level"]


class NamesNobodyThereIs(Wasserstein):
    def reach(self, phase: Phase) -> frozenset[Reach]:
        return frozenset({"g"})  # type: ignore[arg-type]


class ReachesAList(Wasserstein):
    def reach(self, phase: Phase) -> frozenset[Reach]:
        return ["generator"]  # type: ignore[return-value]


BROKEN_LOSSES: list[tuple[LossTerm, str]] = [
    (ClaimsQ(), r"reach\('d'\) names \['q_head'\], but d_loss sends no gradient there"),
    (HidesTheBody(), r"d_loss sends a gradient into \['d_body'\], which reach\('d'\) does not name"),
    (
        NamesNobodyThereIs(),
        r"reach\('d'\) has to be a frozenset of some of generator, d_body, .*, not frozenset\({'g'}\)",
    ),
    (ReachesAList(), r"reach\('d'\) has to be a frozenset of some of generator, d_body, .*, not \['generator'\]"),
    (HidesG(), r"g_loss is a loss, but reach\('g'\) says that it teaches nobody"),
    (DetachesFakes(), r"reach\('g'\) names \['generator'\], .* is something detached"),
    (ReachesGInDsPhase(), r"d_loss sends a gradient into \['generator'\]"),
    (ClaimsWithoutALoss(), r"d_loss is None, but reach\('d'\) says that it teaches \['d_body', 'd_head'\]"),
    (PerPicture(), r"g_loss has to be a scalar tensor or None, not a tensor of shape \(6,\)"),
    (Sums(), "g_loss depends on the size of the batch"),
    (FirstPictureOnly(), "g_loss depends on the order of the batch"),
    (WeighsItself(), "g_loss applies its weight itself"),
    (Random(), "g_loss uses torch's global random state"),
    (LogOfSigmoid(), "g_loss is not finite .*softplus and logsigmoid do not overflow"),
    (PraisesFakes(), "d_loss grows where D's logit rises for real pictures, .* is a sign turned around"),
    (GivesItselfAway(), "g_loss grows where D's logit rises for generated pictures, .* is a sign turned around"),
    (HidesItsCodes(), "g_loss grows with the information of 'sign', .* is the minus sign missing"),
]


@pytest.mark.parametrize("term", [Wasserstein(), RealPenalty()], ids=repr)
def test_the_right_losses_that_the_broken_ones_are_made_from(term: LossTerm) -> None:
    check_component(term)


@pytest.mark.parametrize(("term", "advice"), BROKEN_LOSSES, ids=lambda value: type(value).__name__)
def test_broken_loss_is_caught(term: LossTerm, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check_component(term)


def test_loss_that_pairs_pictures_says_so() -> None:
    check_loss(FirstPictureOnly(), pairs_pictures=True)
