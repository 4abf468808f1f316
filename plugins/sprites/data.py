"""Squares, ellipses and hearts, drawn from known factors: a data set that needs neither a file nor a network.

The picture is the square [-1, 1] x [-1, 1], x to the right, y up. A sprite's (x, y) is its centre of
mass, its scale the radius of the circle about (x, y) that just holds it, its orientation in degrees,
counterclockwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor

from ...core.data import Data, Images, Split
from ...core.network import ImageShape

SHAPES = ("square", "ellipse", "heart")
"""What the classes of the factor ``shape`` are."""

ASPECT = 2.0
"""Long axis of the ellipse over its short one: no circle, so that its orientation shows."""

CHUNK = 1024
"""Pictures drawn at once."""

_LOBE = 1 / (2 * math.sqrt(2))
# A heart is a unit square standing on its tip, with half a disc on each of its upper sides: the discs' centres
# are (+-_LOBE, _LOBE) seen from the square's. Half a disc has its centre of mass 2 / (3 pi) outward.
_HEART_AREA = 1 + math.pi / 4
_HEART_CENTRE = math.pi / 4 * (_LOBE + 2 / (3 * math.pi) / math.sqrt(2)) / _HEART_AREA
_HEART_RADIUS = math.sqrt(0.5) + _HEART_CENTRE

Interval = Annotated[tuple[float, float], Field(strict=False)]
Radius = Annotated[float, Field(gt=0.0, le=1.0)]


class Sprites(Data):
    """Anti-aliased white sprites on black, gray; every factor is drawn uniformly and independently.

    In the manner of dSprites (Matthey et al., 2017), which has the same shapes and factors, but 64x64
    pixels, no gray ones, and values on a lattice.
    """

    kind: Literal["sprites"] = "sprites"
    size: int = Field(default=32, ge=8, le=512)
    """Rows, and columns, of pixels."""
    n: int = Field(default=20_000, ge=1, le=10_000_000)
    """Pictures to learn from."""
    n_test: int = Field(default=4_000, ge=1, le=10_000_000)
    """Pictures held out."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """The same seed gives the same pictures."""
    scale: Annotated[tuple[Radius, Radius], Field(strict=False)] = (0.4, 0.6)
    """Smallest and largest radius of a sprite, in halves of the picture."""
    orientation: Interval = (0.0, 360.0)
    """First and last orientation in degrees."""
    position: Interval = (-0.4, 0.4)
    """Smallest and largest x, and y."""

    @field_validator("scale", "orientation", "position")
    @classmethod
    def _low_to_high(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] > value[1]:
            raise ValueError(f"has to go from low to high, or be one value twice, not {list(value)}")
        return value

    @model_validator(mode="after")
    def _inside_the_picture(self) -> Sprites:
        if self.scale[1] + max(map(abs, self.position)) > 1:
            raise ValueError(
                f"sprites have to lie within the picture: the largest value of scale {list(self.scale)} and that of "
                f"position {list(self.position)} have to add up to at most 1"
            )
        return self

    @property
    def image(self) -> ImageShape:
        return ImageShape(channels=1, height=self.size, width=self.size)

    @property
    def factors(self) -> Mapping[str, int | None]:
        return {"shape": len(SHAPES), "scale": None, "orientation": None, "x": None, "y": None}

    def load(self, split: Split) -> Images:
        """Draw the split's factors from (seed, split), and its pictures from them."""
        n, stream = (self.n, 0) if split == "train" else (self.n_test, 1)
        generator = torch.Generator().manual_seed(2 * self.seed + stream)
        shape = torch.randint(len(SHAPES), (n,), generator=generator)
        scale, orientation, x, y = (
            low + (high - low) * torch.rand(n, generator=generator)
            for low, high in (self.scale, self.orientation, self.position, self.position)
        )
        pixels = torch.empty(n, 1, self.size, self.size, dtype=torch.uint8)
        for start in range(0, n, CHUNK):
            at = slice(start, start + CHUNK)
            drawn = render(shape[at], scale[at], orientation[at], x[at], y[at], self.size)
            pixels[at] = drawn.mul_(255).round_()
        return Images(pixels, {"shape": shape, "scale": scale, "orientation": orientation, "x": x, "y": y})


def render(shape: Tensor, scale: Tensor, orientation: Tensor, x: Tensor, y: Tensor, size: int) -> Tensor:
    """Sprites ``(n, 1, size, size)`` in [0, 1]: the share of each pixel that the sprite covers.

    All factors are ``(n,)``, on one device, the pictures then on it too: ``shape`` int64, 0 for a
    square, 1 for an ellipse, 2 for a heart; ``scale`` above 0; ``orientation`` in degrees.

    A pixel's share is taken from the signed distance of its centre to the outline, as if the outline
    were straight within the pixel and parallel to its side.
    """
    # The last row of pixels is the lowest, the first column the leftmost.
    across = (torch.arange(size, device=scale.device) + 0.5) * (2 / size) - 1
    right = (across - x[:, None])[:, None, :]
    up = (-across - y[:, None])[:, :, None]
    turn = torch.deg2rad(orientation)[:, None, None]
    # The sprite is turned by turning the pixels' coordinates back, and scaled by scaling them down.
    along = (turn.cos() * right + turn.sin() * up) / scale[:, None, None]
    aside = (turn.cos() * up - turn.sin() * right) / scale[:, None, None]
    distance = torch.empty_like(along)
    for index, outline in enumerate(_OUTLINES):
        chosen = shape == index
        distance[chosen] = outline(along[chosen], aside[chosen])
    pixels = distance * (scale[:, None, None] * (size / 2))
    return (0.5 - pixels).clamp_(0, 1).unsqueeze(1)


def _square(x: Tensor, y: Tensor) -> Tensor:
    """Signed distance, negative inside, to the square in the unit circle."""
    return _box(x, y, math.sqrt(0.5))


def _ellipse(x: Tensor, y: Tensor) -> Tensor:
    """Signed distance to the ellipse with half axes 1 and 1 / ASPECT.

    To first order, f / |grad f| for f = the length of (x, ASPECT y) less 1; right at the outline.
    """
    stretched = ASPECT * y
    length = (x.square() + stretched.square()).sqrt()
    slope = (x.square() + (ASPECT * stretched).square()).sqrt() / length.clamp_min(1e-6)
    return (length - 1) / slope.clamp_min(1.0)


def _heart(x: Tensor, y: Tensor) -> Tensor:
    """Signed distance to the heart in the unit circle, its tip down."""
    x, y = x * _HEART_RADIUS, y * _HEART_RADIUS + _HEART_CENTRE
    lobes = ((x.abs() - _LOBE).square() + (y - _LOBE).square()).sqrt() - 0.5
    tip_down = _box((x + y) * math.sqrt(0.5), (x - y) * math.sqrt(0.5), 0.5)
    return torch.minimum(lobes, tip_down) / _HEART_RADIUS


def _box(x: Tensor, y: Tensor, half: float) -> Tensor:
    """Signed distance to the square with sides of 2 ``half`` along the axes."""
    beyond_x, beyond_y = x.abs() - half, y.abs() - half
    outside = (beyond_x.clamp_min(0).square() + beyond_y.clamp_min(0).square()).sqrt()
    return outside + torch.maximum(beyond_x, beyond_y).clamp_max(0)


_OUTLINES: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (_square, _ellipse, _heart)
