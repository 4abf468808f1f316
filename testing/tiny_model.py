"""A model small enough to look at every gradient: pictures of 1x4x4, smooth layers, two codes."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from ..core.latent import Code, Latents, Noise
from ..core.network import ImageShape
from ..model.discriminator import Discriminator

IMAGE = ImageShape(channels=1, height=4, width=4)
FEATURES = 8


class TinyNoise(Noise):
    """Three standard normal numbers."""

    kind: Literal["small"] = "small"

    @property
    def width(self) -> int:
        return 3

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.randn(n, 3, generator=generator, device=device)


class Sign(Code):
    """-1 or 1; Q emits the log odds of 1."""

    kind: Literal["sign"] = "sign"
    discrete: ClassVar[bool] = True

    @property
    def width(self) -> int:
        return 1

    @property
    def n_params(self) -> int:
        return 1

    @property
    def entropy(self) -> float:
        return math.log(2)

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.randint(2, (n, 1), generator=generator, device=device) * 2.0 - 1.0

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return nn.functional.logsigmoid(params * value)[:, 0]

    def mode(self, params: Tensor) -> Tensor:
        return torch.where(params > 0, 1.0, -1.0)

    def grid(self, steps: int) -> Tensor:
        return torch.tensor([[-1.0], [1.0]])


class Level(Code):
    """A standard normal number, which Q reads as a Gaussian of width 1 around what it emits."""

    kind: Literal["level"] = "level"

    @property
    def width(self) -> int:
        return 1

    @property
    def n_params(self) -> int:
        return 1

    @property
    def entropy(self) -> float:
        return 0.5 * math.log(2 * math.pi * math.e)

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.randn(n, 1, generator=generator, device=device)

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return -0.5 * (value - params)[:, 0].square() - 0.5 * math.log(2 * math.pi)

    def mode(self, params: Tensor) -> Tensor:
        return params

    def grid(self, steps: int) -> Tensor:
        return torch.linspace(-2, 2, steps).unsqueeze(1)


def tiny_latents() -> Latents:
    """Noise, a discrete code ``sign`` and a continuous code ``level``."""
    return Latents(TinyNoise(), {"sign": Sign(), "level": Level()})


def tiny_generator(latents: Latents) -> nn.Module:
    """Latents to pictures in (-1, 1)."""
    return nn.Sequential(nn.Linear(latents.width, 16), nn.Tanh(), nn.Unflatten(1, IMAGE.dims))


def tiny_discriminator(latents: Latents, *, shared: bool) -> Discriminator:
    """D and Q on one body, or each on a body of its own."""
    bodies = [nn.Sequential(nn.Flatten(), nn.Linear(16, FEATURES), nn.Tanh()) for _ in range(1 if shared else 2)]
    d_head, q_head = nn.Linear(FEATURES, 1), nn.Linear(FEATURES, latents.n_params)
    return Discriminator(bodies[0], d_head, q_head, None if shared else bodies[1])
