"""An ordinal code for infogan: one of a few values that have an order, such as small < medium < large."""

import math
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field

from infogan import Code, hookimpl


class Ordinal(Code):
    """Level k of ``levels`` is a thermometer: k ones, then zeros. Q is the cumulative logit model."""

    kind: Literal["ordinal"] = "ordinal"
    levels: int = Field(ge=2, le=1000, examples=[5])
    """Number of levels, all equally likely."""
    discrete: ClassVar[bool] = True
    width = n_params = property(lambda self: self.levels - 1)
    entropy = property(lambda self: math.log(self.levels))

    def grid(self, steps):
        return torch.ones(self.levels, self.width).tril(-1)

    def sample(self, n, *, generator=None, device=None):
        return self.grid(self.levels).to(device)[torch.randint(self.levels, (n,), generator=generator, device=device)]

    def log_prob(self, params, value):
        """P(c > k | x) = sigmoid(a[k]), where a falls by softplus(gaps) from one k to the next."""
        gaps = params[:, 1:]
        a = params[:, :1] - F.pad(F.softplus(gaps).cumsum(dim=1), (1, 0))
        # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)), and 1 - exp(-softplus(gap)) = sigmoid(gap)
        log_p = F.pad(F.logsigmoid(a), (1, 0)) + F.pad(F.logsigmoid(-a), (0, 1)) + F.pad(F.logsigmoid(gaps), (1, 1))
        return log_p.gather(1, value.sum(dim=1, keepdim=True).long()).squeeze(1)


@hookimpl
def infogan_components():
    return [Ordinal]
