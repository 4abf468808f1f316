"""The incompressible noise ``z``: normal or uniform."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from ..core.latent import Noise
from ..registry import hookimpl


class NormalNoise(Noise):
    """Independent standard normal numbers."""

    kind: Literal["normal"] = "normal"
    size: int = Field(ge=1, le=65536)
    """Numbers in one draw."""

    @property
    def width(self) -> int:
        return self.size

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.randn(n, self.size, generator=generator, device=device)


class UniformNoise(Noise):
    """Independent numbers, uniform in [-1, 1): what the authors' code draws."""

    kind: Literal["uniform"] = "uniform"
    size: int = Field(ge=1, le=65536)
    """Numbers in one draw."""

    @property
    def width(self) -> int:
        return self.size

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.rand(n, self.size, generator=generator, device=device) * 2 - 1


@hookimpl
def infogan_components() -> list[type]:
    return [NormalNoise, UniformNoise]
