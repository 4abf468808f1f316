"""How much a code changes the picture, and how much of that change is the same whatever the rest of the latent."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..model.infogan import CHUNK, InfoGAN
from ..model.traverse import exchanged


@dataclass(frozen=True)
class Effect:
    """Shares of the variance of generated pictures, summed over pixels, that a code is responsible for.

    These are its two Sobol indices (Sobol 2001), summed over outputs as by Gamboa et al. (2014). They do
    not ask Q, so they can be compared between models that were taught to be read and ones that were not.
    """

    alone: float
    """Var(E[x | c]) / Var(x): how far the mean pictures of the code's values lie apart. 0 where whatever the code
    does differs from one noise to the next; an estimate may fall a little below."""
    in_all: float
    """E[Var(x | all but c)] / Var(x): how much turning this dial changes a picture while all else stands
    still. ``alone`` of it is common to all pictures, the rest differs from one to the next."""


def measure_effect(model: InfoGAN, *, n: int = 4096, seed: int = 0) -> dict[str, Effect]:
    """The effect of each code, estimated on ``n`` pairs of pictures.

    For draws a and b of the latent let m be a with the code of b. G(b) and G(m) have the code in common and
    nothing else, so that E[(G(b) - centre) (G(m) - G(a))] is Var(E[x | c]), whatever the centre; with G(a) taken
    away and a centre in the middle the error is least (Saltelli et al. 2010, table 2, b). Half the mean square
    difference is E[Var(x | all but c)] for G(m) and G(a) (Jansen 1999), and Var(x) for G(b) and G(a). The errors
    go down as 1 / sqrt(n).
    """
    drawn = model.draw(2 * n, seed=seed)
    centre = _flat(model.generate(drawn[:CHUNK])).mean(dim=0)
    variance, alone, in_all = 0.0, dict.fromkeys(model.latents.codes, 0.0), dict.fromkeys(model.latents.codes, 0.0)
    for a, b in zip(drawn[:n].split(CHUNK), drawn[n:].split(CHUNK), strict=True):
        of_a, of_b = _flat(model.generate(a)), _flat(model.generate(b))
        variance += float((of_b - of_a).square().sum()) / 2
        for name, mixed in exchanged(model.latents, a, b).items():
            change = _flat(model.generate(mixed)) - of_a
            alone[name] += float(((of_b - centre) * change).sum())
            in_all[name] += float(change.square().sum()) / 2
    if variance == 0:  # a generator that makes one picture only
        return dict.fromkeys(alone, Effect(0.0, 0.0))
    return {name: Effect(alone[name] / variance, in_all[name] / variance) for name in alone}


def _flat(images: Tensor) -> Tensor:
    return images.flatten(1).double()
