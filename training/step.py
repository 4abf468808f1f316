"""One step of training, as a function: D's phase, then G's, on one batch of generated pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..core.loss import LossTerm, Part, Phase, StepView
from ..core.share import ALL, Share
from ..model.discriminator import DQ, Domain
from ..model.infogan import InfoGAN
from .precision import Precision

Average = Callable[[Sequence[Tensor]], None]
"""Put each gradient's mean over all processes in its place."""

Losses = tuple[dict[str, Tensor], dict[str, Tensor]]
"""The weighted loss of each term in one phase, and the information of each code where it is G's."""


def alone(gradients: Sequence[Tensor]) -> None:
    """One process's gradients are their mean."""


@dataclass(frozen=True)
class Players:
    """The weights that each phase steps, and the optimisers that step them."""

    d_weights: list[nn.Parameter]
    g_weights: list[nn.Parameter]
    d_optimizer: torch.optim.Optimizer
    g_optimizer: torch.optim.Optimizer
    average: Average = alone
    """Phase by phase, on all gradients at once: wrappers that wait for each weight's gradient fail on a step in which D
    is called twice and then stands still."""


def players(
    model: InfoGAN,
    *,
    d_lr: float,
    g_lr: float,
    betas: tuple[float, float],
    capturable: bool = False,
    average: Average = alone,
) -> Players:
    """Two Adams over disjoint weights: which part belongs to whom is declared by the loss terms.

    The paper gives Q D's rate (tables 5 and 7 head the column "D / Q"); so does the routing
    ``official`` and ``reading``. With ``generator`` Q learns at G's. ``capturable`` is for CUDA graphs.
    """
    parts: dict[Part, nn.Module] = {"generator": model.generator, **model.discriminator.parts()}
    weights: dict[Phase, list[nn.Parameter]] = {"d": [], "g": []}
    phases = model.spec.phases()
    for part, module in parts.items():  # in this order in every process: a checkpoint counts the weights
        weights[phases[part]].extend(module.parameters())

    def adam(phase: Phase, lr: float) -> torch.optim.Adam:
        return torch.optim.Adam(weights[phase], lr=lr, betas=betas, fused=True, capturable=capturable)

    return Players(weights["d"], weights["g"], adam("d", d_lr), adam("g", g_lr), average)


class Seen(NamedTuple):
    """What D and Q said in one phase; see `StepView`."""

    real_logit: Tensor | None
    fake_logit: Tensor
    params: Tensor | None
    aside: Tensor | None = None
    """What Q's head says of features that carry no gradient; None where no term asks for it."""


Function = Callable[..., Any]


def plain(function: Function) -> Function:
    """The function as it is, where another wrapper would have made a faster one of it."""
    return function


