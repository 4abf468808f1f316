"""Latents that a person names: a picture of a page of samples, means of such, and sums and differences of means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..core.messages import known_names
from ..model.infogan import InfoGAN
from ..model.traverse import nearby
from .pictures import Panel

NEARBY = 8
"""Pictures about the result of an expression, as on the pages of Radford et al. (2016, figure 7)."""


def drawn(model: InfoGAN, name: str, page: int) -> Tensor:
    """The latent ``SEED:INDEX``, ``(1, latent_width)``: a picture of ``page`` samples with that seed, from 0."""
    match = re.fullmatch(r"(\d+):(\d+)", name.strip())
    if match is None:
        raise ValueError(f"{name!r} is no draw: it has to be SEED:INDEX, such as 0:3")
    seed, index = int(match[1]), int(match[2])
    if index >= page:
        raise ValueError(f"{name!r} is no draw: of a seed's {page} samples the last one is {seed}:{page - 1}")
    return model.draw(page, seed=seed)[index : index + 1]


def parse_sum(text: str) -> list[tuple[int, str]]:
    """``a - b + c`` as signs and names; ValueError says at which column something else stands.

    >>> parse_sum("man_with_glasses - man + woman")
    [(1, 'man_with_glasses'), (-1, 'man'), (1, 'woman')]
    """
    terms: list[tuple[int, str]] = []
    sign: int | None = 1
    for word in re.finditer(r"[^\W\d]\w*|\S", text):
        found, column = word[0], word.start() + 1
        if sign is None:
            if found not in "+-":
                raise ValueError(f"{text!r}: + or - has to stand at column {column}, not {found!r}")
            sign = 1 if found == "+" else -1
        elif found.isidentifier():
            terms.append((sign, found))
            sign = None
        else:
            raise ValueError(f"{text!r}: a name has to stand at column {column}, not {found!r}")
    if sign is not None:
        raise ValueError(f"{text!r}: a name has to stand at the end, as in 'a - b + c'")
    return terms


def sum_panels(model: InfoGAN, text: str, members: Mapping[str, Sequence[str]], *, page: int, seed: int) -> list[Panel]:
    """What an expression over named sets of draws makes: each set with its mean, and the result with others near it.

    A name stands for the mean of its members' latents; three of each, in one with signs +, - and +, give the noise of
    the result the variance of a draw. Codes are put on the nearest value that they can have.
    """
    terms = parse_sum(text)
    for _, name in terms:
        if name not in members:
            raise ValueError(
                f"nothing is said of {name!r}; say --latent {name}=SEED:INDEX,...{known_names(name, members)}"
            )
    unused = sorted(members.keys() - {name for _, name in terms})
    if unused:
        raise ValueError(f"{', '.join(map(repr, unused))} is not in {text!r}")
    sets = {name: torch.cat([drawn(model, member, page) for member in members[name]]) for _, name in terms}
    means = {name: latent.mean(dim=0, keepdim=True) for name, latent in sets.items()}
    total = model.latents.nearest(torch.stack([sign * means[name] for sign, name in terms]).sum(dim=0))
    panels = []
    for name, latent in sets.items():
        shown = torch.cat([latent, model.latents.nearest(means[name])]) if len(latent) > 1 else latent
        labels = [*members[name], *(["mean"] if len(latent) > 1 else [])]
        panels.append(Panel(name, model.generate(shown).unsqueeze(0), labels))
    around = torch.cat([total, nearby(model.latents, total[0], NEARBY, seed=seed)])
    panels.append(Panel(text, model.generate(around).unsqueeze(0), ["result", "near it"]))
    return panels


def path_panel(model: InfoGAN, stops: Sequence[str], *, page: int, steps: int, codes: bool, rows: bool) -> Panel:
    """Pictures on the path from draw to draw: the noise moves, and the codes with it if they are to.

    ``rows``: a row in which the noise moves alone, one for each code alone, and one for all together.
    """
    latent = torch.cat([drawn(model, stop, page) for stop in stops])
    noise, values = model.latents.split(latent)
    still = model.latents.join(noise[:1].expand_as(noise), values)
    every = list(model.latents.codes)
    paths: dict[str, tuple[Tensor, Sequence[str]]] = {"noise": (latent, ())}
    paths |= {name: (still, [name]) for name in every} | {"all": (latent, every)}
    chosen = list(paths) if rows else ["all" if codes else "noise"]
    images = torch.stack([model.interpolate(paths[name][0], steps, codes=paths[name][1]) for name in chosen])
    labels = [stops[i // (steps - 1)] if i % (steps - 1) == 0 else "" for i in range(images.shape[1])]
    return Panel(" to ".join(stops), images, labels, chosen if rows else ())
