"""The paper's table 2, and table 3, which has the same network for CelebA with other latents.

As in the authors' code for MNIST a layer runs affine map, batch norm, activation.
"""

from __future__ import annotations

from typing import Literal

from einops.layers.torch import Rearrange
from pydantic import Field
from torch import nn

from ...core.network import Body, Generator, ImageShape
from ...layers.initialisation import initialise


class SvhnGenerator(Generator):
    """Tables 2 and 3, left: FC 2x2x448, then up-convolutions to 256, 128, 64 and the picture; tanh at the end.

    Only the first two layers have batch norm. 2,800,835 parameters for SVHN's latent of width 168,
    2,908,355 for CelebA's of width 228.
    """

    kind: Literal["svhn"] = "svhn"

    @property
    def range(self) -> tuple[float, float]:
        return -1.0, 1.0

    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        _check_size(image)
        return initialise(
            nn.Sequential(
                nn.Linear(latent_width, 448 * 2 * 2),
                nn.BatchNorm1d(448 * 2 * 2),
                nn.ReLU(),
                Rearrange("batch (c h w) -> batch c h w", c=448, h=2, w=2),
                nn.ConvTranspose2d(448, 256, 4, stride=2, padding=1),
                nn.BatchNorm2d(256),
                nn.ReLU(),
                nn.ConvTranspose2d(256, 128, 4, stride=2, padding=1),
                nn.ReLU(),
                nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1),
                nn.ReLU(),
                nn.ConvTranspose2d(64, image.channels, 4, stride=2, padding=1),
                nn.Tanh(),
            )
        )


class SvhnBody(Body):
    """Tables 2 and 3, right: conv 64 (no batch norm), conv 128, conv 256, each of which halves the sides.

    With D's head and an `mlp` head 1,194,609 parameters for the 48 numbers that Q emits for SVHN's
    codes, 1,201,317 for CelebA's 100.
    """

    kind: Literal["svhn"] = "svhn"
    leak: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Slope of the leaky ReLU below 0: 0.1 in the paper."""

    @property
    def features(self) -> int:
        return 256 * 4 * 4

    def build(self, image: ImageShape) -> nn.Module:
        _check_size(image)
        return initialise(
            nn.Sequential(
                nn.Conv2d(image.channels, 64, 4, stride=2, padding=1),
                nn.LeakyReLU(self.leak),
                nn.Conv2d(64, 128, 4, stride=2, padding=1),
                nn.BatchNorm2d(128),
                nn.LeakyReLU(self.leak),
                nn.Conv2d(128, 256, 4, stride=2, padding=1),
                nn.BatchNorm2d(256),
                nn.LeakyReLU(self.leak),
                Rearrange("batch c h w -> batch (c h w)", h=4, w=4),
            )
        )


def _check_size(image: ImageShape) -> None:
    if (image.height, image.width) != (32, 32):
        raise ValueError(f"the svhn networks are for 32x32 pictures, not {image.height}x{image.width}")
