"""The summands of InfoGAN's objective, V(D, G) - lambda L_I(G, Q) (paper, equations 1, 5 and 6).

D's logit l stands for D(x) = sigmoid(l), so log D = -softplus(-l) and log(1 - D) = -softplus(l):
nothing is ever the logarithm of a sigmoid, which saturates.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from ..core.component import error_at
from ..core.latent import Latents
from ..core.loss import LossTerm, Phase, Reach, StepView
from ..registry import hookimpl


class _Game(LossTerm):
    """What all games between D and G share: whom they teach."""

    def reach(self, phase: Phase) -> frozenset[Reach]:
        return frozenset({"d_body", "d_head"} if phase == "d" else {"generator"})


class _Adversarial(_Game):
    """D's side, which both games of probabilities share: D minimises -E[log D(x)] - E[log(1 - D(G(z, c)))]."""

    real_label: float = Field(default=1.0, gt=0.5, le=1.0)
    """The probability that D is taught for real pictures; below 1, such as 0.9: one-sided label smoothing
    (Salimans et al. 2016, section 3.4), which keeps D from being too sure."""

    def d_loss(self, view: StepView) -> Tensor:
        real, p = _judged_real(view), self.real_label
        of_real = F.softplus(-real).mean()
        if p < 1:
            of_real = p * of_real + (1 - p) * F.softplus(real).mean()
        return of_real + F.softplus(view.fake_logit).mean()


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


class LeastSquares(_Game):
    """D's logit is drawn to 1 for real pictures and to 0 for generated ones, by G to 1 (Mao et al. 2017, equation 9).

    Each side is half a mean square.
    """

    kind: Literal["least_squares"] = "least_squares"

    def d_loss(self, view: StepView) -> Tensor:
        return 0.5 * (_judged_real(view) - 1).square().mean() + 0.5 * view.fake_logit.square().mean()

    def g_loss(self, view: StepView) -> Tensor:
        return 0.5 * (view.fake_logit - 1).square().mean()


class Hinge(_Game):
    """D's logit is to be at least 1 for real pictures and at most -1 for generated ones (Lim and Ye 2017)."""

    kind: Literal["hinge"] = "hinge"

    def d_loss(self, view: StepView) -> Tensor:
        return F.relu(1 - _judged_real(view)).mean() + F.relu(1 + view.fake_logit).mean()

    def g_loss(self, view: StepView) -> Tensor:
        return -view.fake_logit.mean()


class Wasserstein(_Game):
    """D's mean logit is to differ as far as it can (Arjovsky et al. 2017, equation 2).

    It bounds a distance only where something bounds D's slope: put a `gradient_penalty` beside it.
    """

    kind: Literal["wasserstein"] = "wasserstein"

    def d_loss(self, view: StepView) -> Tensor:
        return view.fake_logit.mean() - _judged_real(view).mean()

    def g_loss(self, view: StepView) -> Tensor:
        return -view.fake_logit.mean()


def _judged_real(view: StepView) -> Tensor:
    assert view.real_logit is not None, "D's phase judges real pictures"
    return view.real_logit


_REACH: dict[str, tuple[frozenset[Reach], frozenset[Reach]]] = {
    "official": (frozenset({"read_body", "q_head"}), frozenset({"generator"})),
    "generator": (frozenset(), frozenset({"generator", "q_body", "q_head"})),
    "reading": (frozenset({"q_body", "q_head"}), frozenset()),
}
"""Whom each routing of the information teaches, in D's phase and in G's."""


class MutualInformation(LossTerm):
    """-L_I(G, Q), the variational bound on I(c; G(z, c)) in nats, summed over codes (paper, equation 5).

    Each code's share is H(c) + E[log Q(c | x)], times its weight.
    """

    kind: Literal["mutual_information"] = "mutual_information"
    codes: dict[str, Annotated[float, Field(ge=0.0)]] = Field(default={}, examples=[{"slant": 0.1}])
    """Weight of single codes; 1 for any other. The paper takes less for continuous ones (section 6)."""
    routing: Literal["official", "generator", "reading"] = "official"
    """Who learns from it. ``official``: the body and Q's head in D's phase, G in its own, as the
    authors' code does. ``generator``: Q's head, and its body if it has one of its own, together with G, in
    G's phase; D's body takes none. ``reading``: Q's head, and its body if it has one of its own, in D's phase, and
    nobody else: a regular GAN beside which Q learns what it can (section 7.1, figures 1 and 2)."""
    warmup: int = Field(default=0, ge=0)
    """Steps over which the weight rises from 0 in a straight line. At full weight a code holds on to
    whatever told its values apart first; at a small one it can still move to where pictures differ in kind."""

    def reach(self, phase: Phase) -> frozenset[Reach]:
        d, g = _REACH[self.routing]
        return d if phase == "d" else g

    def d_loss(self, view: StepView) -> Tensor | None:
        return self._negative_bound(view) if self.reach("d") else None

    def g_loss(self, view: StepView) -> Tensor | None:
        return self._negative_bound(view) if self.reach("g") else None

    def _negative_bound(self, view: StepView) -> Tensor:
        terms = [-self.codes.get(name, 1.0) * nats for name, nats in view.information.items()]
        return sum(terms[1:], start=terms[0]) * self._share(view.step)

    def _share(self, step: Tensor) -> Tensor | float:
        """How much of the weight is in force after ``step`` steps, from 0 to 1."""
        return (step / self.warmup).clamp(max=1.0) if self.warmup else 1.0

    def check(self, latents: Latents) -> None:
        for name in self.codes:
            try:
                latents.code(name)
            except ValueError as error:
                raise error_at(("codes", name), error) from None


@hookimpl
def infogan_components() -> list[type]:
    return [Minimax, NonSaturating, LeastSquares, Hinge, Wasserstein, MutualInformation]
