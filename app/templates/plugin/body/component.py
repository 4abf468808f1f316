"""A body for pictures of any size: what two convolutions find is averaged over a coarse grid of places."""

from typing import Literal

from infogan import Body, ImageShape
from pydantic import Field
from torch import nn


class PluginNameRole(Body):
    """Two 4x4 convolutions with stride 2, averages over 4x4 places, FC; leaky ReLU. It needs no batch norm."""

    kind: Literal["plugin_name"] = "plugin_name"
    hidden: int = Field(default=256, ge=1)
    """Numbers that the heads read."""
    features = property(lambda self: self.hidden)

    def build(self, image: ImageShape) -> nn.Module:
        if min(image.height, image.width) < 4:
            raise ValueError(f"pictures have to have at least 4x4 pixels, not {image}")
        return nn.Sequential(
            nn.Conv2d(image.channels, 32, 4, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, self.hidden),
            nn.LeakyReLU(0.1),
        )
