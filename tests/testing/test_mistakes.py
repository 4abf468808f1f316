"""Mistakes that authors of parts make, each seeded into a part that is right but for it, and what the contract answers.

The answer has to say what is wrong, where, and what to look at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan import Body, Code, Data, Generator, Head, ImageShape, LossTerm, Noise
from infogan.core.component import Component
from infogan.core.data import Images
from infogan.core.loss import Phase, Reach, StepView
from infogan.plugins.codes import Angle, Uniform
from infogan.plugins.heads import Linear
from infogan.testing import check_component, check_data, check_generator, check_head, check_loss, check_missing_data
from infogan.testing.small import Level, Sign, SmallNoise

# Broken codes: each differs from a right one in one place.


class Die(Code):
    """One of four values, right in every respect."""

    kind: Literal["die"] = "die"
    discrete: ClassVar[bool] = True

    @property
    def width(self) -> int:
        return 4

    @property
    def n_params(self) -> int:
        return 4

    @property
    def entropy(self) -> float:
        return math.log(4)

    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.eye(4, device=device)[torch.randint(4, (n,), generator=generator, device=device)]

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return (params.log_softmax(dim=1) * value).sum(dim=1)

    def grid(self, steps: int) -> Tensor:
        return torch.eye(4)


class EntropyInBits(Die):
    @property
    def entropy(self) -> float:
        return 2.0


class EntropyIsZero(Die):
    @property
    def entropy(self) -> float:
        return 0.0


class WrongSign(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return -(params.log_softmax(dim=1) * value).sum(dim=1)


class Unnormalised(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return (params * value).sum(dim=1)


class SoftmaxTwice(Die):
    """A trap that others fell into: its probabilities add up to 1, and its loss goes down."""

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return (params.softmax(dim=1).log_softmax(dim=1) * value).sum(dim=1)


class LeastLikely(Die):
    def mode(self, params: Tensor) -> Tensor:
        return torch.eye(4)[params.argmin(dim=1)]


class IgnoresItsGenerator(Die):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.eye(4)[torch.randint(4, (n,), device=device)]


class DrawsTheSameAlways(Die):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.eye(4)[torch.randint(4, (n,), generator=torch.Generator().manual_seed(0))]


class IgnoresAColumn(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        mask = torch.tensor([1.0, 0.0, 1.0, 1.0])
        return ((params * mask).log_softmax(dim=1) * value).sum(dim=1)


class DetachesParams(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return (params.detach().log_softmax(dim=1) * value).sum(dim=1)


class MixesRows(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return (params.log_softmax(dim=1).mean(dim=0) * value).sum(dim=1)


class SumsTheBatch(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params, value).sum()


class TooWide(Die):
    @property
    def width(self) -> int:
        return 5


class TooNarrow(Die):
    @property
    def width(self) -> int:
        return 0


class LeavesAValueOut(Die):
    def grid(self, steps: int) -> Tensor:
        return torch.eye(4)[:3]


class SameTwiceOnTheDial(Die):
    def grid(self, steps: int) -> Tensor:
        return torch.eye(4)[[0, 1, 2, 3, 3]]


class DecodesBackwards(Die):
    def decode(self, value: Tensor) -> list[int]:
        return [3 - index for index in super().decode(value)]


class DecodesTensors(Die):
    def decode(self, value: Tensor) -> list[Tensor]:
        return list(value.argmax(dim=1))


class TakesAnything(Die):
    def encode(self, values: object) -> Tensor:
        return torch.eye(4)[[index if isinstance(index, int) else 0 for index in values]]  # type: ignore[attr-defined]


class LetsOtherErrorsOut(Die):
    def encode(self, values: object) -> Tensor:
        return torch.eye(4)[[{0: 0, 1: 1, 2: 2, 3: 3}[index] for index in values]]  # type: ignore[attr-defined]


class TooSure(Die):
    def confidence(self, params: Tensor) -> Tensor:
        return params.exp().sum(dim=1)


class LawOfTheBatch(Die):
    def law(self, params: Tensor) -> dict[str, Tensor]:
        return {"probabilities": params.softmax(dim=1).mean(dim=0)}


class Overflows(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return ((params.exp() / params.exp().sum(dim=1, keepdim=True)) * value).sum(dim=1).log()


class CallsItselfContinuous(Die):
    discrete: ClassVar[bool] = False

    def mode(self, params: Tensor) -> Tensor:
        return torch.eye(4)[params.argmax(dim=1)]

    def encode(self, values: object) -> Tensor:
        return torch.tensor(values)


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


class BlendsValues(Die):
    def between(self, start: Tensor, end: Tensor, share: Tensor) -> Tensor:
        return start.lerp(end, share)


class GoesTheWrongWay(Gaussian):
    def between(self, start: Tensor, end: Tensor, share: Tensor) -> Tensor:
        return end.lerp(start, share)


class NearestIsTheFirst(Die):
    def nearest(self, value: Tensor) -> Tensor:
        return self.grid(2)[torch.zeros(len(value), dtype=torch.int64)]


class SpanOfItsOwn(Gaussian):
    def span(self, low: float, high: float, steps: int) -> Tensor:
        return torch.linspace(-1, 1, steps).unsqueeze(1)


class Circle(Angle):
    """Directions whose entropy is that of a turn, and not of 2 pi radians."""

    kind: Literal["circle"] = "circle"  # type: ignore[assignment]

    @property
    def entropy(self) -> float:
        return math.log(360)


class CountsUp(Die):
    """Its kind is not the class's: any text is taken for it."""

    kind: str = "counts_up"  # type: ignore[assignment]


