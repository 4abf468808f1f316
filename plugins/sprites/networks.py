"""Small networks for the sprites, which two CPU cores train in a minute.

On a CPU a stride of 2 at full resolution costs most: its few maps are large. Hence the first convolution and the
last one work on patches of 4x4 pixels, at a fifth of the time.
"""

from __future__ import annotations

from typing import Literal

from einops.layers.torch import Rearrange
from pydantic import Field
from torch import nn

from ...core.network import Body, Generator, ImageShape
from ...layers.initialisation import initialise


class SpritesGenerator(Generator):
    """FC 256, FC to 64 maps an eighth of the size, up-convolution to 64 maps a quarter of it, then patches of 4x4.

    Sides have to be multiples of 8.
    """

    kind: Literal["sprites"] = "sprites"

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
                nn.Conv2d(64, 16 * image.channels, 3, padding=1),
                Rearrange("batch (c dh dw) h w -> batch c (h dh) (w dw)", dh=4, dw=4),
                nn.Sigmoid(),
            ),
            truncated=False,
        )


class SpritesBody(Body):
    """Conv 8x8 with stride 4 to 64 maps (no batch norm), conv 4x4 with stride 2 to 64 maps, FC 256.

    Sides have to be multiples of 8.
    """

    kind: Literal["sprites"] = "sprites"
    leak: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Slope of the leaky ReLU below 0."""

    @property
    def features(self) -> int:
        return 256

    def build(self, image: ImageShape) -> nn.Module:
        rows, columns = _eighths(image)
        return initialise(
            nn.Sequential(
                nn.Conv2d(image.channels, 64, 8, stride=4, padding=2),
                nn.LeakyReLU(self.leak),
                nn.Conv2d(64, 64, 4, stride=2, padding=1),
                nn.BatchNorm2d(64),
                nn.LeakyReLU(self.leak),
                Rearrange("batch c h w -> batch (c h w)", h=rows, w=columns),
                nn.Linear(64 * rows * columns, 256),
                nn.BatchNorm1d(256),
                nn.LeakyReLU(self.leak),
            ),
            truncated=False,
        )


def _eighths(image: ImageShape) -> tuple[int, int]:
    """Rows and columns after three halvings."""
    if image.height % 8 or image.width % 8:
        raise ValueError(
            f"the sprites networks are for pictures with sides that 8 divides, not {image.height}x{image.width}"
        )
    return image.height // 8, image.width // 8
