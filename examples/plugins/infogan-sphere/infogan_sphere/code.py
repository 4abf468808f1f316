"""A code for a direction in space: where something points to, or where its light comes from."""

import math
from typing import Literal

import torch
import torch.nn.functional as F

from infogan import Code

from .directions import great_circle, latitude_longitude, spiral, unit_vector, written


class Sphere(Code):
    """A unit vector, uniform on the sphere. Q is the von Mises-Fisher law; its params are kappa times its mean."""

    kind: Literal["sphere"] = "sphere"
    width = n_params = property(lambda self: 3)
    entropy = property(lambda self: math.log(4 * math.pi))
    mode = nearest = staticmethod(lambda vectors: unit_vector(*latitude_longitude(vectors)))
    grid, between = staticmethod(spiral), staticmethod(great_circle)

    def sample(self, n, *, generator=None, device=None):
        return F.normalize(torch.randn(n, 3, generator=generator, device=device), dim=1)

    def log_prob(self, params, value):
        """params . value - log(4 pi sinh(kappa) / kappa), a density per area, as a sum of small numbers."""
        kappa = (params.square().sum(dim=1) + 1e-6).sqrt()  # which has a slope at 0
        off = (value - params / kappa[:, None]).square().sum(dim=1) + 1e-6 / kappa.square()  # 2 - 2 cos(value, mean)
        return -kappa / 2 * off - torch.log(-torch.expm1(-2 * kappa) / (2 * kappa)) - self.entropy

    def law(self, params):
        latitude, longitude = latitude_longitude(params)
        return {"latitude": latitude, "longitude": longitude, "concentration": params.norm(dim=1)}

    def encode(self, values):
        return torch.tensor([written(value) for value in values]).reshape(-1, 3)

    def decode(self, value):
        return torch.stack(latitude_longitude(value), dim=1).tolist()
