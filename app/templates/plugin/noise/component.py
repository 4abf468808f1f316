"""Noise of one length: every direction is as likely as any other, and no draw lies nearer to 0 than another."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from infogan import Noise
from pydantic import Field


class PluginNameRole(Noise):
    """Points on a sphere of radius sqrt(size): normal noise, which has about that length, without its spread."""

    kind: Literal["plugin_name"] = "plugin_name"
    size: int = Field(default=64, ge=2, le=65536)
    """Numbers in one draw."""
    width = property(lambda self: self.size)

    def sample(self, n, *, generator=None, device=None):
        return self.on_sphere(torch.randn(n, self.size, generator=generator, device=device))

    def between(self, start, end, fraction):
        """Along the straight line, pushed out onto the sphere."""
        return self.on_sphere(start.lerp(end, fraction))

    def on_sphere(self, vectors):
        """Each vector's direction, at the sphere's radius."""
        return math.sqrt(self.size) * F.normalize(vectors, dim=1)
