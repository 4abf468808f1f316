"""The paper's table 1. As in the authors' code a layer runs affine map, batch norm, activation."""

from __future__ import annotations

from typing import Literal

from einops.layers.torch import Rearrange
from pydantic import Field
from torch import nn

from ...core.network import Body, Generator, ImageShape
from ...layers.initialisation import initialise


class MnistGenerator(Generator):
    """Table 1, left: FC 1024, FC 7x7x128, up-convolution to 64 at 14x14, up-convolution to 28x28.

    6,652,481 parameters for a latent of width 74. The last layer is a sigmoid, as in the authors'
    code; the paper does not say.
    """

    kind: Literal["mnist"] = "mnist"

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, 1.0

    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        _check_size(image)
        return initialise(
            nn.Sequential(
                nn.Linear(latent_width, 1024),
                nn.BatchNorm1d(1024),
                nn.ReLU(),
                nn.Linear(1024, 128 * 7 * 7),
                nn.BatchNorm1d(128 * 7 * 7),
                nn.ReLU(),
                Rearrange("batch (c h w) -> batch c h w", c=128, h=7, w=7),
                nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1),
                nn.BatchNorm2d(64),
                nn.ReLU(),
                nn.ConvTranspose2d(64, image.channels, 4, stride=2, padding=1),
                nn.Sigmoid(),
            )
        )


class MnistBody(Body):
    """Table 1, right: conv 64 (no batch norm), conv 128, FC 1024.

    With D's head and an `mlp` head of 14 outputs 6,692,431 parameters.
    """

    kind: Literal["mnist"] = "mnist"
    leak: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Slope of the leaky ReLU below 0: 0.1 in the paper, 0.01 in the authors' code."""

    @property
    def features(self) -> int:
        return 1024

    def build(self, image: ImageShape) -> nn.Module:
        _check_size(image)
        return initialise(
            nn.Sequential(
                nn.Conv2d(image.channels, 64, 4, stride=2, padding=1),
                nn.LeakyReLU(self.leak),
                nn.Conv2d(64, 128, 4, stride=2, padding=1),
                nn.BatchNorm2d(128),
                nn.LeakyReLU(self.leak),
                Rearrange("batch c h w -> batch (c h w)", h=7, w=7),
                nn.Linear(128 * 7 * 7, 1024),
                nn.BatchNorm1d(1024),
                nn.LeakyReLU(self.leak),
            )
        )


def _check_size(image: ImageShape) -> None:
    if (image.height, image.width) != (28, 28):
        raise ValueError(f"the mnist networks are for 28x28 pictures, not {image.height}x{image.width}")
