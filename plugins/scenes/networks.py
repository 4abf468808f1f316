"""A small generator for the scenes; D and Q read them with the body of the sprites.

That body sees little of what is finer than its first filters (8x8 pixels, stride 4), so that a generator that ends in
patches of pixels keeps the grain it began with. This one ends by interpolating its maps, and has none to begin with.
"""

from __future__ import annotations

from typing import Literal

from einops.layers.torch import Rearrange
from torch import nn

from ...core.network import Generator, ImageShape
from ...layers.initialisation import initialise


class ScenesGenerator(Generator):
    """FC 256, FC to 64 maps an eighth of the size, up-convolutions to 64 and 16 maps, interpolation, conv 3x3.

    Sides have to be multiples of 8.
    """

    kind: Literal["scenes"] = "scenes"

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, 1.0

    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        if image.height % 8 or image.width % 8:
            raise ValueError(
                f"the scenes generator makes pictures with sides that 8 divides, not {image.height}x{image.width}"
            )
        rows, columns = image.height // 8, image.width // 8
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
                nn.ConvTranspose2d(64, 16, 4, stride=2, padding=1),
                nn.BatchNorm2d(16),
                nn.ReLU(),
                nn.Upsample(scale_factor=2, mode="bilinear"),
                nn.Conv2d(16, image.channels, 3, padding=1),
                nn.Sigmoid(),
            ),
            truncated=False,
        )
