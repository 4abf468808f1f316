"""One step of training, as a function: D's phase, then G's, on one batch of generated pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ..core.loss import LossTerm, Part, Phase, StepView
from ..core.model import InfoGAN


@dataclass(frozen=True)
class Players:
    """The weights that each phase steps, and the optimisers that step them."""

    d_weights: list[nn.Parameter]
    g_weights: list[nn.Parameter]
    d_optimizer: torch.optim.Optimizer
    g_optimizer: torch.optim.Optimizer


def players(model: InfoGAN, *, d_lr: float, g_lr: float, betas: tuple[float, float]) -> Players:
    """Two Adams over disjoint weights: which part belongs to whom is declared by the loss terms.

    The paper gives Q D's rate (tables 5 and 7 head the column "D / Q"); so does the routing
    ``official``. With ``generator`` Q learns at G's.
    """
    parts: dict[Part, nn.Module] = {"generator": model.generator, **model.discriminator.parts()}
    weights: dict[Phase, list[nn.Parameter]] = {"d": [], "g": []}
    phases = model.spec.phases()
    for part, module in parts.items():  # in this order in every process: a checkpoint counts the weights
        weights[phases[part]].extend(module.parameters())
    d_optimizer = torch.optim.Adam(weights["d"], lr=d_lr, betas=betas, fused=True)
    g_optimizer = torch.optim.Adam(weights["g"], lr=g_lr, betas=betas, fused=True)
    return Players(weights["d"], weights["g"], d_optimizer, g_optimizer)


def training_step(
    model: InfoGAN,
    sides: Players,
    real: Tensor,
    latent: Tensor,
    step: int,
    *,
    precision: str = "fp32",
) -> dict[str, Tensor]:
    """Update D and Q, then G (paper, equation 6).

    ``real`` is ``(batch, channels, height, width)`` in the generator's range, ``latent``
    ``(batch, latent_width)``. Returns scalars on the device, in nats and without a gradient:
    ``d_loss``, ``g_loss``, each term as ``d/NAME`` or ``g/NAME``, and ``information/CODE``.

    One batch of generated pictures serves both phases. D judges real and generated ones in one pass,
    each normalised by its own statistics, which equals two passes; Q reads generated ones only. In
    G's phase the weights of D need no gradient and get none.
    """
    d, terms = model.discriminator, model.spec.losses
    cast = torch.autocast(real.device.type, torch.bfloat16) if precision == "bf16" else nullcontext()
    _want_gradients(sides.g_weights, True)
    with cast:
        fake = model.generator(latent)

    _want_gradients(sides.d_weights, True)
    detached = fake.detach()
    with cast:
        logit, params = d(torch.cat([real, detached.to(real)]), "both")
    real_logit, fake_logit = _full(logit).chunk(2)
    view = StepView(
        step=step,
        real=real,
        fake=detached,
        latent=latent,
        latents=model.latents,
        real_logit=real_logit,
        fake_logit=fake_logit,
        params=_full(params),
        generator=model.generator,
        discriminator=d,
    )
    d_losses = losses(terms, view, "d")
    _descend(d_losses.values(), sides.d_optimizer, sides.d_weights)

    _want_gradients(sides.d_weights, False)
    with cast:
        logit, params = d(fake, "fake")
    view = replace(view, fake=fake, real_logit=None, fake_logit=_full(logit), params=_full(params))
    g_losses = losses(terms, view, "g")
    _descend(g_losses.values(), sides.g_optimizer, sides.g_weights)

    with torch.no_grad():
        information = model.latents.information(view.params.detach(), latent)
    return {
        "d_loss": _total(d_losses.values()).detach(),
        "g_loss": _total(g_losses.values()).detach(),
        **{f"d/{name}": loss.detach() for name, loss in d_losses.items()},
        **{f"g/{name}": loss.detach() for name, loss in g_losses.items()},
        **{f"information/{name}": nats for name, nats in information.items()},
    }


def losses(terms: Mapping[str, LossTerm], view: StepView, phase: Phase) -> dict[str, Tensor]:
    """What each term adds to one phase's loss, weighted; terms that have no part in it are left out."""
    found = {name: term.d_loss(view) if phase == "d" else term.g_loss(view) for name, term in terms.items()}
    return {name: terms[name].weight * loss for name, loss in found.items() if loss is not None}


def _full(values: Tensor) -> Tensor:
    """What a loss is computed in: fp32 where a network gave bf16."""
    return values.float() if values.dtype == torch.bfloat16 else values


def _descend(parts: Iterable[Tensor], optimizer: torch.optim.Optimizer, weights: list[nn.Parameter]) -> None:
    optimizer.zero_grad(set_to_none=True)
    _total(parts).backward(inputs=weights)
    optimizer.step()


def _total(parts: Iterable[Tensor]) -> Tensor:
    first, *others = parts
    return sum(others, start=first)


def _want_gradients(weights: list[nn.Parameter], wanted: bool) -> None:
    for weight in weights:
        weight.requires_grad_(wanted)
