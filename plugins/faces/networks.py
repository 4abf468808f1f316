"""The paper's table 4. As in the authors' code for MNIST a layer runs affine map, batch norm, activation."""

from __future__ import annotations

from typing import Literal

from einops.layers.torch import Rearrange
from pydantic import Field
from torch import nn

from ...core.network import Body, Generator, ImageShape
from ...layers.initialisation import initialise


class FacesGenerator(Generator):
    """Table 4, left: FC 1024, FC 8x8x128, up-convolution to 64 at 16x16, up-convolution to 32x32, sigmoid.

    8,684,737 parameters for a latent of width 133. The table has no stride for the last layer; the
    size of the pictures does.
    """

    kind: Literal["faces"] = "faces"

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
                nn.Linear(1024, 128 * 8 * 8),
                nn.BatchNorm1d(128 * 8 * 8),
                nn.ReLU(),
                Rearrange("batch (c h w) -> batch c h w", c=128, h=8, w=8),
                nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1),
                nn.BatchNorm2d(64),
                nn.ReLU(),
                nn.ConvTranspose2d(64, image.channels, 4, stride=2, padding=1),
                nn.Sigmoid(),
            )
        )


class FacesBody(Body):
    """Table 4, right: conv 64 (no batch norm), conv 128, FC 1024.

    With D's head and a `linear` head of 10 outputs 8,535,499 parameters.
    """

    kind: Literal["faces"] = "faces"
    leak: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Slope of the leaky ReLU below 0: 0.1 in the paper."""

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
                Rearrange("batch c h w -> batch (c h w)", h=8, w=8),
                nn.Linear(128 * 8 * 8, 1024),
                nn.BatchNorm1d(1024),
                nn.LeakyReLU(self.leak),
            )
        )


def _check_size(image: ImageShape) -> None:
    if (image.height, image.width) != (32, 32):
        raise ValueError(f"the faces networks are for 32x32 pictures, not {image.height}x{image.width}")
