"""Tells, once for each kind, what is wrong with a run whose losses look as they should."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from ..core.latent import Code
from ..core.loss import StepView
from ..model.discriminator import DQ, Domain
from ..model.spec import ModelSpec

LASTING = 150
"""Steps over which each report has to show a fault before it is told: a G that has just begun shows all of them."""

FAR_LASTING = 300
"""The same for the mean: on a light ground a sound G, which begins with gray, may take 300 steps to find it."""

ALIKE = 0.25
"""Share of the data's spread below which G's pictures count as all alike."""

FAR = 0.35
"""Difference beyond which the mean of G's pictures is far off the data's, where black is -1 and white 1."""

UNSEEN = 0.01
"""Share of the variance of pictures, of G's or of the data's if that is more, below which a code changes nothing that
anybody sees."""

WON = 0.05
"""Share of what D's loss is where it cannot tell real from generated, below which it has won."""


NO_LAST_NORM = "a body without batch norm right below the heads (norm: spatial_batch, spectral or none)"
"""Advice: batch norm right before the heads takes away from D what all pictures of a batch have in common."""


class Fault(NamedTuple):
    """What one report shows."""

    kind: str
    """Of each kind one fault is told in a run."""
    about: str
    """Which code, or which term of the objective; nothing where it is all pictures."""
    message: str
    """For people: the figures, what they mean and what to try."""
    lasting: int = LASTING
    """Steps over which it has to show."""


class Watch:
    """Looks at the lines of a run's log, one by one.

    What it says depends on these lines alone: with those from before an interruption, ``earlier``, a resumed run is
    told what it would have been told.
    """

    def __init__(self, spec: ModelSpec, earlier: Iterable[Mapping[str, float]] = ()) -> None:
        self.spec = spec
        self.chance = chance(spec)
        self.since: dict[tuple[str, str], int] = {}
        self.told: set[str] = set()
        for line in earlier:
            self.look(line)

    def look(self, line: Mapping[str, float]) -> list[str]:
        """What has to be told after this line of the log, its step among the values."""
        if "pictures/mean" not in line:  # written before there was a watch
            return []
        step, faults = int(line["step"]), list(self._faults(line))
        self.since = {(f.kind, f.about): self.since.get((f.kind, f.about), step) for f in faults}
        messages = []
        for fault in faults:
            if step - self.since[fault.kind, fault.about] >= fault.lasting and fault.kind not in self.told:
                self.told.add(fault.kind)
                messages.append(f"step {step}: {fault.message} (docs/operations.md, A run that goes wrong)")
        return messages

    def _faults(self, line: Mapping[str, float]) -> Iterator[Fault]:
        mean, spread = line["pictures/mean"], line["pictures/spread"]
        data_mean, data_spread = line["data/mean"], line["data/spread"]
        if spread < ALIKE * data_spread:
            yield Fault(
                "alike",
                "",
                f"G's pictures are nearly all alike: a pixel differs by {spread:.2f} from one to the next, by "
                f"{data_spread:.2f} in the data (black is -1, white 1). Try {NO_LAST_NORM}, or a lower training.d_lr",
            )
        if abs(mean - data_mean) > FAR:
            yield Fault(
                "far",
                "",
                f"G's pictures are far too {'dark' if mean < data_mean else 'light'}: their mean is {mean:.2f}, the "
                f"data's {data_mean:.2f} (black is -1, white 1). D does not see it, or G does not follow. Try "
                f"{NO_LAST_NORM}, or a higher training.g_lr",
                FAR_LASTING,
            )
        vary = min(1.0, (spread / data_spread) ** 2) if data_spread else 1.0
        for name, code in self.spec.latents.codes.items():
            nats, seen = line[f"information/{name}"], line[f"effect/{name}"] * vary
            if nats > read_from(code) and seen < UNSEEN:
                yield Fault(
                    "unseen",
                    name,
                    f"the code {name} is read but not seen: Q knows {nats:.2f} of {code.entropy:.2f} nats, but turning "
                    f"it makes {seen:.2%} of what pictures differ in. Try a smaller weight of its information, or one "
                    f"that rises slowly (warmup), or {NO_LAST_NORM}",
                )
        for name, by_chance in self.chance.items():
            loss = line[f"d/{name}"]
            if loss < WON * by_chance:
                yield Fault(
                    "won",
                    name,
                    f"D tells real pictures from generated ones all too well: {name} costs it {loss:.3f}, and "
                    f"{by_chance:.2f} where it cannot tell, so G learns little from it. Try a lower training.d_lr, "
                    f"labels of 0.9 (real_label), or a penalty (r1)",
                )


def read_from(code: Code) -> float:
    """Nats from which on a code counts as read: half of its entropy.

    That of a density depends on the unit that it is measured in, and may be below 0; then half of that of
    two equal values.
    """
    return code.entropy / 2 if code.discrete else max(code.entropy, math.log(2)) / 2


def chance(spec: ModelSpec) -> dict[str, float]:
    """The loss of each game where D says 0 of every picture, with its weight.

    Of games alone in which such a D loses something, unlike wasserstein's; penalties on a gradient are none.
    """
    found = {}
    for name, term in spec.losses.items():
        if "d_head" in term.reach("d") and not term.second_order:
            try:
                loss = term.d_loss(_undecided(spec))
            except Exception:  # a plugin's, that makes more of its view than a game does
                loss = None
            found[name] = 0.0 if loss is None else term.weight * float(loss)
    return {name: loss for name, loss in found.items() if loss > 0}


def _undecided(spec: ModelSpec) -> StepView:
    """Black pictures, real and generated, of which D and Q say 0."""
    nothing, pictures = torch.zeros(2), torch.zeros(2, *spec.image.dims)
    params = torch.zeros(2, spec.latents.n_params)

    def undecided(images: Tensor, domain: Domain) -> DQ:
        return DQ(nothing.new_zeros(len(images)), params.new_zeros(len(images), params.shape[1]))

    return StepView(
        step=torch.zeros((), dtype=torch.int64),
        real=pictures,
        fake=pictures,
        latent=torch.zeros(2, spec.latents.width),
        latents=spec.latents,
        real_logit=nothing,
        fake_logit=nothing,
        params=params,
        generator=lambda latent: pictures.new_zeros(len(latent), *spec.image.dims),
        discriminator=undecided,
        random=torch.Generator(),
    )
