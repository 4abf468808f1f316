"""Spectral normalisation (Miyato et al. 2018, arXiv 1802.05957) of the layers of a plugin's network."""

from __future__ import annotations

from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

M = TypeVar("M", bound=nn.Module)


class SpectralNorm(nn.Module):
    """A parametrisation: the weight ``(outputs, ...)`` over an estimate of its largest singular value.

    The estimate is the length of W' u. Each pass in training mode first brings u nearer to the singular vector by one
    power iteration (the paper's algorithm 1); evaluation leaves it alone. u is a buffer, and the gradient takes it for
    a constant. torch's own parametrisation begins with 15 iterations, also on the meta device, where a dry run waits
    for them.
    """

    u: Tensor
    """Estimate of the left singular vector, ``(outputs,)``, of length 1."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        drawn = torch.randn(len(weight), dtype=weight.dtype, device=weight.device)
        self.register_buffer("u", F.normalize(drawn, dim=0))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight to be used, of the same shape."""
        matrix = weight.flatten(1)
        if self.training:
            with torch.no_grad():
                self.u.copy_(F.normalize(matrix @ (self.u @ matrix), dim=0))
        # A copy, since the next pass moves u, maybe before this one's gradient is taken.
        largest: Tensor = torch.linalg.vector_norm(self.u.clone() @ matrix)
        return weight / largest


def apply_spectral_norm(network: M) -> M:
    """Give every linear and every convolutional layer spectral norm; the network itself.

    Their weights are initialised before: afterwards they are not parameters any more, but computed from them.

    >>> layer = apply_spectral_norm(nn.Linear(8, 8, bias=False))
    >>> for _ in range(100):
    ...     _ = layer(torch.ones(8))
    >>> round(torch.linalg.matrix_norm(layer.eval().weight, 2).item(), 3)
    1.0
    """
    for layer in list(network.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d):
            parametrize.register_parametrization(layer, "weight", SpectralNorm(layer.weight))
    return network
