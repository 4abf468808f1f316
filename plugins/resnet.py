"""Residual networks after SNGAN (Miyato et al. 2018, arXiv 1802.05957) for pictures of any size and number of channels.

At 32x32 these are the networks of its table 4: three up-blocks in G; two down-blocks, two plain ones and a sum over
all pixels in D's body. Larger pictures get a block more for each doubling, with half the maps of the block beside it
(its tables 5 and 6 widen the other end instead), so that a level costs about the same however many pixels it has.
Weights begin as in the authors' code: Glorot and Bengio's uniform law, with a gain of sqrt 2 within the blocks.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

from einops.layers.torch import Rearrange, Reduce
from pydantic import Field
from torch import Tensor, nn

from ..core.network import Body, Generator, ImageShape
from ..layers.initialisation import glorot
from ..layers.pyramid import CenterCrop, halvings, initial_size
from ..layers.spectral_norm import apply_spectral_norm
from ..registry import hookimpl

FULL = 3
"""Up-blocks of G that have all of its maps: as many as lead from 4x4 to 32x32."""


class ResnetGenerator(Generator):
    """FC to maps whose shorter side has 4 to 8 pixels, then residual blocks that double the sides, with batch norm.

    Pictures whose sides are no such multiple are made a little larger, and cut in their middle. Sides have to be at
    least 8. 4,276,739 parameters for 32x32 RGB pictures and a latent of width 128.
    """

    kind: Literal["resnet"] = "resnet"
    width: int = Field(default=256, ge=8, le=4096)
    """Maps of the first three blocks. Each block after them has half as many."""
    output: Literal["sigmoid", "tanh"] = "sigmoid"
    """The last activation: ``sigmoid`` makes pixels in [0, 1], ``tanh`` in [-1, 1]. Data have to have that range."""

    @property
    def range(self) -> tuple[float, float]:
        return (0.0, 1.0) if self.output == "sigmoid" else (-1.0, 1.0)

    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        times = halvings(image)
        rows, columns = initial_size(image, times)
        maps = [self.width, *(_fewer(self.width, block - FULL) for block in range(1, times + 1))]
        return nn.Sequential(
            glorot(nn.Linear(latent_width, self.width * rows * columns)),
            Rearrange("batch (c h w) -> batch c h w", h=rows, w=columns),
            *(_up(before, after) for before, after in pairwise(maps)),
            nn.BatchNorm2d(maps[-1]),
            nn.ReLU(),
            glorot(nn.Conv2d(maps[-1], image.channels, 3, padding=1)),
            CenterCrop(image),
            nn.Sigmoid() if self.output == "sigmoid" else nn.Tanh(),
        )


class ResnetBody(Body):
    """Residual blocks that halve the sides until the shorter has 7 to 14 pixels, two plain ones, a sum over all pixels.

    No batch norm. Sides have to be at least 8. 1,053,696 parameters for 32x32 RGB pictures.
    """

    kind: Literal["resnet"] = "resnet"
    width: int = Field(default=128, ge=8, le=4096)
    """Maps of the last four blocks, and what the heads read. Each block before them has half as many."""
    norm: Literal["spectral", "none"] = "spectral"
    """``spectral``: spectral norm in all layers, though not in the heads. ``none``: none, as a gradient penalty wants
    it."""

    @property
    def features(self) -> int:
        return self.width

    def build(self, image: ImageShape) -> nn.Module:
        times = halvings(image, min_side=7)
        maps = [_fewer(self.width, times - block - 1) for block in range(1, times + 1)] or [self.width]
        network = nn.Sequential(
            _first(image.channels, maps[0], halved=times > 0),
            *(_down(before, after) for before, after in pairwise(maps)),
            _plain(self.width),
            _plain(self.width),
            nn.ReLU(),
            Reduce("batch c h w -> batch c", "sum"),
        )
        return apply_spectral_norm(network) if self.norm == "spectral" else network


class _Residual(nn.Module):
    """The sum of what two ways make of one input."""

    def __init__(self, way: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.way, self.shortcut = way, shortcut

    def forward(self, x: Tensor) -> Tensor:
        summed: Tensor = self.way(x) + self.shortcut(x)
        return summed


def _up(before: int, after: int) -> nn.Module:
    """Twice the sides. The shortcut is enlarged behind its convolution: the same numbers at a quarter of the work."""
    way = nn.Sequential(
        nn.BatchNorm2d(before),
        nn.ReLU(),
        nn.Upsample(scale_factor=2),
        _conv3(before, after),
        nn.BatchNorm2d(after),
        nn.ReLU(),
        _conv3(after, after),
    )
    return _Residual(way, nn.Sequential(_conv1(before, after), nn.Upsample(scale_factor=2)))


def _first(before: int, after: int, *, halved: bool) -> nn.Module:
    """Of pixels, which are not rectified first."""
    way, shortcut = [_conv3(before, after), nn.ReLU(), _conv3(after, after)], [_conv1(before, after)]
    if halved:
        way, shortcut = [*way, _half()], [_half(), *shortcut]
    return _Residual(nn.Sequential(*way), nn.Sequential(*shortcut))


def _down(before: int, after: int) -> nn.Module:
    """Half the sides. The shortcut is reduced before its convolution: the same numbers at a quarter of the work."""
    way = nn.Sequential(nn.ReLU(), _conv3(before, before), nn.ReLU(), _conv3(before, after), _half())
    return _Residual(way, nn.Sequential(_half(), _conv1(before, after)))


def _plain(maps: int) -> nn.Module:
    way = nn.Sequential(nn.ReLU(), _conv3(maps, maps), nn.ReLU(), _conv3(maps, maps))
    return _Residual(way, nn.Identity())


def _half() -> nn.Module:
    """Means of 2x2 pixels; at an odd edge of those that there are."""
    return nn.AvgPool2d(2, ceil_mode=True)


def _conv3(before: int, after: int) -> nn.Module:
    return glorot(nn.Conv2d(before, after, 3, padding=1), gain=math.sqrt(2))


def _conv1(before: int, after: int) -> nn.Module:
    return glorot(nn.Conv2d(before, after, 1))


def _fewer(maps: int, times: int) -> int:
    """Maps halved that often; all of them for 0 and less."""
    return max(maps >> max(times, 0), 1)


@hookimpl
def infogan_components() -> list[type]:
    return [ResnetGenerator, ResnetBody]
