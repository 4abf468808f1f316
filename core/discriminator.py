"""The fused D/Q pass: one body, two heads, and batch norm that keeps real and generated pictures apart."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .loss import Part

Domain = Literal["real", "fake", "both"]
"""What the pictures of a batch are; ``both``: real ones in its first half, generated ones in its second."""


class DQ(NamedTuple):
    """What D and Q say of a batch."""

    logit: Tensor
    """``(batch,)``: above 0 where D takes a picture for real."""
    params: Tensor
    """``(batch, n_params)`` code parameters; for ``both`` those of the generated half only."""


class DomainBatchNorm(nn.Module):
    """Batch norm with shared weights, and statistics of its own for real and for generated pictures.

    One set of running statistics for both is wrong for either: read in evaluation mode, Q then misses
    the codes of pictures that it reads without a mistake under batch statistics. Normalising the two
    halves of a batch apart equals two separate passes.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, norm: _BatchNorm) -> None:
        super().__init__()
        self.eps = norm.eps
        self.momentum = norm.momentum
        self.weight, self.bias = norm.weight, norm.bias
        device = norm.weight.device if norm.affine else None
        self.register_buffer("running_mean", torch.zeros(2, norm.num_features, device=device))
        self.register_buffer("running_var", torch.ones(2, norm.num_features, device=device))
        self.domain: Domain = "fake"

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, ...)`` to the same shape."""
        if self.domain == "both":
            real, fake = x.chunk(2)
            return torch.cat([self._normalise(real, 0), self._normalise(fake, 1)])
        return self._normalise(x, 0 if self.domain == "real" else 1)

    def _normalise(self, x: Tensor, row: int) -> Tensor:
        mean, var = self.running_mean[row], self.running_var[row]
        momentum = 0.1 if self.momentum is None else self.momentum
        return F.batch_norm(x, mean, var, self.weight, self.bias, self.training, momentum, self.eps)


def separate_domains(module: nn.Module) -> nn.Module:
    """Replace every ordinary batch norm in ``module``, in place, by one that keeps the domains apart.

    A batch norm that is used in more than one place stays one and the same.
    """
    norms = [part for part in module.modules() if isinstance(part, _BatchNorm)]
    separated: dict[nn.Module | None, nn.Module] = {norm: DomainBatchNorm(norm) for norm in norms}
    for parent in list(module.modules()):
        for name, child in parent._modules.items():
            parent._modules[name] = separated.get(child, child)
    return separated.get(module, module)


class Discriminator(nn.Module):
    """D and Q in one pass (paper, section 4): the body once, both heads on its features.

    Q may read a body of its own, ``q_body``; then the pass costs two bodies.
    """

    def __init__(self, body: nn.Module, d_head: nn.Module, q_head: nn.Module, q_body: nn.Module | None = None) -> None:
        super().__init__()
        self.body = separate_domains(body)
        self.d_head = separate_domains(d_head)
        self.q_head = separate_domains(q_head)
        self.q_body = None if q_body is None else separate_domains(q_body)

    def forward(self, images: Tensor, domain: Domain = "fake") -> DQ:
        """``(batch, channels, height, width)`` in the generator's range to logits and code parameters.

        For ``both`` the batch is even and Q reads its second, generated, half only.
        """
        if domain == "both" and len(images) % 2:
            raise ValueError(f"half of the pictures have to be real and half generated, but there are {len(images)}")
        _enter(self.body, domain)
        features = self.body(images)
        logit = self._judge(features, domain)
        fake_half = slice(len(images) // 2, None) if domain == "both" else slice(None)
        read_domain: Domain = "fake" if domain == "both" else domain
        if self.q_body is not None:
            _enter(self.q_body, read_domain)
            read = self.q_body(images[fake_half])
        else:
            read = features[fake_half]
        _enter(self.q_head, read_domain)
        return DQ(logit, self.q_head(read))

    def logit(self, images: Tensor, domain: Domain = "fake") -> Tensor:
        """D alone: ``(batch, channels, height, width) -> (batch,)``."""
        _enter(self.body, domain)
        return self._judge(self.body(images), domain)

    def _judge(self, features: Tensor, domain: Domain) -> Tensor:
        _enter(self.d_head, domain)
        logit: Tensor = self.d_head(features).squeeze(1)
        return logit

    def parts(self) -> dict[Part, nn.Module]:
        """The parts with weights by name; ``q_body`` only where Q has a body of its own."""
        shared: dict[Part, nn.Module] = {"d_body": self.body, "d_head": self.d_head, "q_head": self.q_head}
        return shared if self.q_body is None else {**shared, "q_body": self.q_body}


def _enter(module: nn.Module, domain: Domain) -> None:
    for part in module.modules():
        if isinstance(part, DomainBatchNorm):
            part.domain = domain
