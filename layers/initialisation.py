"""Weight initialisation."""

from __future__ import annotations

import math
from typing import TypeVar

import torch
from torch import Tensor, nn

STD = 0.02
"""Standard deviation of the initial weights, as in DCGAN (Radford et al. 2016) and the InfoGAN authors' code."""

M = TypeVar("M", bound=nn.Module)


def initialise(network: M, *, truncated: bool = True) -> M:
    """N(0, 0.02) weights, N(1, 0.02) batch norm scales, zero biases; the network itself.

    ``truncated``: the weights lie within two standard deviations, as those of convolutions do in the authors' code.

    >>> layer = initialise(nn.Linear(8, 8))
    >>> bool(layer.weight.abs().max() <= 0.04), bool(layer.bias.any())
    (True, False)
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            if truncated:
                _truncated_normal(layer.weight)
            else:
                nn.init.normal_(layer.weight, 0.0, STD)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, STD)
    return network


def glorot(network: M, *, gain: float = 1.0) -> M:
    """Uniform weights of variance 2 gain^2 / (inputs + outputs) (Glorot and Bengio 2010), zero biases; the network.

    For residual networks without batch norm in every branch, through which weights of 0.02 let hardly anything pass.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(layer.weight, gain)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


@torch.no_grad()
def _truncated_normal(weight: Tensor) -> None:
    """N(0, STD) within two standard deviations, through the inverse of its distribution function.

    `torch.nn.init.trunc_normal_` draws a whole tensor for each round of rejections: eight times as long.
    """
    share = math.erf(2 / math.sqrt(2))
    weight.uniform_(-share, share).erfinv_().mul_(STD * math.sqrt(2))
