"""What a code is to be blind to: small distortions that leave a picture what it is.

Mutual information alone does not care what a code's values stand for, as long as Q can tell them apart: a slant serves
as well as a digit. Asked to read the same value off a picture and off its distorted copy, Q has to find something else.
"""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from ..core.component import error_at
from ..core.latent import Code, Latents
from ..core.loss import LossTerm, Phase, Reach, StepView
from ..registry import hookimpl


class Invariance(LossTerm):
    """-I(c(x); c(t(x))): what Q says of a real picture x has to tell what it says of x distorted (Ji et al. 2019, IIC).

    With P the mean over the batch of the joint posterior of both, made symmetric (their equation 2), and p its margin,
    each code's share is the entropy of P less 2 ``spread`` times that of p (equation 3 for ``spread`` 1). At its best,
    -ln K for K values and ``spread`` 1, Q is sure of every picture, says the same of both, and uses all values alike.

    It teaches Q and the body it reads, on real pictures, without a label. Turns, stretches, shears and shifts are drawn
    uniformly up to their largest size, for each picture anew.
    """

    draws: ClassVar[bool] = True
    kind: Literal["invariance"] = "invariance"
    codes: Annotated[tuple[str, ...], Field(min_length=1, strict=False, examples=[["digit"]])]
    """Names of discrete codes."""
    spread: float = Field(default=1.0, ge=0.0)
    """Weight of the margin's entropy. More than 1 keeps values from being given up for good before they are found."""
    turn: float = Field(default=15.0, ge=0.0, le=180.0)
    """Largest turn either way, in degrees."""
    stretch: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Largest change of width, and of height, as a share of it."""
    shear: float = Field(default=0.15, ge=0.0)
    """Largest slant: the sideways shift per height."""
    shift: float = Field(default=0.05, ge=0.0, le=1.0)
    """Largest shift across, and down, as a share of the picture."""

    def reach(self, phase: Phase) -> frozenset[Reach]:
        return frozenset({"read_body", "q_head"} if phase == "d" else ())

    def reads(self, phase: Phase) -> bool:
        """No: it shows Q pictures of its own."""
        return False

    def d_loss(self, view: StepView) -> Tensor:
        both = torch.cat([view.real, self.distorted(view.real, view.draw(6))])
        params = view.latents.split_params(view.discriminator(both, "real")[1])
        terms = [self._of_code(view.latents.codes[name], params[name]) for name in self.codes]
        return sum(terms[1:], start=terms[0])

    def _of_code(self, code: Code, params: Tensor) -> Tensor:
        plain, distorted = posterior(code, params).chunk(2)
        joint = plain.T @ distorted / len(plain)
        joint = (joint + joint.T) / 2
        return _entropy(joint) - 2 * self.spread * _entropy(joint.sum(dim=0))

    def distorted(self, images: Tensor, drawn: Tensor) -> Tensor:
        """Each picture ``(batch, channels, height, width)`` turned, stretched, sheared and shifted.

        ``drawn`` is ``(6, batch)`` in [0, 1): how far each way, from one end of its range to the other. What comes in
        from beyond the rim repeats the rim.
        """
        drawn = drawn * 2 - 1
        turn, shear = drawn[0] * math.radians(self.turn), drawn[1] * self.shear
        width, height = 1 + drawn[2:4] * self.stretch
        across, down = 2 * self.shift * drawn[4:6]  # the picture is 2 wide and 2 high
        cosine, sine = turn.cos(), turn.sin()
        # Where each pixel of the new picture looks in the old one.
        right = torch.stack([cosine * width, shear - sine * width, across], dim=1)
        below = torch.stack([sine * height, cosine * height, down], dim=1)
        grid = F.affine_grid(torch.stack([right, below], dim=1), list(images.shape), align_corners=False)
        return F.grid_sample(images, grid.to(images), padding_mode="border", align_corners=False)

    def check(self, latents: Latents) -> None:
        for index, name in enumerate(self.codes):
            try:
                code = latents.code(name)
            except ValueError as error:
                raise error_at(("codes", index), error) from None
            if not code.discrete:
                raise error_at(("codes", index), f"{name!r} is continuous; only a discrete code has values to agree on")


def posterior(code: Code, params: Tensor) -> Tensor:
    """Q's probability of each value of a discrete code, in the order of its dial: ``(batch, values)``.

    >>> from infogan.plugins.codes import Categorical
    >>> posterior(Categorical(n=2), torch.tensor([[0.0, math.log(3.0)]]))
    tensor([[0.2500, 0.7500]])
    """
    dial = code.grid(2).to(params)
    batch, values = len(params), len(dial)
    log_p = code.log_prob(params.repeat_interleave(values, dim=0), dial.repeat(batch, 1))
    return log_p.reshape(batch, values).exp()


def _entropy(p: Tensor) -> Tensor:
    """-sum p ln p in nats, with a slope that stays finite where p is 0."""
    return -(p * p.clamp_min(1e-8).log()).sum()


@hookimpl
def infogan_components() -> list[type]:
    return [Invariance]
