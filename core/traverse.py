"""Latents for walking codes over their dials."""

from __future__ import annotations

from torch import Tensor

from .latent import Latents


def walk(latents: Latents, name: str, base: Tensor, steps: int) -> Tensor:
    """Latents in which one code walks over its dial while all else stands still.

    ``base`` is ``(rows, latent_width)``; the result ``(rows, k, latent_width)``, where ``k`` is the
    length of the code's dial: ``steps``, or every value of a code that has few.
    """
    dial = latents.code(name).grid(steps).to(base)
    rows, k = len(base), len(dial)
    noise, codes = latents.split(base.repeat_interleave(k, dim=0))
    codes[name] = dial.repeat(rows, 1)
    return latents.join(noise, codes).reshape(rows, k, latents.width)
