"""The summands of InfoGAN's objective, V(D, G) - lambda L_I(G, Q) (paper, equations 1, 5 and 6).

D's logit l stands for D(x) = sigmoid(l), so log D = -softplus(-l) and log(1 - D) = -softplus(l):
nothing is ever the logarithm of a sigmoid, which saturates.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from ..core.component import error_at, nearest
from ..core.latent import Latents
from ..core.loss import LossTerm, Phase, Reach, StepView
from ..registry import hookimpl


class _Adversarial(LossTerm):
    """D's side, which both games share: D minimises -E[log D(x)] - E[log(1 - D(G(z, c)))]."""

    def reach(self, phase: Phase) -> frozenset[Reach]:
        return frozenset({"d_body", "d_head"} if phase == "d" else {"generator"})

    def d_loss(self, view: StepView) -> Tensor:
        assert view.real_logit is not None, "D's phase judges real pictures"
        return F.softplus(-view.real_logit).mean() + F.softplus(view.fake_logit).mean()


class Minimax(_Adversarial):
    """The paper's equation 1: G minimises E[log(1 - D(G(z, c)))]. Its gradient fades where D is sure."""

    kind: Literal["minimax"] = "minimax"

    def g_loss(self, view: StepView) -> Tensor:
        return -F.softplus(view.fake_logit).mean()


class NonSaturating(_Adversarial):
    """G minimises -E[log D(G(z, c))] (Goodfellow et al. 2014, section 3); what the authors' code trains."""

    kind: Literal["non_saturating"] = "non_saturating"

    def g_loss(self, view: StepView) -> Tensor:
        return F.softplus(-view.fake_logit).mean()


class MutualInformation(LossTerm):
    """-L_I(G, Q), the variational bound on I(c; G(z, c)) in nats, summed over codes (paper, equation 5).

    Each code's share is H(c) + E[log Q(c | x)], times its weight.
    """

    kind: Literal["mutual_information"] = "mutual_information"
    codes: dict[str, Annotated[float, Field(ge=0.0)]] = Field(default_factory=dict)
    """Weight of single codes; 1 for any other. The paper takes less for continuous ones (section 6)."""
    routing: Literal["official", "generator"] = "official"
    """Who learns from it. ``official``: the body and Q's head in D's phase, G in its own, as the
    authors' code does. ``generator``: Q's head, and its body
    if it has one of its own, together with G, in G's phase; D's body takes none."""
    warmup: int = Field(default=0, ge=0)
    """Steps over which the weight rises from 0 in a straight line. At full weight a code holds on to
    whatever told its values apart first; at a small one it can still move to where pictures differ in kind."""

    def reach(self, phase: Phase) -> frozenset[Reach]:
        if self.routing == "official":
            return frozenset({"read_body", "q_head"} if phase == "d" else {"generator"})
        return frozenset() if phase == "d" else frozenset({"generator", "q_body", "q_head"})

    def d_loss(self, view: StepView) -> Tensor | None:
        return self._negative_bound(view) if self.routing == "official" else None

    def g_loss(self, view: StepView) -> Tensor:
        return self._negative_bound(view)

    def _negative_bound(self, view: StepView) -> Tensor:
        terms = [-self.codes.get(name, 1.0) * nats for name, nats in view.information.items()]
        return sum(terms[1:], start=terms[0]) * self._share(view.step)

    def _share(self, step: Tensor) -> Tensor | float:
        """How much of the weight is in force after ``step`` steps, from 0 to 1."""
        return (step / self.warmup).clamp(max=1.0) if self.warmup else 1.0

    def check(self, latents: Latents) -> None:
        for name in self.codes:
            if name not in latents.codes:
                raise error_at(("codes", name), f"no code is named {name!r}{nearest(name, latents.codes)}")


@hookimpl
def infogan_components() -> list[type]:
    return [Minimax, NonSaturating, MutualInformation]
