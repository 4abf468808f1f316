"""Batch norm statistics that fit the weights that are about to be saved."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..model.discriminator import DomainBatchNorm
from ..model.infogan import InfoGAN


@torch.no_grad()
def calibrate(model: InfoGAN, real: Sequence[Tensor], latents: Sequence[Tensor]) -> None:
    """Re-estimate the running statistics of G, D and Q, in place, as plain means over the batches.

    While training, running statistics lag behind the weights, and those of a G whose weights are a
    running mean were never seen at all. Real pictures set D's statistics for real ones, pictures of
    this very G those for generated ones; the two are kept apart. All batches weigh the same, so they
    have to be of one size.
    """
    _collect(model.generator, [(latent,) for latent in latents])
    model.generator.eval()
    fake = [model.generator(latent) for latent in latents]
    if model.spec.batch_norm == "mixed":
        halves = zip(real, fake, strict=False)
        _collect(model.discriminator, [(torch.cat(pair), "both") for pair in halves])
    else:
        _collect(model.discriminator, [(images, "real") for images in real])
        _collect(model.discriminator, [(images, "fake") for images in fake])
    model.eval()


def _collect(network: nn.Module, batches: Sequence[tuple[object, ...]]) -> None:
    """Run the batches in training mode with momenta of 1, 1/2, 1/3, ..., which makes a plain mean."""
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm | DomainBatchNorm)]
    before = [norm.momentum for norm in norms]
    network.train()
    for count, batch in enumerate(batches, start=1):
        for norm in norms:
            norm.momentum = 1 / count
        network(*batch)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    network.eval()
