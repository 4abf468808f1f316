"""DCGAN (Radford et al. 2016, arXiv 1511.06434) for pictures of any size and number of channels.

Strided convolutions in place of pooling, batch norm, ReLU in G and leaky ReLU in D. That D's body ends in a fully
connected layer, which Q's head reads too, is InfoGAN's (its table 1); DCGAN's D has none.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from einops.layers.torch import Rearrange
from pydantic import Field
from torch import nn

from ..core.network import Body, Generator, ImageShape
from ..layers.initialisation import initialise
from ..layers.pyramid import CenterCrop, halvings, initial_size
from ..layers.spectral_norm import apply_spectral_norm
from ..registry import hookimpl

MOST = 8
"""Multiple of ``width`` beyond which the maps of a level do not double any more, as in DCGAN."""


class DcganGenerator(Generator):
    """FC to maps whose shorter side has 4 to 8 pixels, then 4x4 up-convolutions with stride 2 to the picture's size.

    8x8 pictures take one of them, 28x28 two, 64x64 four. Those whose sides are no such multiple are made a little
    larger, and cut in their middle. Sides have to be at least 8. At 64x64 a ``width`` of 128 is DCGAN's generator.
    """

    kind: Literal["dcgan"] = "dcgan"
    width: int = Field(default=64, ge=1, le=1024)
    """Maps at half the picture's size. Each level below has twice as many, up to 8 times ``width``."""
    output: Literal["sigmoid", "tanh"] = "sigmoid"
    """The last activation: ``sigmoid`` makes pixels in [0, 1], ``tanh`` in [-1, 1]. Data have to have that range."""

    @property
    def range(self) -> tuple[float, float]:
        return (0.0, 1.0) if self.output == "sigmoid" else (-1.0, 1.0)

    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        maps = _maps(self.width, image)[::-1]
        rows, columns = initial_size(image, len(maps))
        units = maps[0] * rows * columns
        layers: list[nn.Module] = [
            nn.Linear(latent_width, units),
            nn.BatchNorm1d(units),
            nn.ReLU(),
            Rearrange("batch (c h w) -> batch c h w", h=rows, w=columns),
        ]
        for before, after in pairwise(maps):
            layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        return initialise(
            nn.Sequential(
                *layers,
                nn.ConvTranspose2d(maps[-1], image.channels, 4, stride=2, padding=1),
                CenterCrop(image),
                nn.Sigmoid() if self.output == "sigmoid" else nn.Tanh(),
            )
        )


class DcganBody(Body):
    """4x4 convolutions with stride 2 until the shorter side has 4 to 7 pixels, then FC. Sides have to be at least 8."""

    kind: Literal["dcgan"] = "dcgan"
    width: int = Field(default=64, ge=1, le=1024)
    """Maps at half the picture's size. Each level below has twice as many, up to 8 times ``width``."""
    hidden: int = Field(default=1024, ge=1, le=65536)
    """Units of the fully connected layer, which the heads read."""
    norm: Literal["batch", "spatial_batch", "spectral", "none"] = "batch"
    """``batch``: batch norm in all layers but the first. A batch is of real pictures alone, or of generated ones, so
    that in the last layer it takes away what all of them have in common, such as a ground of the wrong brightness: the
    heads never see it, and D cannot hold it against G. ``spatial_batch``: batch norm of all maps but the first
    convolution's, over batch and pixels, and none in the fully connected layer; the D of DCGAN, which has no such
    layer, is the same up to its logit. The recipes for your own pictures have it. ``spectral``: spectral norm in all
    layers (Miyato et al. 2018), though not in the heads. ``none``: none, as a gradient penalty wants it."""
    leak: float = Field(default=0.2, ge=0.0, lt=1.0)
    """Slope of the leaky ReLU below 0."""

    @property
    def features(self) -> int:
        return self.hidden

    def build(self, image: ImageShape) -> nn.Module:
        maps = _maps(self.width, image)
        rows, columns = image.height >> len(maps), image.width >> len(maps)
        of_maps, of_units = self.norm in ("batch", "spatial_batch"), self.norm == "batch"
        layers: list[nn.Module] = [nn.Conv2d(image.channels, maps[0], 4, stride=2, padding=1), nn.LeakyReLU(self.leak)]
        for before, after in pairwise(maps):
            layers += [
                nn.Conv2d(before, after, 4, stride=2, padding=1),
                *([nn.BatchNorm2d(after)] if of_maps else []),
                nn.LeakyReLU(self.leak),
            ]
        layers += [
            Rearrange("batch c h w -> batch (c h w)", h=rows, w=columns),
            nn.Linear(maps[-1] * rows * columns, self.hidden),
            *([nn.BatchNorm1d(self.hidden)] if of_units else []),
            nn.LeakyReLU(self.leak),
        ]
        network = initialise(nn.Sequential(*layers))
        return apply_spectral_norm(network) if self.norm == "spectral" else network


def _maps(width: int, image: ImageShape) -> list[int]:
    """Maps of each level, from half the picture's size to the smallest."""
    return [width * min(2**level, MOST) for level in range(halvings(image))]


@hookimpl
def infogan_components() -> list[type]:
    return [DcganGenerator, DcganBody]
