"""The paper's table 1, cut down to 8x8 pixels: one halving in place of two, and a quarter of the units."""

from typing import Literal

from einops.layers.torch import Rearrange
from pydantic import Field
from torch import nn

from infogan import Body, Generator
from infogan.layers import initialise


class DigitsGenerator(Generator):
    """FC 256, FC 4x4x64, up-convolution to 64 maps of 8x8, conv 3x3 to the picture."""

    kind: Literal["digits"] = "digits"

    @property
    def range(self):
        return 0.0, 1.0

    def build(self, latent_width, image):
        _check_size(image)
        return initialise(
            nn.Sequential(
                nn.Linear(latent_width, 256),
                nn.BatchNorm1d(256),
                nn.ReLU(),
                nn.Linear(256, 64 * 4 * 4),
                nn.BatchNorm1d(64 * 4 * 4),
                nn.ReLU(),
                Rearrange("batch (c h w) -> batch c h w", c=64, h=4, w=4),
                nn.ConvTranspose2d(64, 64, 4, stride=2, padding=1),
                nn.BatchNorm2d(64),
                nn.ReLU(),
                nn.Conv2d(64, image.channels, 3, padding=1),
                nn.Sigmoid(),
            )
        )


class DigitsBody(Body):
    """Conv 3x3 to 32 maps (no batch norm), conv 4x4 with stride 2 to 64 maps, FC 256."""

    kind: Literal["digits"] = "digits"
    leak: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Slope of the leaky ReLU below 0."""

    @property
    def features(self):
        return 256

    def build(self, image):
        _check_size(image)
        return initialise(
            nn.Sequential(
                nn.Conv2d(image.channels, 32, 3, padding=1),
                nn.LeakyReLU(self.leak),
                nn.Conv2d(32, 64, 4, stride=2, padding=1),
                nn.BatchNorm2d(64),
                nn.LeakyReLU(self.leak),
                Rearrange("batch c h w -> batch (c h w)", h=4, w=4),
                nn.Linear(64 * 4 * 4, 256),
                nn.BatchNorm1d(256),
                nn.LeakyReLU(self.leak),
            )
        )


def _check_size(image):
    if (image.height, image.width) != (8, 8):
        raise ValueError(f"the digits networks are for 8x8 pictures, not {image.height}x{image.width}")
