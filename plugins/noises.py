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
    size: int = Field(ge=1, le=65536, examples=[62])
    """Numbers in one draw."""

    @property
    def width(self) -> int:
        return self.size

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.randn(n, self.size, generator=generator, device=device)

    def between(self, start: Tensor, end: Tensor, fraction: Tensor) -> Tensor:
        """The direction along a great circle, the length along a straight line (White 2016).

        So a point on the path between two draws has a direction that is uniform, as that of a draw, and a
        length between theirs; a straight line would pass 0 at 1 / sqrt(2) of their length.
        """
        lengths = [vector.norm(dim=1, keepdim=True) for vector in (start, end)]
        one, other = (vector / length.clamp_min(1e-12) for vector, length in zip((start, end), lengths, strict=True))
        angle = 2 * torch.atan2((one - other).norm(dim=1, keepdim=True), (one + other).norm(dim=1, keepdim=True))
        mixed = ((1 - fraction) * angle).sin() * one + (fraction * angle).sin() * other
        direction = mixed / angle.sin().clamp_min(1e-4)
        on_circle = lengths[0].lerp(lengths[1], fraction) * direction
        one_line = (angle.sin() < 1e-4) | (lengths[0] * lengths[1] == 0)  # which lies on no circle, or on many
        return torch.where(one_line, super().between(start, end, fraction), on_circle)


class UniformNoise(Noise):
    """Independent numbers, uniform in [-1, 1): what the authors' code draws."""

    kind: Literal["uniform"] = "uniform"
    size: int = Field(ge=1, le=65536, examples=[62])
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
