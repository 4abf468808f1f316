"""The fused D/Q pass: one body, two heads, and batch norm that keeps real and generated pictures apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..core.loss import Part

Domain = Literal["real", "fake", "both"]
"""What the pictures of a batch are; ``both``: real ones in its first half, generated ones in its second."""


class DQ(NamedTuple):
    """What D and Q say of a batch."""

    logit: Tensor
    """``(batch,)``: above 0 where D takes a picture for real."""
    params: Tensor
    """``(batch, n_params)`` code parameters; for ``both`` those of the generated half only."""


@dataclass
class DomainSwitch:
    """Which domain a discriminator looks at now; all of its batch norms read the one switch.

    A body takes pictures and nothing else, so what they are cannot be an argument. Hence one
    discriminator must not be used by two threads at a time.
    """

    now: Domain = "fake"


class DomainBatchNorm(nn.Module):
    """Batch norm with shared weights, and statistics of its own for real and for generated pictures.

    One set of running statistics for both is wrong for either: read in evaluation mode, Q then misses
    the codes of pictures that it reads without a mistake under batch statistics. Normalising the two
    halves of a batch apart equals two separate passes.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, norm: _BatchNorm, switch: DomainSwitch) -> None:
        super().__init__()
        self.eps = norm.eps
        self.momentum = norm.momentum
        self.weight, self.bias = norm.weight, norm.bias
        device = norm.weight.device if norm.affine else None
        self.register_buffer("running_mean", torch.zeros(2, norm.num_features, device=device))
        self.register_buffer("running_var", torch.ones(2, norm.num_features, device=device))
        self.switch = switch

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, channels, ...)`` to the same shape."""
        domain = self.switch.now
        if domain == "both":
            real, fake = x.chunk(2)
            return torch.cat([self._normalise(real, "real"), self._normalise(fake, "fake")])
        return self._normalise(x, domain)

    def _normalise(self, x: Tensor, domain: Domain) -> Tensor:
        mean, var = self.statistics(domain)
        momentum = 0.1 if self.momentum is None else self.momentum
        return F.batch_norm(x, mean, var, self.weight, self.bias, self.training, momentum, self.eps)

    def statistics(self, domain: Domain) -> tuple[Tensor, Tensor]:
        """Running mean and variance, ``(channels,)`` each, of real or of generated pictures."""
        row = 0 if domain == "real" else 1
        return self.running_mean[row], self.running_var[row]


def separate_domains(module: nn.Module, switch: DomainSwitch) -> nn.Module:
    """Replace every ordinary batch norm in ``module``, in place, by one that keeps the domains apart.

    A batch norm that is used in more than one place stays one and the same; one with a ``forward`` of its
    own, as a subclass may have, stays what it is.
    """
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm) and type(m).forward is _BatchNorm.forward]
    separated: dict[nn.Module | None, nn.Module] = {norm: DomainBatchNorm(norm, switch) for norm in norms}
    for parent in list(module.modules()):
        for name, child in parent._modules.items():
            parent._modules[name] = separated.get(child, child)
    return separated.get(module, module)


class Discriminator(nn.Module):
    """D and Q in one pass (paper, section 4): the body once, both heads on its features.

    Q may read a body of its own, ``q_body``; then the pass costs two bodies. With ``apart`` batch norm
    treats real and generated pictures by their own statistics; without, a batch is one batch.
    """

    def __init__(
        self,
        body: nn.Module,
        d_head: nn.Module,
        q_head: nn.Module,
        q_body: nn.Module | None = None,
        *,
        apart: bool = True,
    ) -> None:
        super().__init__()
        self.switch = DomainSwitch()

        def prepared(part: nn.Module) -> nn.Module:
            return separate_domains(part, self.switch) if apart else part

        self.body, self.d_head, self.q_head = prepared(body), prepared(d_head), prepared(q_head)
        self.q_body = None if q_body is None else prepared(q_body)

    def forward(self, images: Tensor, domain: Domain = "fake") -> DQ:
        """``(batch, channels, height, width)`` in the generator's range to logits and code parameters.

        For ``both`` the batch is even and Q reads its second, generated, half only.
        """
        features = self.features(images, domain)
        logit = self.judge(features)
        return DQ(logit, self.q_head(self.read_features(images, features, domain)))

    def logit(self, images: Tensor, domain: Domain = "fake") -> Tensor:
        """D alone: ``(batch, channels, height, width) -> (batch,)``."""
        return self.judge(self.features(images, domain))

    def features(self, images: Tensor, domain: Domain) -> Tensor:
        """What D's head judges, ``(batch, features)``."""
        if domain == "both" and len(images) % 2:
            raise ValueError(f"half of the pictures have to be real and half generated, but there are {len(images)}")
        self.switch.now = domain
        features: Tensor = self.body(images)
        return features

    def judge(self, features: Tensor) -> Tensor:
        """D's head: ``(batch, features) -> (batch,)``."""
        logit: Tensor = self.d_head(features).squeeze(1)
        return logit

    def read_features(self, images: Tensor, features: Tensor, domain: Domain) -> Tensor:
        """What Q's head reads, ``(batch, features)``: D's ``features`` of the pictures, or those of Q's own body.

        For ``both`` those of the generated half only. Q's head has to be called next, on the domain set here.
        """
        fake_half = slice(len(images) // 2, None) if domain == "both" else slice(None)
        self.switch.now = "fake" if domain == "both" else domain
        read: Tensor = features[fake_half] if self.q_body is None else self.q_body(images[fake_half])
        return read

    def parts(self) -> dict[Part, nn.Module]:
        """The parts with weights by name; ``q_body`` only where Q has a body of its own."""
        shared: dict[Part, nn.Module] = {"d_body": self.body, "d_head": self.d_head, "q_head": self.q_head}
        return shared if self.q_body is None else {**shared, "q_body": self.q_body}
