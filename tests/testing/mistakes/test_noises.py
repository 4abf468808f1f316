"""Mistakes that authors of noises make, and what the contract answers.

Each is seeded into a part that is right but for it. The answer has to say what is wrong, where, and what to look at.
"""

from __future__ import annotations

import pytest
import torch
from pydantic import Field
from torch import Tensor

from infogan import Noise
from infogan.testing import check_component
from infogan.testing.tiny_model import TinyNoise


class Forgetful(TinyNoise):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.randn(n, 3, device=device)


class NoiseOnTheCpu(TinyNoise):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.randn(n, 3, generator=generator)


class Aliased(TinyNoise):
    of: int = Field(default=1, alias="from")


class Grouped(TinyNoise):
    groups: frozenset[int] = frozenset({1})


BROKEN_NOISES: list[tuple[Noise, str]] = [
    (Forgetful(), "sample with a generator uses torch's global random state"),
    (NoiseOnTheCpu(), "sample gives a tensor on the CPU whatever the device"),
    (Aliased(), "saving its options as JSON and reading them raises ValidationError.*no alias"),
    (Grouped(), r"saving its options as JSON .*Field\(strict=False\) if it is a tuple or a set"),
]


@pytest.mark.parametrize(("noise", "advice"), BROKEN_NOISES, ids=lambda value: type(value).__name__)
def test_broken_noise_is_caught(noise: Noise, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check_component(noise)
