"""L_I of each code on freshly generated pictures."""

from __future__ import annotations

from dataclasses import dataclass

from ..model.infogan import InfoGAN


@dataclass(frozen=True)
class Information:
    """How much Q learns of one code from a picture that was generated from it."""

    nats: float
    """L_I = H(c) + E[log Q(c | G(z, c))] (paper, equation 5): a lower bound on I(c; G(z, c))."""
    entropy: float
    """H(c) in nats: the most that a discrete code can reach; a density may exceed it."""


def measure_information(model: InfoGAN, *, n: int = 10_000, seed: int = 0) -> dict[str, Information]:
    """L_I of each code over ``n`` generated pictures, read as `InfoGAN.infer` reads them."""
    latent = model.draw(n, seed=seed)
    nats = model.latents.information(model.read(model.generate(latent)), latent)
    return {name: Information(float(nats[name]), code.entropy) for name, code in model.latents.codes.items()}
