"""One step of training, as a function: D's phase, then G's, on one batch of generated pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..core.loss import LossTerm, Part, Phase, StepView
from ..core.shard import WHOLE_BATCH, Shard
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
class Optimizers:
    """The weights that each phase steps, and the optimisers that step them."""

    d_weights: list[nn.Parameter]
    g_weights: list[nn.Parameter]
    d_optimizer: torch.optim.Optimizer
    g_optimizer: torch.optim.Optimizer
    average: Average = alone
    """Phase by phase, on all gradients at once: wrappers that wait for each weight's gradient fail on a step in which D
    is called twice and then stands still."""


def make_optimizers(
    model: InfoGAN,
    *,
    d_lr: float,
    g_lr: float,
    betas: tuple[float, float],
    capturable: bool = False,
    average: Average = alone,
) -> Optimizers:
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

    return Optimizers(weights["d"], weights["g"], adam("d", d_lr), adam("g", g_lr), average)


class Batch(NamedTuple):
    """What one phase of a step works on; see `StepView`."""

    real: Tensor
    fake: Tensor
    latent: Tensor
    step: Tensor


class Outputs(NamedTuple):
    """What D and Q gave in one phase; see `StepView`."""

    real_logit: Tensor | None
    fake_logit: Tensor
    params: Tensor | None
    params_of_detached: Tensor | None = None
    """What Q's head makes of features that carry no gradient; None where no term asks for it."""


class Views(NamedTuple):
    """What terms are shown of one phase."""

    of_all: StepView
    of_detached: StepView
    """For terms that teach Q's head and not the body below it: nothing in it leads to that body."""


Function = Callable[..., Any]


def plain(function: Function) -> Function:
    """The function as it is, where another wrapper would have made a faster one of it."""
    return function


