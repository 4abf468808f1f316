"""Mistakes that authors of codes with a density make, and what the contract answers.

Each is seeded into a part that is right but for it. The answer has to say what is wrong, where, and what to look at.
"""

from __future__ import annotations

import math
from typing import Literal

import pytest
import torch
from torch import Tensor

from infogan import Code
from infogan.plugins.codes import Angle, Uniform
from infogan.testing import check_code, check_component
from infogan.testing.tiny_model import Level


class Gaussian(Level):
    """A standard normal number that Q reads as mean and log std, right in every respect."""

    kind: Literal["gaussian"] = "gaussian"  # type: ignore[assignment]

    @property
    def n_params(self) -> int:
        return 2

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        mean, log_std = params[:, 0], params[:, 1].clamp(-4, 4) + 0.01 * params[:, 1]
        return -0.5 * ((value[:, 0] - mean) / log_std.exp()) ** 2 - log_std - 0.5 * math.log(2 * math.pi)

    def mode(self, params: Tensor) -> Tensor:
        return params[:, :1]


class SwapsColumns(Gaussian):
    def mode(self, params: Tensor) -> Tensor:
        return params[:, 1:]


class ForgetsTheConstant(Gaussian):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params, value) + 0.5 * math.log(2 * math.pi)


class EntropyOfUniform(Gaussian):
    @property
    def entropy(self) -> float:
        return math.log(2)


class SqueezesTheBatch(Gaussian):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params, value).unsqueeze(1)


class DialOfFive(Gaussian):
    def grid(self, steps: int) -> Tensor:
        return torch.linspace(-2, 2, steps + 1).unsqueeze(1)


class GoesTheWrongWay(Gaussian):
    def between(self, start: Tensor, end: Tensor, fraction: Tensor) -> Tensor:
        return end.lerp(start, fraction)


class SpanOfItsOwn(Gaussian):
    def span(self, low: float, high: float, steps: int) -> Tensor:
        return torch.linspace(-1, 1, steps).unsqueeze(1)


class Circle(Angle):
    """Directions whose entropy is that of a turn, and not of 2 pi radians."""

    kind: Literal["circle"] = "circle"  # type: ignore[assignment]

    @property
    def entropy(self) -> float:
        return math.log(360)


class RandomDial(Gaussian):
    def grid(self, steps: int) -> Tensor:
        return torch.rand(steps, 1).sort(dim=0).values


class WiderThanItsDraws(Gaussian):
    def grid(self, steps: int) -> Tensor:
        return torch.linspace(-90, 90, steps).unsqueeze(1)


class TwiceTheRange(Uniform):
    """As the paper walks its codes; that is what `span` is for."""

    def grid(self, steps: int) -> Tensor:
        return torch.linspace(2 * self.low, 2 * self.high, steps).unsqueeze(1)


class HalfOfItsDraws(Gaussian):
    def grid(self, steps: int) -> Tensor:
        return torch.linspace(0, 2, steps).unsqueeze(1)


class NoModeOfItsOwn(Level):
    mode = Code.mode


class OutOfOrder(Gaussian):
    def grid(self, steps: int) -> Tensor:
        return torch.linspace(-2, 2, steps).unsqueeze(1).roll(1, dims=0)


class DrawsAnotherLaw(Gaussian):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return 1.5 * super().sample(n, generator=generator, device=device)


class PlusForMinus(Gaussian):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params, value) + 2 * params[:, 1]


class DetachesAColumn(Gaussian):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(torch.stack([params[:, 0], params[:, 1].detach()], dim=1), value)


class HalfTheMean(Gaussian):
    def mode(self, params: Tensor) -> Tensor:
        return params[:, :1] / 2


class StdFromExp(Gaussian):
    """Its density overflows where Q is very sure, or not at all."""

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        std = params[:, 1].exp()
        return -0.5 * ((value[:, 0] - params[:, 0]) / std) ** 2 - std.log() - 0.5 * math.log(2 * math.pi)


class SortsItsDraws(Gaussian):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return super().sample(n, generator=generator, device=device).sort(dim=0).values


