"""Small networks for the scenes, which one CPU core trains in some minutes.

On a CPU the full resolution, whose few maps are large, costs most, so there are few of them: the body begins with 24,
and the generator ends in patches of 2x2 pixels. The sprites' networks, with patches of 4x4 and filters of 8x8 at their
ends, make grainy surfaces here, and their D hardly sees it.
"""

from __future__ import annotations

from typing import Literal

from einops.layers.torch import Rearrange
from pydantic import Field
from torch import nn

from ...core.network import Body, Generator, ImageShape
from ...core.weights import initialise


class ScenesGenerator(Generator):
    """FC 256, FC to 64 maps an eighth of the size, up-convolutions to 64 and 32 maps, then patches of 2x2.

    Sides have to be multiples of 8.
    """

    kind: Literal["scenes"] = "scenes"

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, 1.0

    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        rows, columns = _eighths(image)
        return initialise(
            nn.Sequential(
                nn.Linear(latent_width, 256),
                nn.BatchNorm1d(256),
                nn.ReLU(),
                nn.Linear(256, 64 * rows * columns),
                nn.BatchNorm1d(64 * rows * columns),
                nn.ReLU(),
                Rearrange("batch (c h w) -> batch c h w", c=64, h=rows, w=columns),
                nn.ConvTranspose2d(64, 64, 4, stride=2, padding=1),
                nn.BatchNorm2d(64),
                nn.ReLU(),
                nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
                nn.BatchNorm2d(32),
                nn.ReLU(),
                nn.Conv2d(32, 4 * image.channels, 3, padding=1),
                Rearrange("batch (c dh dw) h w -> batch c (h dh) (w dw)", dh=2, dw=2),
                nn.Sigmoid(),
            ),
            cut=False,
        )


class ScenesBody(Body):
    """Convolutions 4x4 with stride 2 to 24 (no batch norm), 64 and 64 maps, FC 256. Sides have to be multiples of 8."""

    kind: Literal["scenes"] = "scenes"
    leak: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Slope of the leaky ReLU below 0."""

    @property
    def features(self) -> int:
        return 256

    def build(self, image: ImageShape) -> nn.Module:
        rows, columns = _eighths(image)
        return initialise(
            nn.Sequential(
                nn.Conv2d(image.channels, 24, 4, stride=2, padding=1),
                nn.LeakyReLU(self.leak),
                nn.Conv2d(24, 64, 4, stride=2, padding=1),
                nn.BatchNorm2d(64),
                nn.LeakyReLU(self.leak),
                nn.Conv2d(64, 64, 4, stride=2, padding=1),
                nn.BatchNorm2d(64),
                nn.LeakyReLU(self.leak),
                Rearrange("batch c h w -> batch (c h w)", h=rows, w=columns),
                nn.Linear(64 * rows * columns, 256),
                nn.BatchNorm1d(256),
                nn.LeakyReLU(self.leak),
            ),
            cut=False,
        )


def _eighths(image: ImageShape) -> tuple[int, int]:
    """Rows and columns after three halvings."""
    if image.height % 8 or image.width % 8:
        raise ValueError(
            f"the scenes networks are for pictures with sides that 8 divides, not {image.height}x{image.width}"
        )
    return image.height // 8, image.width // 8