class SamplesOnTheCpu(Die):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.eye(4)[torch.randint(4, (n,), generator=generator)]


class ConstantOnTheCpu(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params * torch.ones(4), value)


class DecidesByAValue(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params.clamp(-1e6, 1e6) if (params > 1e6).any() else params, value)


class Prints(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        print(params.shape)
        return super().log_prob(params, value)


class OneParameterTooFew(Die):
    @property
    def n_params(self) -> int:
        return 3


class OneParameterTooMany(Die):
    @property
    def n_params(self) -> int:
        return 5

    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params[:, :4], value)


class NoEmptyBatch(Die):
    def log_prob(self, params: Tensor, value: Tensor) -> Tensor:
        return super().log_prob(params - params.detach().max(), value)


class NoEmptyDraw(Die):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.stack(
            [super(NoEmptyDraw, self).sample(1, generator=generator, device=device)[0] for _ in range(n)]
        )


class BreaksTiesAtRandom(Die):
    def mode(self, params: Tensor) -> Tensor:
        return torch.eye(4)[(params + 1e-6 * torch.rand(params.shape)).argmax(dim=1)]


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


BROKEN_CODES: list[tuple[Code, str]] = [
    (EntropyInBits(), "entropy says 2.0000 nats, its own draws say 1.386"),
    (EntropyIsZero(), "entropy says 0.0000 nats"),
    (WrongSign(), "add up to .* is log_prob normalised"),
    (Unnormalised(), "add up to .* is log_prob normalised"),
    (SoftmaxTwice(), "a probability of at most 0.4., .*is a softmax or sigmoid applied twice"),
    (LeastLikely(), "likelier than the mode .* do mode and log_prob read the same columns"),
    (IgnoresItsGenerator(), "uses torch's global random state"),
    (DrawsTheSameAlways(), "does sample ignore its generator"),
    (IgnoresAColumn(), "column 1 of params receives no gradient; is log_prob ignoring it"),
    (DetachesParams(), "log_prob has no gradient; is params detached"),
    (MixesRows(), "does it mix rows"),
    (SumsTheBatch(), r"log_prob\(params, value\) has to be of shape \(96,\), not \(\)"),
    (TooNarrow(), "width has to be a whole number of at least 1, not 0"),
    (TooWide(), r"sample\(0\) has to be of shape \(0, 5\), not \(0, 4\)"),
    (LeavesAValueOut(), "draws values that its grid"),
    (SameTwiceOnTheDial(), "has a position twice"),
    (DecodesBackwards(), "encode does not undo decode"),
    (DecodesTensors(), "one plain value per picture"),
    (TakesAnything(), "encode takes .* has to raise a ValueError"),
    (LetsOtherErrorsOut(), "raises KeyError; it has to be a ValueError"),
    (TooSure(), r"confidence has to be in \[0, 1\]"),
    (LawOfTheBatch(), "law's 'probabilities' has to be a tensor with the batch of 96"),
    (Overflows(), "params of 100 and -100 has values that are not finite"),
    (CallsItselfContinuous(), "100% of its draws repeat others; is it discrete"),
    (SwapsColumns(), "likelier than the mode"),
    (ForgetsTheConstant(), "mass 2.507 and not 1"),
    (EntropyOfUniform(), "entropy says 0.6931 nats, its own draws say 1.4"),
    (SqueezesTheBatch(), r"of shape \(96,\), not \(96, 1\)"),
    (DialOfFive(), r"grid\(1\) has 2 positions; it has to have 1"),
    (BlendsValues(), "between gives a value for a share of 0.25 that the code cannot have"),
    (GoesTheWrongWay(), "between has to give start for a share of 0"),
    (NearestIsTheFirst(), "between gives a value|nearest moves a value"),
    (SpanOfItsOwn(), "has to begin at low and to end at high"),
    (Circle(), "a Q that ignores the picture scores 4.0.. nats, and a bound allows at most 0"),
    (CountsUp(kind="other"), "write it as a Literal"),
    (SamplesOnTheCpu(), "sample gives a tensor on the CPU whatever the device; make every tensor with device="),
    (ConstantOnTheCpu(), r"log_prob of tensors away from the CPU raises RuntimeError.*or \.to\(params\)"),
    (DecidesByAValue(), "away from the CPU raises .*item.*decide with torch.where rather than by a value"),
    (Prints(), "torch.compile of log_prob raises .*without prints"),
    (
        OneParameterTooFew(),
        r"log_prob of params \(96, 3\) and values \(96, 4\) raises RuntimeError.*do width, n_params",
    ),
    (OneParameterTooMany(), "column 4 of params receives no gradient"),
    (NoEmptyBatch(), "log_prob of an empty batch raises .*does it take a maximum over the batch"),
    (NoEmptyDraw(), r"sample\(0\) raises RuntimeError.*any number of draws can be asked for, none too"),
    (BreaksTiesAtRandom(), "log_prob, mode, .* uses torch's global random state"),
    (RandomDial(), r"grid\(1\) gives other positions the second time"),
    (WiderThanItsDraws(), r"column 0 of grid\(1\) runs from -90 to -90, .* do grid and sample have the same range"),
    (TwiceTheRange(), r"column 0 of grid\(1\) runs from -2 to -2, .* do grid and sample have the same range"),
    (OutOfOrder(), r"grid\(7\) is not in order; sort it"),
    (DrawsAnotherLaw(), "entropy says 1.4189 nats, its own draws say 1.8.*do entropy and sample agree"),
    (PlusForMinus(), "its density has mass .* and not 1; is log_prob normalised"),
    (DetachesAColumn(), "column 1 of params receives no gradient; is log_prob ignoring it"),
    (HalfTheMean(), "likelier than the mode .*do mode and log_prob read the same columns"),
    (StdFromExp(), "values that are not finite; use log_softmax, logsigmoid or softplus .*clamp what goes into exp"),
]