class MirrorsItsDraws(Gaussian):
    """As is done to make a mean more exact; pictures are then no longer drawn independently."""

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        half = super().sample((n + 1) // 2, generator=generator, device=device)
        return torch.cat([half, -half])[:n]


class WrongConstant(Angle):
    """The normalising constant of a von Mises law without its Bessel function."""

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        concentration = params.norm(dim=1)
        return (params * value).sum(dim=1) - concentration.log1p() - math.log(2 * math.pi)


class LargeDifference(Gaussian):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob((params + 1000) - 1000, value)


class LooksUpInFloat32(Gaussian):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params @ torch.eye(2, device=params.device), value)


class ClosesTheCircle(Angle):
    """0 and 360 degrees are one position, though not the same floats."""

    def grid(self, steps: int) -> Tensor:
        turn = torch.linspace(0, 2 * math.pi, steps)
        return torch.stack([turn.cos(), turn.sin()], dim=1)


BROKEN_CODES: list[tuple[Code, str]] = [
    (SwapsColumns(), "likelier than the mode"),
    (ForgetsTheConstant(), "mass 2.507 over the whole line and not 1"),
    (EntropyOfUniform(), "entropy says 0.6931 nats, its own draws say 1.4"),
    (SqueezesTheBatch(), r"of shape \(96,\), not \(96, 1\)"),
    (DialOfFive(), r"grid\(7\) has 8 positions; it has to have 7"),
    (GoesTheWrongWay(), "between has to give start for a share of 0"),
    (SpanOfItsOwn(), "has to begin at low and to end at high"),
    (Circle(), "a Q that ignores the picture scores 4.0.. nats, and a bound allows at most 0"),
    (RandomDial(), r"grid\(7\) gives other positions the second time"),
    (WiderThanItsDraws(), r"column 0 of grid\(7\) runs from -90 to 90, .* do grid and sample have the same range"),
    (TwiceTheRange(), r"column 0 of grid\(7\) runs from -2 to 2, .* do grid and sample have the same range"),
    (OutOfOrder(), r"grid\(7\) is not in order; sort it"),
    (DrawsAnotherLaw(), "entropy says 1.4189 nats, its own draws say 1.8.*do entropy and sample agree"),
    (PlusForMinus(), "its density has mass .* over the whole line and not 1; is log_prob normalised"),
    (DetachesAColumn(), "column 1 of params receives no gradient; is log_prob ignoring it"),
    (HalfTheMean(), "likelier than the mode .*do mode and log_prob read the same columns"),
    (StdFromExp(), "values that are not finite; use log_softmax, logsigmoid or softplus .*clamp what goes into exp"),
    (SortsItsDraws(), r"column 0 of a draw tells of the next one \(correlation 0.999\); are draws sorted"),
    (MirrorsItsDraws(), r"column 0 of a draw tells of the one half a batch later \(correlation -1.000\)"),
    (WrongConstant(), "its density has .* times the mass that it has under others; does log_prob's normalising"),
    (LargeDifference(), "log_prob is off by .* in bfloat16; does it take the difference of two large numbers"),
    (LooksUpInFloat32(), "log_prob of params in bfloat16 raises RuntimeError: .*; it has to take params of any"),
    (ClosesTheCircle(), r"grid\(7\) has a position twice; does it end where it began"),
    (HalfOfItsDraws(), r"column 0 of grid\(7\) runs from 0 to 2, and 20000 draws from -4.* have the same range"),
    (NoModeOfItsOwn(), "it is a density, which has to define its own mode: the value that log_prob is largest for"),
]


@pytest.mark.parametrize("code", [Level(), Gaussian()], ids=repr)
def test_the_right_codes_that_the_broken_ones_are_made_from(code: Code) -> None:
    check_component(code)


@pytest.mark.parametrize(("code", "advice"), BROKEN_CODES, ids=lambda value: type(value).__name__)
def test_broken_code_is_caught(code: Code, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check_component(code)


class Shifted(Gaussian):
    """Its law is the one that its entropy is of; only the reference knows that another one was meant."""

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return 1 + super().sample(n, generator=generator, device=device)


def test_draws_of_another_law_than_the_reference_are_caught() -> None:
    check_code(Gaussian(), reference=torch.special.ndtr)
    with pytest.raises(AssertionError, match=r"its draws are not of the reference's law: up to .* lies a share"):
        check_code(Shifted(), reference=torch.special.ndtr)
    with pytest.raises(AssertionError, match="a reference for a code of one number alone"):
        check_code(Angle(), reference=torch.special.ndtr)
