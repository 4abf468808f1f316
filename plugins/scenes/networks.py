"""A small generator for the scenes, which one CPU core trains in some minutes.

D and Q share the body of the sprites, which reads colour as well. The sprites' generator ends in patches of 4x4
pixels, which flat white can do with; shaded surfaces come out grainy. Here patches of 2x2 follow one more
up-convolution, for 1.7 times its time.
"""

from __future__ import annotations

from typing import Literal

from einops.layers.torch import Rearrange
from torch import nn

from ...core.network import Generator, ImageShape
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
                nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
                nn.BatchNorm2d(32),
                nn.ReLU(),
                nn.Conv2d(32, 4 * image.channels, 3, padding=1),
                Rearrange("batch (c dh dw) h w -> batch c (h dh) (w dw)", dh=2, dw=2),
                nn.Sigmoid(),
            ),
            cut=False,
        )
