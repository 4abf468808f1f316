"""Globes: a white ball in the light of half a sky, which may come from anywhere, from behind the ball too."""

from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, field_validator

from infogan import Data, Images, ImageShape

CHUNK = 1024
"""Pictures drawn at once."""


class Globe(Data):
    """A matt ball on black; the light's direction is uniform on the sphere, the ball's radius on an interval.

    Half a sky of even brightness, whose middle is the direction, lights a surface in proportion to 1 plus the cosine
    between that and the surface's normal. So every direction has a picture of its own: with the light behind the ball
    its rim is half as bright as the middle is with the light before it.
    """

    kind: Literal["globe"] = "globe"
    size: int = Field(default=32, ge=8, le=256)
    """Rows, and columns, of pixels."""
    n: int = Field(default=10_000, ge=1, le=1_000_000)
    """Pictures to learn from."""
    n_test: int = Field(default=2_000, ge=1, le=1_000_000)
    """Pictures held out."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """The same seed gives the same pictures."""
    radius: Annotated[tuple[float, float], Field(strict=False)] = (0.6, 0.9)
    """Smallest and largest radius of the ball, in halves of the picture."""

    @field_validator("radius")
    @classmethod
    def _inside_the_picture(cls, value):
        if not 0 < value[0] <= value[1] <= 1:
            raise ValueError(f"has to go from low to high, above 0 and at most 1, not {list(value)}")
        return value

    @property
    def image(self):
        return ImageShape(channels=1, height=self.size, width=self.size)

    @property
    def factors(self):
        """The direction as a unit vector (right, up, towards the viewer), and the radius."""
        return {"right": None, "up": None, "towards": None, "radius": None}

    def load(self, split: Literal["train", "test"]) -> Images:
        """Draw the split's factors from (seed, split), and its pictures from them."""
        n, stream = (self.n, 0) if split == "train" else (self.n_test, 1)
        generator = torch.Generator().manual_seed(2 * self.seed + stream)
        direction = F.normalize(torch.randn(n, 3, generator=generator), dim=1)
        low, high = self.radius
        radius = low + (high - low) * torch.rand(n, generator=generator)
        chunks = zip(direction.split(CHUNK), radius.split(CHUNK), strict=True)
        pixels = [render(*chunk, self.size).mul(255).round().to(torch.uint8) for chunk in chunks]
        factors = dict(zip(("right", "up", "towards"), direction.unbind(dim=1), strict=True)) | {"radius": radius}
        return Images(torch.cat(pixels), factors)


def render(direction, radius, size):
    """Balls ``(n, 1, size, size)`` in [0, 1], from ``(n, 3)`` unit vectors to the light and ``(n,)`` radii.

    Seen from afar; a pixel at the rim is as bright as the share of it that the ball covers, to first order.
    """
    across = (torch.arange(size) + 0.5) * (2 / size) - 1
    right, up = across[None, None, :] / radius[:, None, None], -across[None, :, None] / radius[:, None, None]
    from_middle = torch.hypot(right, up)
    towards = (1 - from_middle.square()).clamp_min(0).sqrt()
    x, y, z = direction[:, :, None, None].unbind(dim=1)
    cosine = (x * right + y * up) / from_middle.clamp_min(1) + z * towards
    covered = 0.5 + (1 - from_middle) * radius[:, None, None] * (size / 2)
    return ((1 + cosine) / 2 * covered.clamp(0, 1)).unsqueeze(1)
