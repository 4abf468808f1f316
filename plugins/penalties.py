"""What bounds D's slope: penalties on the gradient of its logit with regard to pictures.

Batch norm makes a picture's logit depend on its neighbours, so that the slope of one picture's logit is no longer its
own; both penalties are defined all the same, on the sum of the batch.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from ..core.loss import LossTerm, Phase, Reach, StepView
from ..registry import hookimpl


class _Penalty(LossTerm):
    """What both penalties share: D's slope, in D's phase."""

    second_order: ClassVar[bool] = True

    def reach(self, phase: Phase) -> frozenset[Reach]:
        return frozenset({"d_body", "d_head"} if phase == "d" else ())


class R1(_Penalty):
    """Half of `E[|grad D(x)|^2]` over real pictures (Mescheder et al. 2018, equation 9).

    It holds D flat where the data are, so that the game can come to rest.
    """

    kind: Literal["r1"] = "r1"
    weight: float = Field(default=10.0, ge=0.0)
    """Factor on the term: the paper's gamma."""

    def d_loss(self, view: StepView) -> Tensor:
        return 0.5 * _slope(view, view.real, "real").square().sum(dim=1).mean()


class GradientPenalty(_Penalty):
    """`E[(|grad D(x)| - 1)^2]` on random mixtures of real and generated pictures.

    Gulrajani et al. 2017, equation 3.
    """

    draws: ClassVar[bool] = True
    kind: Literal["gradient_penalty"] = "gradient_penalty"
    weight: float = Field(default=10.0, ge=0.0)
    """Factor on the term: the paper's lambda."""

    def d_loss(self, view: StepView) -> Tensor:
        share = view.draw(1).to(view.real).reshape(-1, 1, 1, 1)
        mixture = view.real.lerp(view.fake.to(view.real), share)
        length = (_slope(view, mixture, "fake").square().sum(dim=1) + 1e-12).sqrt()
        return (length - 1).square().mean()


def _slope(view: StepView, images: Tensor, domain: Literal["real", "fake"]) -> Tensor:
    """The gradient of D's logit with regard to each picture, ``(batch, pixels)``, itself to be differentiated."""
    images = images.detach().requires_grad_()
    logit, _ = view.discriminator(images, domain)
    (gradient,) = torch.autograd.grad(logit.sum(), images, create_graph=True)
    return gradient.flatten(1)


@hookimpl
def infogan_components() -> list[type]:
    return [R1, GradientPenalty]
