"""A network made ready for inference: batch norm folded into the layer before it, activations in place."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

from .discriminator import DQ, Discriminator, Domain, DomainBatchNorm

Network = TypeVar("Network", bound=nn.Module)

Affine = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
Activation = (nn.ReLU, nn.LeakyReLU, nn.ELU, nn.SiLU)
"""Exactly these types: a subclass, or a parametrised layer, may do something else with its weights."""


def folded(network: Network, domain: Domain = "fake") -> Network:
    """A copy for evaluation: in evaluation mode, and its weights need no gradient.

    There batch norm is an affine map, as is the layer before it. So every batch norm that follows a
    linear or convolutional layer in an `nn.Sequential` is folded into it, with its statistics of
    ``domain``, and the activation behind them overwrites its input. What is used in more than one place,
    watched by a hook, or of a type of its own, stays as it is.
    """
    network = copy.deepcopy(network).eval().requires_grad_(False)
    uses = Counter(child for parent in network.modules() for child in parent._modules.values())
    for chain in network.modules():
        if type(chain) is nn.Sequential:
            _fold_chain(chain, {layer for layer in chain if uses[layer] == 1 and not _watched(layer)}, domain)
    return network


def _fold_chain(chain: nn.Sequential, own: set[nn.Module], domain: Domain) -> None:
    before: nn.Module | None = None  # an affine layer of the chain's own, whose output nobody else sees
    for i, layer in enumerate(chain):
        if layer in own and before is not None and _fold(before, layer, domain):
            chain[i] = nn.Identity()  # keeps the names of the other layers
        elif layer in own and type(layer) in Affine:
            before = layer
        else:
            if layer in own and before is not None and type(layer) in Activation:
                layer.inplace = True  # type: ignore[assignment]
            before = None


def _fold(layer: Any, norm: Any, domain: Domain) -> bool:
    """Give an affine layer the batch norm behind it; False where that is no batch norm with statistics."""
    statistics = _statistics(norm, domain)
    if statistics is None:
        return False
    mean, var = statistics
    scale = torch.ones_like(mean) if norm.weight is None else norm.weight
    shift = torch.zeros_like(mean) if norm.bias is None else norm.bias
    batch_norm = (mean, var, norm.eps, scale, shift)
    if isinstance(layer, nn.Linear):
        weight, bias = fuse_linear_bn_weights(layer.weight, layer.bias, *batch_norm)
    else:
        weight, bias = fuse_conv_bn_weights(layer.weight, layer.bias, *batch_norm, transpose=layer.transposed)
    layer.weight, layer.bias = weight, bias
    layer.requires_grad_(False)
    return True


def _statistics(norm: nn.Module, domain: Domain) -> tuple[Tensor, Tensor] | None:
    if isinstance(norm, DomainBatchNorm):
        return norm.statistics(domain)
    if isinstance(norm, _BatchNorm) and norm.running_mean is not None and norm.running_var is not None:
        return norm.running_mean, norm.running_var
    return None


def _watched(layer: nn.Module) -> bool:
    return bool(layer._forward_hooks or layer._forward_pre_hooks)


class FoldedDiscriminator(Discriminator):
    """D and Q for inference, folded once with the statistics of real pictures and once with those of generated ones."""

    def __init__(self, discriminator: Discriminator) -> None:
        nn.Module.__init__(self)
        self.real = folded(discriminator, "real")
        self.fake = folded(discriminator, "fake")

    def forward(self, images: Tensor, domain: Domain = "fake") -> DQ:
        """As `Discriminator.forward`, for one domain."""
        said: DQ = self._of(domain)(images, domain)
        return said

    def logit(self, images: Tensor, domain: Domain = "fake") -> Tensor:
        """As `Discriminator.logit`, for one domain."""
        return self._of(domain).logit(images, domain)

    def _of(self, domain: Domain) -> Discriminator:
        if domain == "both":
            raise ValueError("a frozen model reads real pictures or generated ones, not both in one batch")
        return self.real if domain == "real" else self.fake
