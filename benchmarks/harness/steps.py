"""Training steps to compare with: from the plainest correct one up to one written by hand for one model."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops.layers.torch import Rearrange
from torch import Tensor, nn

from infogan import InfoGAN
from infogan.core.loss import Phase, StepView
from infogan.model.discriminator import Discriminator
from infogan.training.step import make_optimizers, weighted_loss, without_gradients

RATES = {"d_lr": 2e-4, "g_lr": 1e-3, "betas": (0.5, 0.999)}


@dataclass(frozen=True)
class Tricks:
    """What the plainest step leaves out."""

    frozen_d: bool = False
    """No gradients of D's weights in G's phase."""
    one_fake: bool = False
    """The generated pictures of D's phase serve G's too."""
    one_pass: bool = False
    """D judges real and generated pictures in one pass."""
    adam: str = "loop"
    """``loop`` over tensors, ``foreach`` or ``fused``."""
    channels_last: bool = False
    """Pictures and convolutions with their channels innermost."""


LADDER = {
    "plainest": Tricks(),
    "+ no gradients of D's weights in G's phase": Tricks(frozen_d=True),
    "+ one batch of fakes": Tricks(frozen_d=True, one_fake=True),
    "+ one pass of D": Tricks(frozen_d=True, one_fake=True, one_pass=True),
    "+ foreach Adam": Tricks(frozen_d=True, one_fake=True, one_pass=True, adam="foreach"),
    "+ fused Adam": Tricks(frozen_d=True, one_fake=True, one_pass=True, adam="fused"),
    "+ channels last": Tricks(frozen_d=True, one_fake=True, one_pass=True, adam="fused", channels_last=True),
}
"""Each rung has the tricks of those above it."""


class PlainStep:
    """One step of a model with some of the tricks; the weights that it leaves are the same with any of them."""

    def __init__(self, model: InfoGAN, tricks: Tricks) -> None:
        layout = torch.channels_last if tricks.channels_last else torch.contiguous_format
        self.model, self.tricks = model.train().to(memory_format=layout), tricks
        self.optimizers, self.random = make_optimizers(model, **RATES), torch.Generator(model.device)
        kind = {"betas": RATES["betas"], "foreach": tricks.adam == "foreach", "fused": tricks.adam == "fused"}
        self.d_adam = torch.optim.Adam(self.optimizers.d_weights, lr=RATES["d_lr"], **kind)
        self.g_adam = torch.optim.Adam(self.optimizers.g_weights, lr=RATES["g_lr"], **kind)

    def __call__(self, real: Tensor, latent: Tensor, step: Tensor) -> None:
        model, d = self.model, self.model.discriminator
        if self.tricks.channels_last:
            real = real.contiguous(memory_format=torch.channels_last)
        fake = model.generator(latent)
        if self.tricks.one_pass:
            logit, params = d(torch.cat([real, fake.detach()]), "both")
            real_logit, fake_logit = logit.chunk(2)
        else:
            real_logit = d.logit(real, "real")
            fake_logit, params = d(fake.detach(), "fake")
        view = self._view(real, fake, latent, step, real_logit, fake_logit, params)
        self._descend(self._loss(view, "d"), self.d_adam, self.optimizers.d_weights)

        if not self.tricks.one_fake:
            fake = model.generator(latent)
        with without_gradients(self.optimizers.d_weights if self.tricks.frozen_d else ()):
            fake_logit, params = d(fake, "fake")
            view = self._view(real, fake, latent, step, None, fake_logit, params)
            self._descend(self._loss(view, "g"), self.g_adam, self.optimizers.g_weights)

    def _loss(self, view: StepView, phase: Phase) -> Tensor:
        losses = [weighted_loss(term, view, phase) for term in self.model.spec.losses.values()]
        return sum(loss for loss in losses if loss is not None)

    def _descend(self, loss: Tensor, adam: torch.optim.Optimizer, weights: list[nn.Parameter]) -> None:
        for weight in (*self.optimizers.d_weights, *self.optimizers.g_weights):
            weight.grad = None
        if self.tricks.frozen_d:
            loss.backward(inputs=weights)
        else:
            loss.backward()
        adam.step()

    def _view(self, real, fake, latent, step, real_logit, fake_logit, params) -> StepView:
        model = self.model
        return StepView(
            step=step,
            real=real,
            fake=fake,
            latent=latent,
            latents=model.latents,
            real_logit=real_logit,
            fake_logit=fake_logit,
            params=params,
            generator=model.generator,
            discriminator=model.discriminator,
            random=self.random,
        )


def convolutional(model: InfoGAN) -> InfoGAN:
    """The MNIST model with its fully connected layers written as convolutions, as several implementations have it."""
    g, body = model.generator, model.discriminator.body
    generator = nn.Sequential(
        Rearrange("batch c -> batch c 1 1"),
        nn.ConvTranspose2d(model.latents.width, 1024, 1),
        nn.BatchNorm2d(1024),
        nn.ReLU(),
        nn.ConvTranspose2d(1024, 128, 7),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        *copy.deepcopy(list(g)[7:]),
    )
    convolved = nn.Sequential(
        *copy.deepcopy(list(body)[:5]),
        nn.Conv2d(128, 1024, 7),
        nn.BatchNorm2d(1024),
        nn.LeakyReLU(0.1),
        Rearrange("batch c 1 1 -> batch c"),
    )
    heads = copy.deepcopy((model.discriminator.d_head, model.discriminator.q_head))
    return InfoGAN(model.spec, generator, Discriminator(convolved, *heads))


class HandWritten:
    """The step of the `mnist` recipe as one would write it for that model alone: no parts, no names, no loss terms."""

    def __init__(self, model: InfoGAN, pixels: Tensor, batch: int) -> None:
        self.g, self.d = model.generator, model.discriminator
        self.ema = copy.deepcopy(self.g).requires_grad_(False)
        self.pixels, self.batch = pixels, batch
        self.order = torch.randperm(len(pixels), device=pixels.device)
        self.g_weights = [*self.g.parameters(), *self.d.q_head.parameters()]
        self.d_weights = [*self.d.body.parameters(), *self.d.d_head.parameters()]
        self.d_adam = torch.optim.Adam(self.d_weights, lr=RATES["d_lr"], betas=RATES["betas"], fused=True)
        self.g_adam = torch.optim.Adam(self.g_weights, lr=RATES["g_lr"], betas=RATES["betas"], fused=True)
        self.sums = torch.zeros(3, device=pixels.device)

    def __call__(self, step: int) -> None:
        n, device = self.batch, self.pixels.device
        start = step * n % (len(self.pixels) - n)
        real = self.pixels[self.order[start : start + n]].float().div_(255)
        noise = torch.rand(n, 62, device=device) * 2 - 1
        digit = torch.randint(10, (n,), device=device)
        numbers = torch.rand(n, 2, device=device) * 2 - 1
        latent = torch.cat([noise, torch.eye(10, device=device)[digit], numbers], dim=1)
        fake = self.g(latent)

        logit = self.d.logit(torch.cat([real, fake.detach()]), "both")
        d_loss = F.softplus(-logit[:n]).mean() + F.softplus(logit[n:]).mean()
        self.d_adam.zero_grad(set_to_none=True)
        d_loss.backward(inputs=self.d_weights)
        self.d_adam.step()

        for weight in self.d_weights:
            weight.requires_grad_(False)
        logit, params = self.d(fake, "fake")
        mean, std = params[:, 10:13:2], F.elu(params[:, 11:14:2]) + 1.01
        of_digit = math.log(10) - F.cross_entropy(params[:, :10], digit)
        density = -0.5 * ((numbers - mean) / std) ** 2 - std.log() - 0.5 * math.log(2 * math.pi)
        of_numbers = 2 * math.log(2) + density.mean(dim=0).sum()
        share = min(1.0, step / 5000)
        g_loss = F.softplus(-logit).mean() - share * (of_digit + 0.1 * of_numbers)
        self.g_adam.zero_grad(set_to_none=True)
        g_loss.backward(inputs=self.g_weights)
        self.g_adam.step()
        for weight in self.d_weights:
            weight.requires_grad_(True)

        with torch.no_grad():
            torch._foreach_lerp_(list(self.ema.parameters()), list(self.g.parameters()), 0.01)
            self.sums += torch.stack([d_loss, g_loss, of_digit])


def step_of(model: InfoGAN, rung: str) -> Callable[[Tensor, Tensor, Tensor], None]:
    """A rung of the ladder for a copy of a model."""
    return PlainStep(copy.deepcopy(model), LADDER[rung])
