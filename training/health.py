"""What G's pictures are like while a run goes on: a few figures beside the losses, which may be fine all the same."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..model.traverse import exchanged
from .randomness import generator
from .run import RunSpec

MOST = 256
"""Pictures that G makes for one report, at most; else as many as two batches. With a report every 50 steps that is less
than a hundredth of a run's work."""

FEWEST = 8
"""Pairs of latents, however many codes there are."""

REAL = 512
"""Real pictures that are measured, about."""


class Health:
    """Measures a generator on the same latents at each report, and the data once.

    The latents have a stream of their own, and what is run is a copy of G: nothing that the run draws, changes or
    saves depends on how often it reports.
    """

    def __init__(self, spec: RunSpec, network: nn.Module, real: Sequence[Tensor], device: torch.device) -> None:
        self.spec, self.device = spec, device
        low, high = spec.model.generator.range
        self.middle, self.scale = (low + high) / 2, 2 / (high - low)
        self.copy = copy.deepcopy(network).requires_grad_(False).eval()
        # By the statistics of its own batch, as D sees G's pictures; running ones lag behind a G that moves.
        for norm in [module for module in self.copy.modules() if isinstance(module, _BatchNorm)]:
            norm.train()
        latents, t = spec.model.latents, spec.training
        self.roles = len(latents.codes) + 3  # a, b, a with b's noise, and a with each code of b
        pairs = max(FEWEST, min(2 * t.batch_size // t.micro_batches, MOST) // self.roles)
        a, b = latents.sample(2 * pairs, generator=generator(t.seed, "health", 0)).to(device).chunk(2)
        noise_of_b = latents.join(latents.split(b)[0], latents.split(a)[1])
        self.drawn = torch.cat([a, b, noise_of_b, *exchanged(latents, a, b).values()])
        pictures = self._public(torch.cat(list(real[: max(1, REAL // t.batch_size)])))
        self.of_data = {
            "data/mean": float(pictures.mean()),
            "data/spread": float(pictures.var(dim=0).mean().sqrt()),
        }

    @torch.no_grad()
    def __call__(self, network: nn.Module) -> dict[str, float]:
        """How G's pictures are, of pixels from -1 (black) to 1 (white), beside the data's. Waits for the device once.

        ``pictures/mean``, of all pixels; ``pictures/spread``, by how much a pixel differs from one picture to the next
        (standard deviation); ``pictures/noise``, by how much where the codes are the same; ``effect/CODE``, the share
        of the pictures' variance that turning this code makes, as `evaluation.effect.Effect.in_all`.
        """
        self.copy.load_state_dict(network.state_dict())
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.spec.training.precision == "bf16"):
            made = self.copy(self.drawn)
        of_a, of_b, *changed = self._public(made.float()).chunk(self.roles)
        halves = [(other - of_a).square().mean() / 2 for other in (of_b, *changed)]
        mean, variance, by_noise, *by_code = torch.stack([(of_a + of_b).mean() / 2, *halves]).tolist()
        effects = [of_code / variance if variance else 0.0 for of_code in by_code]
        return {
            **{"pictures/mean": mean, "pictures/spread": variance**0.5, "pictures/noise": by_noise**0.5},
            **self.of_data,
            **{f"effect/{name}": effect for name, effect in zip(self.spec.model.codes, effects, strict=True)},
        }

    def _public(self, images: Tensor) -> Tensor:
        return (images - self.middle) * self.scale