@pytest.mark.parametrize("code", [Die(), Sign(), Level(), Gaussian()], ids=repr)
def test_the_right_codes_that_the_broken_ones_are_made_from(code: Code) -> None:
    check_component(code)


@pytest.mark.parametrize(("code", "advice"), BROKEN_CODES, ids=lambda value: type(value).__name__)
def test_broken_code_is_caught(code: Code, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check_component(code)


class Forgetful(SmallNoise):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.randn(n, 3, device=device)


class NoiseOnTheCpu(SmallNoise):
    def sample(
        self, n: int, *, generator: torch.Generator | None = None, device: torch.device | str | None = None
    ) -> Tensor:
        return torch.randn(n, 3, generator=generator)


BROKEN_NOISES: list[tuple[Noise, str]] = [
    (Forgetful(), "sample with a generator uses torch's global random state"),
    (NoiseOnTheCpu(), "sample gives a tensor on the CPU whatever the device"),
]


@pytest.mark.parametrize(("noise", "advice"), BROKEN_NOISES, ids=lambda value: type(value).__name__)
def test_broken_noise_is_caught(noise: Noise, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check_component(noise)


# Broken networks.


def _pictures(latent_width: int, image: ImageShape, *last: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(latent_width, math.prod(image.dims)), *last, nn.Unflatten(1, image.dims))


class Painter(Generator):
    """Right in every respect, for any size."""

    kind: Literal["painter"] = "painter"

    @property
    def range(self) -> tuple[float, float]:
        return -1.0, 1.0

    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        return _pictures(latent_width, image, nn.Tanh())


class Unbounded(Painter):
    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        return _pictures(latent_width, image)


class OneSizeOnly(Painter):
    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        return _pictures(latent_width, ImageShape(channels=1, height=28, width=28), nn.Tanh())


class SixInputsOnly(Painter):
    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        class Front(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return x[:, :6]

        return nn.Sequential(Front(), _pictures(6, image, nn.Tanh()))


class UnusedWeights(Painter):
    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        network = _pictures(latent_width, image, nn.Tanh())
        network.register_parameter("spare", nn.Parameter(torch.zeros(3)))
        return network


class NamesADevice(Painter):
    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        return _pictures(latent_width, image, nn.Tanh()).to_empty(device="cpu")


class OnePixelBackwards(Painter):
    @property
    def range(self) -> tuple[float, float]:
        return 1.0, -1.0


class AlwaysBatchStatistics(Painter):
    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        norm = nn.BatchNorm1d(math.prod(image.dims), track_running_stats=False)
        return _pictures(latent_width, image, norm, nn.Tanh())


class FlatBody(Body):
    kind: Literal["flat"] = "flat"

    @property
    def features(self) -> int:
        return 9

    def build(self, image: ImageShape) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(image.dims), 8))


class RaisesAssertion(FlatBody):
    def build(self, image: ImageShape) -> nn.Module:
        assert image.height == 28, "too large"
        return nn.Sequential(nn.Flatten(), nn.Linear(28 * 28 * image.channels, 9))


class IgnoresNParams(Head):
    kind: Literal["ignores"] = "ignores"

    def build(self, features: int, n_params: int) -> nn.Module:
        return nn.Linear(features, 5)


class KeepsItsLayer(Head):
    """Two models would share weights."""

    kind: Literal["keeps"] = "keeps"
    layers: ClassVar[dict[tuple[int, int, str], nn.Module]] = {}

    def build(self, features: int, n_params: int) -> nn.Module:
        key = (features, n_params, str(torch.get_default_device()))
        return self.layers.setdefault(key, nn.Linear(features, n_params))


class SaysTanh(Painter):
    """Training would scale the data to [-1, 1], and G could make nothing below 0."""

    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        return _pictures(latent_width, image, nn.Sigmoid())


class TwiceTheHeight(Painter):
    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        return _pictures(latent_width, image.model_copy(update={"height": 2 * image.height}), nn.Tanh())


class Reader(Head):
    """One layer and whatever is done to what it says; right in every respect."""

    kind: Literal["reader"] = "reader"

    def build(self, features: int, n_params: int) -> nn.Module:
        return Reading(features, n_params, self.after)

    @staticmethod
    def after(layer: Reading, said: Tensor) -> Tensor:
        return said


class Reading(nn.Module):
    """A layer, a count of the batches seen, and a mean of them, to make mistakes with."""

    count: Tensor
    mean: Tensor

    def __init__(self, features: int, n_params: int, after: Callable[[Reading, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer = nn.Linear(features, n_params)
        self.after = after
        self.register_buffer("count", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(n_params))

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self, self.layer(x))


class TimesZero(Reader):
    @staticmethod
    def after(layer: Reading, said: Tensor) -> Tensor:
        return said - layer.layer.bias + 0 * layer.layer.bias


class DropsAlways(Reader):
    @staticmethod
    def after(layer: Reading, said: Tensor) -> Tensor:
        return F.dropout(said, 0.2)


class CountsInEvaluation(Reader):
    @staticmethod
    def after(layer: Reading, said: Tensor) -> Tensor:
        layer.count += 1
        return said


class ModesMixedUp(Reader):
    @staticmethod
    def after(layer: Reading, said: Tensor) -> Tensor:
        return said - (layer.mean if layer.training else said.mean(dim=0))


class OneDtypeOnly(Reader):
    @staticmethod
    def after(layer: Reading, said: Tensor) -> Tensor:
        index = torch.arange(said.shape[1], device=said.device)
        return torch.zeros(said.shape, device=said.device).index_add(1, index, said)


class OverflowsInHalf(Reader):
    @staticmethod
    def after(layer: Reading, said: Tensor) -> Tensor:
        return (said * 1e6).half().float() / 1e6


class OverflowsInBfloat16(Reader):
    """Half where autocast is on, as in someone's own mixed precision."""

    @staticmethod
    def after(layer: Reading, said: Tensor) -> Tensor:
        return said if said.dtype == torch.float32 else (said * 1e6).half()


BROKEN_NETWORKS: list[tuple[Component, str]] = [
    (Unbounded(), "the last activation has to bound them"),
    (OneSizeOnly(), "raise ValueError in build"),
    (SixInputsOnly(), r"does not depend on columns \[6, 7, 8, 9, 10, 11\] of its input"),
    (UnusedWeights(), "no gradient reaches spare"),
    (NamesADevice(), "do not name a device in build"),
    (OnePixelBackwards(), "range has to be"),
    (
        AlwaysBatchStatistics(),
        "a batch of 1 raises ValueError: Expected more.*does it use statistics of the batch there",
    ),
    (FlatBody(), r"of shape \(2, 9\), not \(2, 8\); does the property features say what build makes"),
    (RaisesAssertion(), "raises AssertionError; it has to be a ValueError"),
    (IgnoresNParams(), r"for 16 features and 1 parameters its output has to be \(2, 1\), not \(2, 5\)"),
    (KeepsItsLayer(), "build gives the same module twice"),
    (SaysTanh(), r"on one side of the middle of its range \[-1.0, 1.0\]; does range say what the last activation"),
    (TwiceTheHeight(), r"of shape \(2, 1, 28, 28\), not \(2, 1, 56, 28\); build was asked for pictures of 1x28x28"),
    (TimesZero(), "the gradient of layer.bias is always 0; is it multiplied by 0"),
    (DropsAlways(), "two answers to the same input differ; give dropout, or noise, training=self.training"),
    (CountsInEvaluation(), "in evaluation mode it changes count; that is for training mode alone"),
    (ModesMixedUp(), "differs from that in a batch; does it use statistics of the batch there"),
    (OneDtypeOnly(), "precision bf16 raises RuntimeError.*bring both to one dtype"),
    (OverflowsInHalf(), "has values that are not finite; what overflows in it"),
    (OverflowsInBfloat16(), "in bf16 its output has values that are not finite; does it cast to half"),
]


def test_generator_of_any_size_and_of_an_unusual_one() -> None:
    check_component(Painter())
    check_component(Reader())
    check_generator(Painter(), ImageShape(channels=4, height=3, width=9), latent_width=2)
    check_head(Linear(), features=3)


@pytest.mark.parametrize(("part", "advice"), BROKEN_NETWORKS, ids=lambda value: type(value).__name__)
def test_broken_network_is_caught(part: Component, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check_component(part)


# Broken losses.


class Wasserstein(LossTerm):
    """Right in every respect."""

    kind: Literal["wasserstein"] = "wasserstein"

    def reach(self, phase: Phase) -> frozenset[Reach]:
        return frozenset({"d_body", "d_head"} if phase == "d" else {"generator"})

    def d_loss(self, view: StepView) -> Tensor | None:
        assert view.real_logit is not None
        return view.fake_logit.mean() - view.real_logit.mean()

    def g_loss(self, view: StepView) -> Tensor | None:
        return -view.fake_logit.mean()


class RealPenalty(LossTerm):
    """R1 (Mescheder et al. 2018), right in every respect: it calls D again."""

    kind: Literal["real_penalty"] = "real_penalty"

    def reach(self, phase: Phase) -> frozenset[Reach]:
        return frozenset({"d_body", "d_head"}) if phase == "d" else frozenset()

    def d_loss(self, view: StepView) -> Tensor | None:
        real = view.real.clone().requires_grad_()
        (slope,) = torch.autograd.grad(view.discriminator(real, "real")[0].sum(), [real], create_graph=True)
        return slope.square().flatten(1).sum(dim=1).mean()


class ClaimsQ(Wasserstein):
    def reach(self, phase: Phase) -> frozenset[Reach]:
        return super().reach(phase) | ({"q_head"} if phase == "d" else set())


class HidesTheBody(Wasserstein):
    def reach(self, phase: Phase) -> frozenset[Reach]:
        return super().reach(phase) - {"d_body"}


class HidesG(Wasserstein):
    def reach(self, phase: Phase) -> frozenset[Reach]:
        return super().reach(phase) - {"generator"}


class DetachesFakes(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -view.discriminator(view.fake.detach(), "fake")[0].mean() + 0 * view.latent.sum()


class ReachesGInDsPhase(Wasserstein):
    def d_loss(self, view: StepView) -> Tensor | None:
        again = view.discriminator(view.generator(view.latent), "fake")[0]
        assert view.real_logit is not None
        return again.mean() - view.real_logit.mean()


class ClaimsWithoutALoss(Wasserstein):
    def d_loss(self, view: StepView) -> Tensor | None:
        return None


class PerPicture(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -view.fake_logit


class Sums(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -view.fake_logit.sum()


class FirstPictureOnly(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -view.fake_logit[0]


class WeighsItself(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -self.weight * view.fake_logit.mean()


class Random(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -(view.fake_logit * torch.rand(len(view.fake_logit))).mean()


class LogOfSigmoid(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return -(view.fake_logit - 200).sigmoid().log().mean()


class PraisesFakes(Wasserstein):
    def d_loss(self, view: StepView) -> Tensor | None:
        assert view.real_logit is not None
        return view.real_logit.mean() - view.fake_logit.mean()


class GivesItselfAway(Wasserstein):
    def g_loss(self, view: StepView) -> Tensor | None:
        return view.fake_logit.mean()


class HidesItsCodes(Wasserstein):
    """It minimises the information that it is there to maximise."""

    def reach(self, phase: Phase) -> frozenset[Reach]:
        return frozenset({"generator", "read_body", "q_head"} if phase == "g" else ())

    def d_loss(self, view: StepView) -> Tensor | None:
        return None

    def g_loss(self, view: StepView) -> Tensor | None:
        return view.information["sign"] + view.information["level"]


BROKEN_LOSSES: list[tuple[LossTerm, str]] = [
    (ClaimsQ(), r"reach\('d'\) names \['q_head'\], but d_loss sends no gradient there"),
    (HidesTheBody(), r"d_loss sends a gradient into \['d_body'\], which reach\('d'\) does not name"),
    (HidesG(), r"g_loss is a loss, but reach\('g'\) says that it teaches nobody"),
    (DetachesFakes(), r"reach\('g'\) names \['generator'\], .* is something detached"),
    (ReachesGInDsPhase(), r"d_loss sends a gradient into \['generator'\]"),
    (ClaimsWithoutALoss(), r"d_loss is None, but reach\('d'\) says that it teaches \['d_body', 'd_head'\]"),
    (PerPicture(), r"g_loss has to be a scalar tensor or None, not a tensor of shape \(6,\)"),
    (Sums(), "g_loss depends on the size of the batch"),
    (FirstPictureOnly(), "g_loss depends on the order of the batch"),
    (WeighsItself(), "g_loss applies its weight itself"),
    (Random(), "g_loss uses torch's global random state"),
    (LogOfSigmoid(), "g_loss is not finite .*softplus and logsigmoid do not overflow"),
    (PraisesFakes(), "d_loss grows where D's logit rises for real pictures, .* is a sign turned around"),
    (GivesItselfAway(), "g_loss grows where D's logit rises for generated pictures, .* is a sign turned around"),
    (HidesItsCodes(), "g_loss grows with the information of 'sign', .* is the minus sign missing"),
]


@pytest.mark.parametrize("term", [Wasserstein(), RealPenalty()], ids=repr)
def test_the_right_losses_that_the_broken_ones_are_made_from(term: LossTerm) -> None:
    check_component(term)


@pytest.mark.parametrize(("term", "advice"), BROKEN_LOSSES, ids=lambda value: type(value).__name__)
def test_broken_loss_is_caught(term: LossTerm, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check_component(term)


def test_loss_that_pairs_pictures_says_so() -> None:
    check_loss(FirstPictureOnly(), pairs_pictures=True)


# Broken data.


class Dots(Data):
    """Forty gray dots with two factors, right in every respect."""

    kind: Literal["dots"] = "dots"

    @property
    def image(self) -> ImageShape:
        return ImageShape(channels=1, height=2, width=2)

    @property
    def factors(self) -> dict[str, int | None]:
        return {"half": 2, "shade": None}

    def load(self, split: Literal["train", "test"]) -> Images:
        seeded = torch.Generator().manual_seed(len(split))
        pixels = torch.randint(256, (40, 1, 2, 2), generator=seeded, dtype=torch.uint8)
        return Images(pixels, {"half": torch.arange(40) % 2, "shade": torch.rand(40, generator=seeded)})


class FloatPixels(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        images = super().load(split)
        return Images(images.pixels / 255, images.factors)


class WithoutChannels(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        images = super().load(split)
        return Images(images.pixels[:, 0], images.factors)


class OneSplit(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        return super().load("train")


class AnotherFactor(Dots):
    @property
    def factors(self) -> dict[str, int | None]:
        return {"half": 2, "size": None}


class TooFewClasses(Dots):
    @property
    def factors(self) -> dict[str, int | None]:
        return {"half": 1, "shade": None}


class TooFewFactors(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        images = super().load(split)
        return Images(images.pixels, {**images.factors, "half": torch.zeros(40, dtype=torch.int64)})


class ClassesThatWrap(Dots):
    @property
    def periods(self) -> dict[str, float]:
        return {"half": 2.0}


class NoPeriod(Dots):
    @property
    def periods(self) -> dict[str, float]:
        return {"shade": 0.0}


class NewPicturesEachTime(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        images = super().load(split)
        return Images(torch.randint(256, (40, 1, 2, 2), dtype=torch.uint8), images.factors)


class OtherPicturesEachTime(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        unseeded = torch.Generator()
        unseeded.seed()
        return Images(
            torch.randint(256, (40, 1, 2, 2), generator=unseeded, dtype=torch.uint8), super().load(split).factors
        )


class RaisesRuntimeError(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        raise RuntimeError("no such file")


class SaysNothing(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        raise FileNotFoundError("missing")


class SeedsTheProcess(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        torch.manual_seed(len(split))
        return Images(torch.randint(256, (40, 1, 2, 2), dtype=torch.uint8), super().load(split).factors)


class BlackOrOne(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        images = super().load(split)
        return Images(images.pixels % 2, images.factors)


class FurtherThanItsPeriod(Dots):
    @property
    def periods(self) -> dict[str, float]:
        return {"shade": 0.5}


class BoundsFromOne(Dots):
    """Classes counted from 1, as in many files of labels."""

    def load(self, split: Literal["train", "test"]) -> Images:
        images = super().load(split)
        return Images(images.pixels, {**images.factors, "half": images.factors["half"] + 1})


BROKEN_DATA: list[tuple[Callable[[Data], None], Data, str]] = [
    (check_data, FloatPixels(), "train: pixels have to be uint8"),
    (check_data, WithoutChannels(), r"train: pixels have to be \(n, 1x2x2\), not \(40, 2, 2\)"),
    (check_data, OneSplit(), "the splits train and test are the same pictures"),
    (check_data, AnotherFactor(), r"factors \['half', 'shade'\] are given, and \['half', 'size'\] declared"),
    (check_data, TooFewClasses(), "runs from 0 to 1, and its classes from 0 to 0"),
    (check_data, TooFewFactors(), r"declares 2 classes, but \[1\] never occur"),
    (check_data, ClassesThatWrap(), "periods names 'half', which is no continuous factor"),
    (check_data, NoPeriod(), "the period of 'shade' has to be above 0, not 0.0"),
    (check_data, NewPicturesEachTime(), "load uses torch's global random state"),
    (check_data, OtherPicturesEachTime(), "loading a split twice gives other pictures"),
    (check_data, SeedsTheProcess(), "load uses torch's global random state"),
    (check_data, BlackOrOne(), "no pixel is above 1; pixels run from 0 to 255, and range scales them"),
    (check_data, FurtherThanItsPeriod(), "factor 'shade' runs from .* further than its period of 0.5; take it modulo"),
    (check_data, BoundsFromOne(), "factor 'half' runs from 1 to 2, and its classes from 0 to 1"),
    (check_missing_data, RaisesRuntimeError(), "missing files raise RuntimeError"),
    (check_missing_data, SaysNothing(), "has to say which files were expected where"),
]


def test_the_right_data_that_the_broken_ones_are_made_from() -> None:
    check_component(Dots())


@pytest.mark.parametrize(("check", "data", "advice"), BROKEN_DATA, ids=lambda value: type(value).__name__)
def test_broken_data_are_caught(check: Callable[[Data], None], data: Data, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check(data)
