"""A network made ready for inference: batch norm folded into the layer before it, activations in place."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.fusion import fuse_conv_bn_weights, fuse_linear_bn_weights

from .discriminator import DQ, Discriminator, Domain, DomainBatchNorm

Network = TypeVar("Network", bound=nn.Module)

AFFINE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
NORMS = (DomainBatchNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
"""Exactly these types: a subclass may do something else."""


def folded(network: Network, example: tuple[Any, ...], domain: Domain = "fake") -> Network:
    """A copy for evaluation: in evaluation mode, and its weights need no gradient.

    There batch norm is an affine map, as is the layer before it. So every batch norm that follows a
    linear or convolutional layer in an `nn.Sequential` is folded into it, with its statistics of
    ``domain``, and the activation behind them overwrites its input. Weights that are computed, as with
    spectral norm, are computed before. What is used in more than one place, watched by a hook, or of a
    type of its own, stays as it is. A network that then answers otherwise to ``example``, its arguments,
    because it takes its chains apart, stays whole.
    """
    plain = copy.deepcopy(network).eval().requires_grad_(False)
    fast = _with_plain_weights(copy.deepcopy(plain))
    uses = Counter(child for parent in fast.modules() for child in parent._modules.values())
    for chain in fast.modules():
        if type(chain) is nn.Sequential:
            _fold_chain(chain, {layer for layer in chain if uses[layer] == 1 and not _watched(layer)}, domain)
    return fast if _agree(plain, fast, example) else plain


def _with_plain_weights(network: Network) -> Network:
    """The network itself: weights that a parametrisation computes are computed once and for all.

    `parametrize.remove_parametrizations` would take the weight from the layer's class, which a copy shares with the
    original.
    """
    for layer in list(network.modules()):
        if parametrize.is_parametrized(layer):
            weights = {name: getattr(layer, name) for name in cast(nn.ModuleDict, layer.parametrizations)}
            layer.__class__ = parametrize.type_before_parametrizations(layer)
            del layer.parametrizations
            for name, weight in weights.items():
                layer.register_parameter(name, nn.Parameter(weight, requires_grad=False))
    return network


def _fold_chain(chain: nn.Sequential, own: set[nn.Module], domain: Domain) -> None:
    before: nn.Module | None = None  # an affine layer of the chain's own, whose output nobody else sees
    for i, layer in enumerate(chain):
        if layer in own and before is not None and _fold(before, layer, domain):
            chain[i] = nn.Identity()  # keeps the names of the other layers
        elif layer in own and type(layer) in AFFINE:
            before = layer
        else:
            if layer in own and before is not None and _may_overwrite(layer):
                layer.inplace = True  # type: ignore[assignment]
            before = None


def _fold(layer: Any, norm: Any, domain: Domain) -> bool:
    """Give an affine layer the batch norm behind it; False where that is none, has no statistics, or does not fit."""
    grouped = getattr(layer, "transposed", False) and layer.groups > 1  # its weight has no axis of all outputs
    if type(norm) not in NORMS or norm.running_mean is None or grouped:
        return False
    mean, var = norm.statistics(domain) if isinstance(norm, DomainBatchNorm) else (norm.running_mean, norm.running_var)
    outputs = layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels
    if len(mean) != outputs:  # after a linear layer on sequences batch norm may be over another axis
        return False
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


def _may_overwrite(activation: nn.Module) -> bool:
    """Whether its gradient can be told from its output, so that its input is not needed any more."""
    if type(activation) is nn.LeakyReLU:
        return activation.negative_slope >= 0
    return type(activation) is nn.ReLU


def _watched(layer: nn.Module) -> bool:
    hooks = layer._forward_hooks, layer._forward_pre_hooks, layer._backward_hooks, layer._backward_pre_hooks
    return any(hooks)


@torch.no_grad()
def _agree(plain: nn.Module, fast: nn.Module, example: tuple[Any, ...]) -> bool:
    """Whether two networks answer alike, up to rounding."""
    expected, got = plain(*example), fast(*example)
    pairs = zip(expected, got, strict=True) if isinstance(expected, tuple) else [(expected, got)]
    return all(torch.allclose(one, other, rtol=1e-3, atol=1e-4) for one, other in pairs)


class FoldedDiscriminator(Discriminator):
    """D and Q for inference, folded once with the statistics of real pictures and once with those of generated ones."""

    def __init__(self, discriminator: Discriminator, images: Tensor) -> None:
        nn.Module.__init__(self)
        self.real = folded(discriminator, (images, "real"), "real")
        self.fake = folded(discriminator, (images, "fake"), "fake")

    def forward(self, images: Tensor, domain: Domain = "fake") -> DQ:
        """As `Discriminator.forward`, for one domain."""
        outputs: DQ = self._of(domain)(images, domain)
        return outputs

    def logit(self, images: Tensor, domain: Domain = "fake") -> Tensor:
        """As `Discriminator.logit`, for one domain."""
        return self._of(domain).logit(images, domain)

    def _of(self, domain: Domain) -> Discriminator:
        if domain == "both":
            raise ValueError("a frozen model reads real pictures or generated ones, not both in one batch")
        return self.real if domain == "real" else self.fake