class Objective:
    """What D, Q and G minimise, as functions of tensors: ``generate``, ``d_losses``, ``g_losses``.

    Inner products are computed in ``precision``; losses in fp32. Terms that draw do so from ``random``, which is on
    the model's device, for the whole batch, of which ``shard`` is here. ``wrap`` is applied to the three functions
    that do the work, `torch.compile` for one; terms that differentiate twice, or draw, stay outside.
    """

    def __init__(
        self,
        model: InfoGAN,
        *,
        precision: Precision = "fp32",
        random: torch.Generator | None = None,
        shard: Shard = WHOLE_BATCH,
        wrap: Callable[[Function], Function] = plain,
    ) -> None:
        self.model, self.precision, self.shard = model, precision, shard
        self.random = torch.Generator(model.device) if random is None else random
        terms, shared = model.spec.losses, model.spec.q_body is None
        self._unwrapped = {name: term for name, term in terms.items() if term.second_order or term.draws}
        self._wrapped = {name: term for name, term in terms.items() if name not in self._unwrapped}
        self._detached = {name for name, term in terms.items() if term.reads_detached("d", shared=shared)}
        self._q_in_d = any(term.reads("d") for name, term in terms.items() if name not in self._detached)
        self.generate, self._d, self._g = wrap(self._generate), wrap(self._d_pass), wrap(self._g_pass)

    def d_losses(self, real: Tensor, fake: Tensor, latent: Tensor, step: Tensor) -> dict[str, Tensor]:
        """Weighted loss of each term in D's phase. D judges real and generated pictures in one pass."""
        batch = Batch(real, fake, latent, step)
        outputs, losses = self._d(batch)
        return self._with_unwrapped("d", losses, outputs, batch)

    def g_losses(
        self, real: Tensor, fake: Tensor, latent: Tensor, step: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Weighted loss of each term in G's phase, and the information of each code without a gradient."""
        batch = Batch(real, fake, latent, step)
        outputs, losses, information = self._g(batch)
        return self._with_unwrapped("g", losses, outputs, batch), information

    def _generate(self, latent: Tensor) -> Tensor:
        with self._cast(latent):
            fake = self.model.generator(latent)
        return _full(fake)

    def _discriminate(self, images: Tensor, domain: Domain) -> DQ:
        with self._cast(images):
            logit, params = self.model.discriminator(images, domain)
        return DQ(_full(logit), _full(params))

    def _d_pass(self, batch: Batch) -> tuple[Outputs, dict[str, Tensor]]:
        outputs = self._judge_both(torch.cat([batch.real, batch.fake]))
        return outputs, self._losses("d", self._wrapped, self._views(outputs, batch))

    def _judge_both(self, both: Tensor) -> Outputs:
        """D on real and generated pictures; Q's head on the latter, as far as a term asks."""
        d, params, params_of_detached = self.model.discriminator, None, None
        with self._cast(both):
            features = d.features(both, "both")
            real_logit, fake_logit = _full(d.judge(features)).chunk(2)
            if self._q_in_d or self._detached:
                read = d.read_features(both, features, "both")
                params = _full(d.q_head(read)) if self._q_in_d else None
                params_of_detached = _full(d.q_head(read.detach())) if self._detached else None
        return Outputs(real_logit, fake_logit, params, params_of_detached)

    def _g_pass(self, batch: Batch) -> tuple[Outputs, dict[str, Tensor], dict[str, Tensor]]:
        outputs = Outputs(None, *self._discriminate(batch.fake, "fake"))
        views = self._views(outputs, batch)
        losses = self._losses("g", self._wrapped, views)
        return outputs, losses, {name: nats.detach() for name, nats in views.of_all.information.items()}

    def _with_unwrapped(
        self, phase: Phase, losses: dict[str, Tensor], outputs: Outputs, batch: Batch
    ) -> dict[str, Tensor]:
        if not self._unwrapped:
            return losses
        found = losses | self._losses(phase, self._unwrapped, self._views(outputs, batch))
        # In the spec's order: a sum in another one rounds otherwise.
        return {name: found[name] for name in self.model.spec.losses if name in found}

    def _losses(self, phase: Phase, terms: Mapping[str, LossTerm], views: Views) -> dict[str, Tensor]:
        """Weighted loss of each of the terms that has a part in the phase."""
        found = {
            name: weighted_loss(term, views.of_detached if name in self._detached else views.of_all, phase)
            for name, term in terms.items()
        }
        return {name: loss for name, loss in found.items() if loss is not None}

    def _views(self, outputs: Outputs, batch: Batch) -> Views:
        view = StepView(
            step=batch.step,
            real=batch.real,
            fake=batch.fake,
            latent=batch.latent,
            latents=self.model.latents,
            real_logit=outputs.real_logit,
            fake_logit=outputs.fake_logit,
            params=outputs.params,
            generator=self._generate,
            discriminator=self._discriminate,
            random=self.random,
            shard=self.shard,
        )
        detached = outputs.params_of_detached
        return Views(view, view if detached is None else replace(view, params=detached))

    def _cast(self, like: Tensor) -> AbstractContextManager[Any]:
        return torch.autocast(like.device.type, torch.bfloat16) if self.precision == "bf16" else nullcontext()


def training_step(
    objective: Objective, optimizers: Optimizers, real: Tensor, latent: Tensor, step: Tensor, *, micro_batches: int = 1
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

    d_losses, _ = _descend(d_phase(), optimizers.d_optimizer, optimizers.d_weights, optimizers.average, micro_batches)
    with without_gradients(optimizers.d_weights):
        g_losses, information = _descend(
            g_phase(), optimizers.g_optimizer, optimizers.g_weights, optimizers.average, micro_batches
        )
    return {
        "d_loss": _total(d_losses.values()),
        "g_loss": _total(g_losses.values()),
        **{f"d/{name}": loss for name, loss in d_losses.items()},
        **{f"g/{name}": loss for name, loss in g_losses.items()},
        **{f"information/{name}": nats for name, nats in information.items()},
    }


def weighted_loss(term: LossTerm, view: StepView, phase: Phase) -> Tensor | None:
    """What a term adds to one phase's loss, a scalar; None where it has no part in it."""
    loss = term.d_loss(view) if phase == "d" else term.g_loss(view)
    return None if loss is None else term.weight * loss


@contextmanager
def without_gradients(weights: Iterable[nn.Parameter]) -> Iterator[None]:
    """These weights have ``requires_grad`` off meanwhile."""
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
    """One step down the mean of the micro-batches' losses; the means of each loss, and of each code's information."""
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
