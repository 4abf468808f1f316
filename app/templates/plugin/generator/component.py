"""A generator without convolutions, for pictures of any size: small ones, or something to compare others with."""

import math
from typing import Literal

from infogan import Generator, ImageShape
from pydantic import Field
from torch import nn


class PluginNameRole(Generator):
    """FC, batch norm, ReLU, twice; then FC to the pixels and a sigmoid."""

    kind: Literal["plugin_name"] = "plugin_name"
    hidden: int = Field(default=256, ge=1)
    """Units of each hidden layer."""
    range = property(lambda self: (0.0, 1.0))

    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        return nn.Sequential(
            *self.layer(latent_width),
            *self.layer(self.hidden),
            nn.Linear(self.hidden, math.prod(image.dims)),
            nn.Sigmoid(),
            nn.Unflatten(1, image.dims),
        )

    def layer(self, inputs: int) -> list[nn.Module]:
        """A hidden layer; batch norm makes a bias before it pointless."""
        return [nn.Linear(inputs, self.hidden, bias=False), nn.BatchNorm1d(self.hidden), nn.ReLU()]
