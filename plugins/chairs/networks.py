"""The paper's table 6. As in the authors' code for MNIST a layer runs affine map, batch norm, activation.

The layers without a stride keep the 8x8 pixels. Padding is 'SAME' in the authors' code, which for an even kernel cannot
be alike on both sides: of 3 rows, and columns, that a kernel of 4x4 needs, 1 stands before the picture and 2 after it.
"""

from __future__ import annotations

from typing import Literal

from einops.layers.torch import Rearrange
from pydantic import Field
from torch import nn

from ...core.network import Body, Generator, ImageShape
from ...layers.initialisation import initialise


class ChairsGenerator(Generator):
    """Table 6, left: FC 1024, FC 8x8x256, two up-convolutions to 256 that keep the size, then to 128, 64, the picture.

    The last three double the sides; sigmoid at the end. 19,778,625 parameters for a latent of width
    189. The table has no stride for the last layer; the size of the pictures does.
    """

    kind: Literal["chairs"] = "chairs"

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
                nn.Linear(1024, 256 * 8 * 8),
                nn.BatchNorm1d(256 * 8 * 8),
                nn.ReLU(),
                Rearrange("batch (c h w) -> batch c h w", c=256, h=8, w=8),
                *_transposed_same(),
                nn.BatchNorm2d(256),
                nn.ReLU(),
                *_transposed_same(),
                nn.BatchNorm2d(256),
                nn.ReLU(),
                nn.ConvTranspose2d(256, 128, 4, stride=2, padding=1),
                nn.BatchNorm2d(128),
                nn.ReLU(),
                nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1),
                nn.BatchNorm2d(64),
                nn.ReLU(),
                nn.ConvTranspose2d(64, image.channels, 4, stride=2, padding=1),
                nn.Sigmoid(),
            )
        )


class ChairsBody(Body):
    """Table 6, right: conv 64 (no batch norm), conv 128, conv 256, which halve the sides, two conv 256, FC 1024.

    With D's head and a `linear` head of 62 outputs 19,601,151 parameters.
    """

    kind: Literal["chairs"] = "chairs"
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
                nn.Conv2d(128, 256, 4, stride=2, padding=1),
                nn.BatchNorm2d(256),
                nn.LeakyReLU(self.leak),
                *_same(),
                nn.BatchNorm2d(256),
                nn.LeakyReLU(self.leak),
                *_same(),
                nn.BatchNorm2d(256),
                nn.LeakyReLU(self.leak),
                Rearrange("batch c h w -> batch (c h w)", h=8, w=8),
                nn.Linear(256 * 8 * 8, 1024),
                nn.BatchNorm1d(1024),
                nn.LeakyReLU(self.leak),
            )
        )


def _same() -> tuple[nn.Module, nn.Module]:
    """A 4x4 convolution of 256 maps that keeps their size: y[i] = sum over k of w[k] x[i + k - 1]."""
    return nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(256, 256, 4)


def _transposed_same() -> tuple[nn.Module, nn.Module]:
    """The transposed map of `_same`: x[i] = sum over k of w[k] y[i - k + 1].

    Transposing reverses the kernel, and with it the sides: with its weights in reverse order, which is
    how a `Conv2d` counts them, it is a convolution with 2 rows before the picture and 1 after it. A
    `ConvTranspose2d` cuts both sides alike, so that its pictures would be a row too large or too small.
    """
    return nn.ZeroPad2d((2, 1, 2, 1)), nn.Conv2d(256, 256, 4)


def _check_size(image: ImageShape) -> None:
    if (image.height, image.width) != (64, 64):
        raise ValueError(f"the chairs networks are for 64x64 pictures, not {image.height}x{image.width}")
