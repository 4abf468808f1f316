"""A number with a bell curve that ends: no dial position is ever stranger than what the model was trained on."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from infogan import Code
from pydantic import Field


class PluginNameRole(Code):
    """A standard normal number within [-cut, cut]; Q says a Gaussian, by its mean and its standard deviation."""

    kind: Literal["plugin_name"] = "plugin_name"
    cut: float = Field(default=2.0, gt=0.1, le=4.0)
    """Largest size of a value."""
    width = property(lambda self: 1)
    n_params = property(lambda self: 2)
    share = property(lambda self: math.erf(self.cut / math.sqrt(2)), doc="Share of the normal law that is kept.")

    @property
    def entropy(self):
        density = math.exp(-(self.cut**2) / 2) / math.sqrt(2 * math.pi)
        return math.log(self.share * math.sqrt(2 * math.pi * math.e)) - self.cut * density / self.share

    def sample(self, n, *, generator=None, device=None):
        uniform = 2 * torch.rand(n, 1, generator=generator, device=device) - 1
        return math.sqrt(2) * torch.erfinv(self.share * uniform)

    def log_prob(self, params, value):
        std = F.softplus(params[:, 1]) + 0.01  # never 0, where a density has no bound
        return -0.5 * ((value[:, 0] - params[:, 0]) / std) ** 2 - std.log() - 0.5 * math.log(2 * math.pi)

    def mode(self, params):
        return params[:, :1]

    def grid(self, steps):
        return torch.linspace(-self.cut, self.cut, steps).unsqueeze(1)