class Objective:
    """What the players minimise, as functions of tensors: ``generate``, ``d_losses``, ``g_losses``.

    Inner products are computed in ``precision``; losses in fp32. Terms that draw do so from ``random``, which is on
    the model's device, for the whole batch, of which ``share`` is here. ``wrap`` is applied to the three functions
    that do the work, `torch.compile` for one; terms that differentiate twice, or draw, stay outside.
    """

    def __init__(
        self,
        model: InfoGAN,
        *,
        precision: Precision = "fp32",
        random: torch.Generator | None = None,
        share: Share = ALL,
        wrap: Callable[[Function], Function] = plain,
    ) -> None:
        self.model, self.precision, self.share = model, precision, share
        self.random = torch.Generator(model.device) if random is None else random
        terms = model.spec.losses
        self._outside = {name: term for name, term in terms.items() if term.second_order or term.draws}
        self._terms = {name: term for name, term in terms.items() if name not in self._outside}
        readers = {
            name: term.reads_aside("d", shared=model.spec.q_body is None)
            for name, term in terms.items()
            if term.reads("d")
        }
        self._aside = {name for name, aside in readers.items() if aside}
        self._q_in_d = not all(readers.values())
        self.generate, self._d, self._g = wrap(self._generate), wrap(self._d_pass), wrap(self._g_pass)

    def d_losses(self, real: Tensor, fake: Tensor, latent: Tensor, step: Tensor) -> dict[str, Tensor]:
        """Weighted loss of each term in D's phase. D judges real and generated pictures in one pass."""
        seen, losses = self._d(real, fake, latent, step)
        return self._with_those_outside("d", losses, (seen, real, fake, latent, step))

    def g_losses(
        self, real: Tensor, fake: Tensor, latent: Tensor, step: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Weighted loss of each term in G's phase, and the information of each code without a gradient."""
        seen, losses, information = self._g(real, fake, latent, step)
        return self._with_those_outside("g", losses, (seen, real, fake, latent, step)), information

    def _generate(self, latent: Tensor) -> Tensor:
        with self._cast(latent):
            fake = self.model.generator(latent)
        return _full(fake)

    def _discriminate(self, images: Tensor, domain: Domain) -> DQ:
        with self._cast(images):
            logit, params = self.model.discriminator(images, domain)
        return DQ(_full(logit), _full(params))

    def _d_pass(self, real: Tensor, fake: Tensor, latent: Tensor, step: Tensor) -> tuple[Seen, dict[str, Tensor]]:
        seen = self._judge_both(torch.cat([real, fake]))
        return seen, self._weighted(self._terms, "d", (seen, real, fake, latent, step))

    def _judge_both(self, both: Tensor) -> Seen:
        """D on real and generated pictures; Q's head on the latter, as far as a term asks."""
        d, params, aside = self.model.discriminator, None, None
        with self._cast(both):
            features = d.features(both, "both")
            real_logit, fake_logit = _full(d.judge(features)).chunk(2)
            if self._q_in_d or self._aside:
                read = d.read_features(both, features, "both")
                params = _full(d.q_head(read)) if self._q_in_d else None
                aside = _full(d.q_head(read.detach())) if self._aside else None
        return Seen(real_logit, fake_logit, params, aside)

    def _g_pass(
        self, real: Tensor, fake: Tensor, latent: Tensor, step: Tensor
    ) -> tuple[Seen, dict[str, Tensor], dict[str, Tensor]]:
        seen = Seen(None, *self._discriminate(fake, "fake"))
        view = self._view(seen, real, fake, latent, step)
        losses = weighted(self._terms, view, "g")
        return seen, losses, {name: nats.detach() for name, nats in view.information.items()}

    def _with_those_outside(
        self, phase: Phase, losses: dict[str, Tensor], shown: tuple[Seen, Tensor, Tensor, Tensor, Tensor]
    ) -> dict[str, Tensor]:
        if not self._outside:
            return losses
        return self._in_order(losses | self._weighted(self._outside, phase, shown))

    def _weighted(
        self, terms: Mapping[str, LossTerm], phase: Phase, shown: tuple[Seen, Tensor, Tensor, Tensor, Tensor]
    ) -> dict[str, Tensor]:
        """What each term adds, those that read aside from a view in which nothing leads to the body that Q reads."""
        view, seen = self._view(*shown), shown[0]
        if seen.aside is None:
            return weighted(terms, view, phase)
        others = {name: term for name, term in terms.items() if name not in self._aside}
        aside = {name: term for name, term in terms.items() if name in self._aside}
        losses = weighted(others, view, phase) | weighted(aside, replace(view, params=seen.aside), phase)
        return self._in_order(losses)

    def _in_order(self, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """As the spec has them: a sum in another order rounds otherwise."""
        return {name: losses[name] for name in self.model.spec.losses if name in losses}

    def _view(self, seen: Seen, real: Tensor, fake: Tensor, latent: Tensor, step: Tensor) -> StepView:
        return StepView(
            step=step,
            real=real,
            fake=fake,
            latent=latent,
            latents=self.model.latents,
            real_logit=seen.real_logit,
            fake_logit=seen.fake_logit,
            params=seen.params,
            generator=self._generate,
            discriminator=self._discriminate,
            random=self.random,
            share=self.share,
        )

    def _cast(self, like: Tensor) -> AbstractContextManager[Any]:
        return torch.autocast(like.device.type, torch.bfloat16) if self.precision == "bf16" else nullcontext()


def training_step(
    objective: Objective, sides: Players, real: Tensor, latent: Tensor, step: Tensor, *, micro_batches: int = 1
) -> dict[str, Tensor]:
    """Update D and Q, then G (paper, equation 6).

    ``real`` is ``(batch, channels, height, width)`` in the generator's range, ``latent``
    ``(batch, latent_width)``, ``step`` a scalar: the steps finished. Returns scalars on the device, in
    nats and without a gradient: ``d_loss``, ``g_loss``, each term as ``d/NAME`` or ``g/NAME``, and
    ``information/CODE``.

    One batch of generated pictures serves both phases. D judges real and generated ones in one pass,
    each normalised by its own statistics, which equals two passes; Q reads generated ones only. In
    G's phase the weights of D need no gradient and get none.

    In ``micro_batches`` it needs less memory: gradients and values are means over them. G then makes its pictures anew
    for its own phase, as otherwise those of all of them would have to be kept.
    """
    parts = list(zip(real.chunk(micro_batches), latent.chunk(micro_batches), strict=True))
    whole: Tensor | None = objective.generate(latent) if micro_batches == 1 else None

    def fake_of(latent: Tensor, *, learns: bool) -> Tensor:
        if whole is not None:
            return whole if learns else whole.detach()
        with torch.set_grad_enabled(learns):
            fake: Tensor = objective.generate(latent)
        return fake

    def d_phase() -> Iterator[Losses]:
        for real, latent in parts:
            yield objective.d_losses(real, fake_of(latent, learns=False), latent, step), {}

    def g_phase() -> Iterator[Losses]:
        for real, latent in parts:
            yield objective.g_losses(real, fake_of(latent, learns=True), latent, step)

    d_losses, _ = _descend(d_phase(), sides.d_optimizer, sides.d_weights, sides.average, micro_batches)
    with frozen(sides.d_weights):
        g_losses, information = _descend(g_phase(), sides.g_optimizer, sides.g_weights, sides.average, micro_batches)
    return {
        "d_loss": _total(d_losses.values()),
        "g_loss": _total(g_losses.values()),
        **{f"d/{name}": loss for name, loss in d_losses.items()},
        **{f"g/{name}": loss for name, loss in g_losses.items()},
        **{f"information/{name}": nats for name, nats in information.items()},
    }


def weighted(terms: Mapping[str, LossTerm], view: StepView, phase: Phase) -> dict[str, Tensor]:
    """What each term adds to one phase's loss; terms that have no part in it are left out."""
    found = {name: term.d_loss(view) if phase == "d" else term.g_loss(view) for name, term in terms.items()}
    return {name: terms[name].weight * loss for name, loss in found.items() if loss is not None}


@contextmanager
def frozen(weights: Iterable[nn.Parameter]) -> Iterator[None]:
    """Weights that take no gradient meanwhile."""
    moving = [weight for weight in weights if weight.requires_grad]
    for weight in moving:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in moving:
            weight.requires_grad_(True)


def _full(values: Tensor) -> Tensor:
    """What a loss is computed in: fp32 where a network gave bf16."""
    return values.float() if values.dtype == torch.bfloat16 else values


def _descend(
    found: Iterable[Losses],
    optimizer: torch.optim.Optimizer,
    weights: list[nn.Parameter],
    average: Average,
    micro_batches: int,
) -> Losses:
    """One step down the mean of the micro-batches' losses; returns it term by term, and that of what came with them."""
    optimizer.zero_grad(set_to_none=True)
    seen: list[Losses] = []
    for losses, others in found:
        _mean([_total(losses.values())], micro_batches).backward(inputs=weights)
        seen.append(({name: loss.detach() for name, loss in losses.items()}, others))
    average([weight.grad for weight in weights if weight.grad is not None])
    optimizer.step()
    first = seen[0]
    means = ({name: _mean([one[i][name] for one in seen], micro_batches) for name in first[i]} for i in (0, 1))
    return next(means), next(means)


def _mean(values: list[Tensor], count: int) -> Tensor:
    return values[0] if count == 1 else _total(values) / count


def _total(parts: Iterable[Tensor]) -> Tensor:
    first, *others = parts
    return sum(others, start=first)
