"""Latents for walking codes over their dials, for paths between latents, and for what lies near one or differs in one
code."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from ..core.latent import Latents


def walk(latents: Latents, name: str, base: Tensor, dial: Tensor) -> Tensor:
    """Latents in which one code walks over ``dial``, ``(k, width)``, while all else stands still.

    ``base`` is ``(rows, latent_width)``; the result ``(rows, k, latent_width)``.
    """
    rows, k = len(base), len(dial)
    noise, codes = latents.split(base.repeat_interleave(k, dim=0))
    codes[name] = dial.to(base).repeat(rows, 1)
    return latents.join(noise, codes).reshape(rows, k, latents.width)


def interpolate(latents: Latents, stops: Tensor, steps: int, codes: Collection[str] = ()) -> Tensor:
    """Latents on the path from stop to stop, ``steps`` on each leg with both of its ends.

    ``stops`` is ``(k, latent_width)``, the result ``((k - 1) (steps - 1) + 1, latent_width)``. Noise and
    the named ``codes`` go along the path that is theirs, see `Prior.between`; any other code stays what it is at
    the first stop.
    """
    if len(stops) < 2 or steps < 2:
        raise ValueError(f"a path needs at least 2 stops and 2 steps, not {len(stops)} and {steps}")
    legs, pace = len(stops) - 1, steps - 1
    at = torch.arange(legs * pace + 1, device=stops.device)
    leg = (at // pace).clamp(max=legs - 1)
    fraction = ((at - leg * pace) / pace).to(stops).unsqueeze(1)
    (noise, start), (next_noise, end) = latents.split(stops[leg]), latents.split(stops[leg + 1])
    held = latents.split(stops[:1].expand(len(at), -1))[1]
    moved = {name: latents.code(name).between(start[name], end[name], fraction) for name in codes}
    return latents.join(latents.noise.between(noise, next_noise, fraction), held | moved)


def nearby(latents: Latents, centre: Tensor, n: int, *, scale: float = 0.25, seed: int = 0) -> Tensor:
    """``n`` latents about ``centre``, ``(latent_width,)``, of the same codes: ``(n, latent_width)``.

    Each has its noise moved by ``scale`` times a draw of the prior.
    """
    noise, codes = latents.split(centre.expand(n, -1))
    moved = latents.noise.sample(n, generator=torch.Generator().manual_seed(seed)).to(centre)
    return latents.join(noise + scale * moved, codes)


def exchanged(latents: Latents, a: Tensor, b: Tensor) -> dict[str, Tensor]:
    """The latents ``a``, ``(n, latent_width)``, with one code of ``b``: such latents for each code by name.

    What the pictures of these and of ``a`` differ in is the code's doing alone; see `evaluation.effect`.
    """
    (noise, codes), others = latents.split(a), latents.split(b)[1]
    return {name: latents.join(noise, {**codes, name: others[name]}) for name in codes}
