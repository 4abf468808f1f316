"""Rendered discs and rings whose place and size are known: a data set that needs no file."""

from typing import Literal

import torch
from infogan import Data, Images, ImageShape
from pydantic import Field


class PluginNameRole(Data):
    """One white disc, or ring, on black, with soft edges: ``side`` x ``side`` gray pixels."""

    kind: Literal["plugin_name"] = "plugin_name"
    n: int = Field(default=2000, ge=40)
    """Pictures to learn from; half as many are held out."""
    side: int = Field(default=16, ge=8, le=256)
    """Rows, and columns, of pixels."""
    image = property(lambda self: ImageShape(channels=1, height=self.side, width=self.side))
    factors = property(lambda self: {"ring": 2, "x": None, "y": None, "radius": None})

    def load(self, split: Literal["train", "test"]) -> Images:
        """The same pictures each time: all that is random in them is seeded."""
        n, seed = (self.n, 0) if split == "train" else (self.n // 2, 1)
        generator = torch.Generator().manual_seed(seed)
        ring = torch.arange(n) % 2
        x, y, radius = torch.rand(3, n, generator=generator).unbind()
        x, y, radius = x - 0.5, y - 0.5, 0.2 + 0.25 * radius  # the picture runs from -1 to 1
        return Images(self.drawn(ring, x, y, radius), {"ring": ring, "x": x, "y": y, "radius": radius})

    def drawn(self, ring, x, y, radius):
        """Pixels ``(n, 1, side, side)``: bright inside the radius, and for a ring dark again inside half of it."""
        places = (torch.arange(self.side) + 0.5) * (2 / self.side) - 1
        x, y, radius, ring = (factor[:, None, None] for factor in (x, y, radius, ring))
        distance = torch.hypot(places[None, None, :] - x, places[None, :, None] - y)
        edge = torch.minimum(radius - distance, torch.where(ring == 1, distance - radius / 2, radius))
        return (255 * (0.5 + edge * self.side / 2).clamp(0, 1)).to(torch.uint8).unsqueeze(1)
