"""The contract of a loss term: pure, per picture, and honest about whom it teaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import torch
from torch import Tensor, nn

from ..core.latent import Latents
from ..core.loss import LossTerm, Part, Phase, Reach, StepView
from ..model.discriminator import Discriminator
from .common import check_options, require, seeded, untouched_global_state
from .tiny_model import IMAGE, tiny_discriminator, tiny_generator, tiny_latents

__tracebackhide__ = True  # pytest shows an author's own frames, and not these

REACHES: tuple[str, ...] = get_args(Reach)
BATCH = 6
LATE = 1_000_000


def check_loss(
    term: LossTerm, *, latents: Latents | None = None, step: int = LATE, pairs_pictures: bool = False
) -> None:
    """The contract of a loss term, on a small model with one body and with two.

    Args:
        term: What to check.
        latents: The latent of the model, where the term's options name codes; absent: a discrete code
            ``sign`` and a continuous code ``level``.
        step: A step at which the term takes part; absent: one after any warm-up.
        pairs_pictures: True for a term that compares pictures of a batch with each other, whose value
            may depend on their order and number.

    Raises AssertionError that says which promise is broken.
    """
    check_options(term)
    latents = latents or tiny_latents()
    term.check(latents)
    for shared in (True, False):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            generator, discriminator = tiny_generator(latents), tiny_discriminator(latents, shared=shared)
        real = torch.rand(BATCH, *IMAGE.dims, generator=seeded(1)) * 2 - 1
        latent = latents.sample(BATCH, generator=seeded(2))
        model = _Model(term, latents, generator, discriminator, step)
        for phase in ("d", "g"):
            _check_reach(model, phase, real, latent)
            _check_value(model, phase, real, latent)
            if not (pairs_pictures or term.draws):
                _check_per_picture(model, phase, real, latent)
            _check_signs(model, phase, real, latent)


class _Model:
    """A term with a small G, D and Q to apply it to, as a training step does."""

    def __init__(
        self, term: LossTerm, latents: Latents, generator: nn.Module, discriminator: Discriminator, step: int
    ) -> None:
        self.term, self.latents, self.step = term, latents, step
        self.generator, self.discriminator = generator, discriminator
        self.parts: dict[Part, nn.Module] = {"generator": generator, **discriminator.parts()}

    def loss(self, phase: Phase, real: Tensor, latent: Tensor, *, weight: float = 1.0) -> Tensor | None:
        """The term's loss in one phase. In G's phase the parts of D that it does not claim stand still."""
        claimed = self.declared("g")
        for part, module in self.parts.items():
            module.requires_grad_(phase == "d" or part == "generator" or part in claimed)
        term = self.term.model_copy(update={"weight": weight})
        return self.of(self.view(phase, real, latent), phase, term)

    def of(self, view: StepView, phase: Phase, term: LossTerm | None = None) -> Tensor | None:
        """The term, or one that stands in for it, of a view."""
        term = term or self.term
        return term.d_loss(view) if phase == "d" else term.g_loss(view)

    def view(self, phase: Phase, real: Tensor, latent: Tensor) -> StepView:
        fake = self.generator(latent)
        common: dict[str, Any] = {
            "step": torch.tensor(self.step),
            "real": real,
            "latent": latent,
            "latents": self.latents,
            "generator": self.generator,
            "discriminator": self.discriminator,
            "random": seeded(4),
        }
        if phase == "d":
            both = torch.cat([real, fake.detach()])
            features = self.discriminator.features(both, "both")
            real_logit, fake_logit = self.discriminator.judge(features).chunk(2)
            read = self.discriminator.read_features(both, features, "both")
            detached = self.term.reads_detached("d", shared=self.discriminator.q_body is None)
            params = self.discriminator.q_head(read.detach() if detached else read)
            return StepView(fake=fake.detach(), real_logit=real_logit, fake_logit=fake_logit, params=params, **common)
        logit, params = self.discriminator(fake, "fake")
        return StepView(fake=fake, real_logit=None, fake_logit=logit, params=params, **common)

    def declared(self, phase: Phase) -> frozenset[Part]:
        """What the term says it teaches."""
        return self.term.parts(phase, shared=self.discriminator.q_body is None)

    def felt(self, phase: Phase, loss: Tensor) -> set[Part]:
        """The parts in which some weight has a gradient that is not 0.

        What a term claims for G's phase is never stepped in D's.
        """
        gone = self.declared("g") - {"generator"} if phase == "d" else frozenset()
        moving: list[tuple[Part, nn.Parameter]] = [
            (part, weight)
            for part, module in self.parts.items()
            for weight in module.parameters()
            if weight.requires_grad and part not in gone
        ]
        gradients = torch.autograd.grad(loss, [weight for _, weight in moving], allow_unused=True)
        return {part for (part, _), g in zip(moving, gradients, strict=True) if g is not None and bool(g.any())}


def _named(phase: Phase) -> str:
    return f"{phase}_loss"


def _check_reach(model: _Model, phase: Phase, real: Tensor, latent: Tensor) -> None:
    """``reach`` names exactly the parts in which a gradient arrives."""
    term, name = model.term, _named(phase)
    reach = term.reach(phase)
    right = isinstance(reach, frozenset) and reach <= set(REACHES)
    require(right, term, f"reach({phase!r}) has to be a frozenset of some of {', '.join(REACHES)}, not {reach!r}")
    declared = model.declared(phase)
    loss = model.loss(phase, real, latent)
    if loss is None:
        require(not declared, term, f"{name} is None, but reach({phase!r}) says that it teaches {sorted(declared)}")
        return
    scalar = isinstance(loss, Tensor) and loss.ndim == 0
    require(scalar, term, f"{name} has to be a scalar tensor or None, not {_described(loss)}")
    require(
        bool(loss.isfinite()),
        term,
        f"{name} is not finite on an ordinary batch: {loss.item()}; softplus and logsigmoid do not overflow",
    )
    require(
        bool(declared),
        term,
        f"{name} is a loss, but reach({phase!r}) says that it teaches nobody; name who learns, or return None",
    )
    felt = model.felt(phase, loss) if loss.requires_grad else set()
    unfelt, untold = sorted(declared - felt), sorted(felt - declared)
    require(
        not unfelt, term, f"reach({phase!r}) names {unfelt}, but {name} sends no gradient there; is something detached?"
    )
    require(
        not untold,
        term,
        f"{name} sends a gradient into {untold}, which reach({phase!r}) does not name; "
        f"detach what is not to learn, or name it",
    )


def _check_value(model: _Model, phase: Phase, real: Tensor, latent: Tensor) -> None:
    """A pure function of the view: the same twice, no randomness of its own, without its weight."""
    term, name = model.term, _named(phase)
    with untouched_global_state(term, name):
        loss = model.loss(phase, real, latent)
    again, weighted = model.loss(phase, real, latent), model.loss(phase, real, latent, weight=7.0)
    if loss is None or again is None or weighted is None:
        return
    pure = "it has to be a pure function of it; does it draw, or remember something?"
    _require_equal(model, loss, again, f"{name} gives two values for one view; {pure}")
    _require_equal(model, loss, weighted, f"{name} applies its weight itself; whoever sums the terms does that")


def _check_per_picture(model: _Model, phase: Phase, real: Tensor, latent: Tensor) -> None:
    """A mean over pictures: neither their order nor their number matters."""
    name = _named(phase)
    loss = model.loss(phase, real, latent)
    order = torch.randperm(BATCH, generator=seeded(5))
    others: Mapping[str, Tensor | None] = {
        "the order of the batch": model.loss(phase, real[order], latent[order]),
        "the size of the batch, as a sum does and a mean does not": model.loss(
            phase, real.repeat(2, 1, 1, 1), latent.repeat(2, 1)
        ),
    }
    for what, other in others.items():
        if loss is not None and other is not None:
            advice = "; if it compares pictures with each other, say so: check_loss(..., pairs_pictures=True)"
            _require_equal(model, loss, other, f"{name} depends on {what}{advice}")


FAR_OFF = 10.0
"""A logit of a D that is wrong about every picture, or (below 0) sees through G; and nats that Q lacks."""


def _check_signs(model: _Model, phase: Phase, real: Tensor, latent: Tensor) -> None:
    """A game rewards a D that was wrong, and a G that was seen through, for getting better; any term more information.

    A game is a term that teaches D's head in D's phase and G in its own. Others may press logits wherever they like.
    """
    term, name = model.term, _named(phase)
    view = model.view(phase, real, latent)
    judged_real = torch.full((BATCH,), -FAR_OFF, requires_grad=True)
    judged_fake = torch.full((BATCH,), FAR_OFF if phase == "d" else -FAR_OFF, requires_grad=True)
    view = replace(view, real_logit=None if view.real_logit is None else judged_real, fake_logit=judged_fake)
    information = {code: torch.tensor(-FAR_OFF, requires_grad=True) for code in model.latents.codes}
    view.information.update(information)
    loss = model.of(view, phase)
    if loss is None or not loss.requires_grad:
        return
    minus = "which is to be maximised; is the minus sign missing?"
    better = [(f"with the information of {code!r}, {minus}", nats, 1) for code, nats in information.items()]
    if "d_head" in model.declared("d") and "generator" in model.declared("g"):
        turned = "which it has to reward; is a sign turned around?"
        moves, towards = ("falls", -1) if phase == "d" else ("rises", 1)
        better.append((f"where D's logit rises for real pictures, {turned}", judged_real, 1))
        better.append((f"where D's logit {moves} for generated pictures, {turned}", judged_fake, towards))
    slopes = torch.autograd.grad(loss, [leaf for _, leaf, _ in better], allow_unused=True)
    for (where, _, towards), slope in zip(better, slopes, strict=True):
        grows = slope is not None and towards * float(slope.sum()) > 0
        require(not grows, term, f"{name} grows {where}")


def _require_equal(model: _Model, loss: Tensor, other: Tensor, message: str) -> None:
    require(torch.allclose(loss, other, rtol=1e-4, atol=1e-5), model.term, f"{message} ({loss:.6g}, {other:.6g})")


def _described(loss: object) -> str:
    return f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
