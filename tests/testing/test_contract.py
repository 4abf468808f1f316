"""Every built-in part keeps the contract, and the contract catches parts that are broken."""

from __future__ import annotations

import math
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal

import pytest
import torch
from torch import Tensor, nn

from infogan import Body, Code, Data, Generator, Head, ImageShape, Latents, LossTerm, Registry, hookimpl
from infogan.core.component import Component
from infogan.core.data import Images
from infogan.core.loss import Part, Phase, StepView
from infogan.plugins.celeba import Celeba
from infogan.plugins.chairs import ChairsBody, ChairsGenerator
from infogan.plugins.codes import Angle, Bernoulli, Categorical, Normal, Uniform
from infogan.plugins.dcgan import DcganBody, DcganGenerator
from infogan.plugins.faces import FacesBody, FacesGenerator
from infogan.plugins.folder import Folder
from infogan.plugins.heads import Linear, Mlp
from infogan.plugins.invariance import Invariance
from infogan.plugins.losses import Hinge, LeastSquares, Minimax, MutualInformation, NonSaturating, Wasserstein
from infogan.plugins.mnist import FashionMnist, Mnist, MnistBody, MnistGenerator
from infogan.plugins.noises import NormalNoise, UniformNoise
from infogan.plugins.penalties import R1, GradientPenalty
from infogan.plugins.resnet import ResnetBody, ResnetGenerator
from infogan.plugins.scenes import Scenes, ScenesGenerator
from infogan.plugins.sprites import Sprites, SpritesBody, SpritesGenerator
from infogan.plugins.svhn import Svhn, SvhnBody, SvhnGenerator
from infogan.testing import (
    check_component,
    check_data,
    check_generator,
    check_head,
    check_loss,
    check_missing_data,
    check_plugin,
)
from infogan.testing.small import Level, Sign, SmallNoise, small_latents

PARTS = [
    NormalNoise(size=1),
    NormalNoise(size=62),
    UniformNoise(size=62),
    Categorical(n=2),
    Categorical(n=10),
    Categorical(n=3, labels=("cup", "bowl", "jug")),
    Uniform(),
    Uniform(low=0.0, high=360.0),
    Uniform(low=-3.0, high=-2.5, q_std=0.05),
    Uniform(q_std=1.0),
    Normal(),
    Normal(q_std=0.5),
    Bernoulli(),
    Bernoulli(p=0.1),
    Bernoulli(p=0.001),
    Angle(),
    Linear(),
    Mlp(),
    Mlp(hidden=7, leak=0.01),
    Minimax(),
    NonSaturating(weight=0.5),
    NonSaturating(real_label=0.9),
    LeastSquares(),
    Hinge(),
    Wasserstein(),
    R1(),
    GradientPenalty(weight=1.0),
    Invariance(codes=("sign",)),
    MutualInformation(),
    MutualInformation(routing="generator", weight=0.0),
    MutualInformation(routing="reading"),
    MutualInformation(warmup=1000),
    MutualInformation(codes={"sign": 0.25, "level": 2.0}),
    MnistGenerator(),
    MnistBody(),
    MnistBody(leak=0.01),
    SvhnGenerator(),
    SvhnBody(),
    SvhnBody(leak=0.2),
    FacesGenerator(),
    FacesBody(),
    ChairsGenerator(),
    ChairsBody(),
    SpritesGenerator(),
    SpritesBody(),
    Sprites(n=200, n_test=100, size=16),
    DcganGenerator(width=8),
    DcganGenerator(width=4, output="tanh"),
    DcganBody(width=8, hidden=16),
    DcganBody(width=4, hidden=16, norm="spectral"),
    DcganBody(width=4, hidden=16, norm="none", leak=0.0),
    ScenesGenerator(),
    Scenes(n=200, n_test=100, size=16),
    ResnetGenerator(width=8),
    ResnetGenerator(width=8, output="tanh"),
    ResnetBody(width=8),
    ResnetBody(width=8, norm="none"),
]
"""Each built-in part that needs no file, with a few settings of its options."""


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_built_in_part_keeps_the_contract(part: Component) -> None:
    check_component(part)


def test_every_built_in_part_is_checked() -> None:
    registry = Registry(entry_points=False)
    roles = ("noise", "code", "generator", "body", "head", "loss", "data")
    registered = {component for role in roles for component in registry.components(role).values()}
    # Those of MNIST's format are checked below, the others beside their plugins' tests.
    need_files = {Mnist, FashionMnist, Svhn, Celeba, Folder}
    assert registered == {type(part) for part in PARTS} | need_files


@pytest.mark.parametrize(("data", "folder"), [(Mnist, "MNIST"), (FashionMnist, "FashionMNIST")])
def test_mnist_data_keep_the_contract(data: type[Mnist | FashionMnist], folder: str, tmp_path: Path) -> None:
    """On files with 200 pictures to learn from and 40 held out."""
    raw = tmp_path / folder / "raw"
    raw.mkdir(parents=True)
    for prefix, n in (("train", 200), ("t10k", 40)):
        pixels = torch.randint(256, (n, 28, 28), generator=torch.Generator().manual_seed(n), dtype=torch.uint8)
        images = struct.pack(">iiii", 0x803, n, 28, 28) + pixels.numpy().tobytes()
        labels = struct.pack(">ii", 0x801, n) + bytes(i % 10 for i in range(n))
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(images)
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(labels)
    check_data(data(root=str(tmp_path)))


@pytest.mark.parametrize(("data", "folder"), [(Mnist, "MNIST"), (FashionMnist, "FashionMNIST")])
def test_missing_mnist_says_what_was_expected_where(
    data: type[Mnist | FashionMnist], folder: str, tmp_path: Path
) -> None:
    (tmp_path / folder / "raw").mkdir(parents=True)
    check_missing_data(data(root=str(tmp_path)))


def test_data_that_need_no_file_are_never_missing() -> None:
    with pytest.raises(AssertionError, match="finds pictures although its files are missing"):
        check_missing_data(Sprites(n=1, n_test=1, size=8))


def test_loss_whose_options_name_codes() -> None:
    latents = Latents(SmallNoise(), {"digit": Categorical(n=4)})
    check_loss(MutualInformation(codes={"digit": 0.5}), latents=latents)


def test_the_kit_needs_no_plugin_and_no_pytest() -> None:
    code = """
import sys, infogan.testing
strangers = [name for name in sys.modules if name.split(".")[0] == "pytest" or name.startswith("infogan.plugins")]
assert not strangers, strangers
"""
    subprocess.run([sys.executable, "-c", code], check=True)


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
        return torch.eye(4)[torch.randint(4, (n,), generator=generator, device=device)]

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
]


@pytest.mark.parametrize("code", [Die(), Sign(), Level(), Gaussian()], ids=repr)
def test_the_right_codes_that_the_broken_ones_are_made_from(code: Code) -> None:
    check_component(code)


@pytest.mark.parametrize(("code", "advice"), BROKEN_CODES, ids=lambda value: type(value).__name__)
def test_broken_code_is_caught(code: Code, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check_component(code)


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


BROKEN_NETWORKS: list[tuple[Component, str]] = [
    (Unbounded(), "the last activation has to bound them"),
    (OneSizeOnly(), "raise ValueError in build"),
    (SixInputsOnly(), r"does not depend on columns \[6, 7, 8, 9, 10, 11\] of its input"),
    (UnusedWeights(), "no gradient reaches spare"),
    (NamesADevice(), "do not name a device in build"),
    (OnePixelBackwards(), "range has to be"),
    (AlwaysBatchStatistics(), "xpected more than 1 value|alone differs from that in a batch"),
    (FlatBody(), r"has to be of shape \(2, 9\), not \(2, 8\)"),
    (RaisesAssertion(), "raises AssertionError; it has to be a ValueError"),
    (IgnoresNParams(), r"for 16 features and 1 parameters its output has to be \(2, 1\), not \(2, 5\)"),
    (KeepsItsLayer(), "build gives the same module twice"),
]


def test_generator_of_any_size_and_of_an_unusual_one() -> None:
    check_component(Painter())
    check_generator(Painter(), ImageShape(channels=4, height=3, width=9), latent_width=2)
    check_head(Linear(), features=3)


@pytest.mark.parametrize(("part", "advice"), BROKEN_NETWORKS, ids=lambda value: type(value).__name__)
def test_broken_network_is_caught(part: Component, advice: str) -> None:
    with pytest.raises((AssertionError, ValueError), match=advice):
        check_component(part)


# Broken losses.


class Wasserstein(LossTerm):
    """Right in every respect."""

    kind: Literal["wasserstein"] = "wasserstein"

    def reach(self, phase: Phase) -> frozenset[Part]:
        return frozenset({"d_body", "d_head"} if phase == "d" else {"generator"})

    def d_loss(self, view: StepView) -> Tensor | None:
        assert view.real_logit is not None
        return view.fake_logit.mean() - view.real_logit.mean()

    def g_loss(self, view: StepView) -> Tensor | None:
        return -view.fake_logit.mean()


class RealPenalty(LossTerm):
    """R1 (Mescheder et al. 2018), right in every respect: it calls D again."""

    kind: Literal["real_penalty"] = "real_penalty"

    def reach(self, phase: Phase) -> frozenset[Part]:
        return frozenset({"d_body", "d_head"}) if phase == "d" else frozenset()

    def d_loss(self, view: StepView) -> Tensor | None:
        real = view.real.clone().requires_grad_()
        (slope,) = torch.autograd.grad(view.discriminator(real, "real")[0].sum(), [real], create_graph=True)
        return slope.square().flatten(1).sum(dim=1).mean()


class ClaimsQ(Wasserstein):
    def reach(self, phase: Phase) -> frozenset[Part]:
        return super().reach(phase) | ({"q_head"} if phase == "d" else set())


class HidesTheBody(Wasserstein):
    def reach(self, phase: Phase) -> frozenset[Part]:
        return super().reach(phase) - {"d_body"}


class HidesG(Wasserstein):
    def reach(self, phase: Phase) -> frozenset[Part]:
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
    (LogOfSigmoid(), "g_loss is not finite"),
]


@pytest.mark.parametrize("term", [Wasserstein(), RealPenalty()], ids=repr)
def test_the_right_losses_that_the_broken_ones_are_made_from(term: LossTerm) -> None:
    check_component(term)


@pytest.mark.parametrize(("term", "advice"), BROKEN_LOSSES, ids=lambda value: type(value).__name__)
def test_broken_loss_is_caught(term: LossTerm, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check_component(term)


def test_loss_that_begins_late_is_checked_when_it_takes_part() -> None:
    check_loss(MutualInformation(warmup=10), step=5)
    with pytest.raises(AssertionError, match="is something detached"):
        check_loss(MutualInformation(warmup=10), step=0)


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


class RaisesRuntimeError(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        raise RuntimeError("no such file")


class SaysNothing(Dots):
    def load(self, split: Literal["train", "test"]) -> Images:
        raise FileNotFoundError("missing")


BROKEN_DATA: list[tuple[Callable[[Data], None], Data, str]] = [
    (check_data, FloatPixels(), "train: pixels have to be uint8"),
    (check_data, WithoutChannels(), r"train: pixels have to be \(n, 1x2x2\), not \(40, 2, 2\)"),
    (check_data, OneSplit(), "the splits train and test are the same pictures"),
    (check_data, AnotherFactor(), r"factors \['half', 'shade'\] are given, and \['half', 'size'\] declared"),
    (check_data, TooFewClasses(), "runs from 0 to 1, and its classes from 0 to 0"),
    (check_data, TooFewFactors(), r"declares 2 classes, but \[1\] never occur"),
    (check_data, ClassesThatWrap(), "periods names 'half', which is no continuous factor"),
    (check_data, NoPeriod(), "the period of 'shade' has to be above 0, not 0.0"),
    (check_data, NewPicturesEachTime(), "loading a split twice gives other pictures"),
    (check_missing_data, RaisesRuntimeError(), "missing files raise RuntimeError"),
    (check_missing_data, SaysNothing(), "has to say which files were expected where"),
]


def test_the_right_data_that_the_broken_ones_are_made_from() -> None:
    check_component(Dots())


@pytest.mark.parametrize(("check", "data", "advice"), BROKEN_DATA, ids=lambda value: type(value).__name__)
def test_broken_data_are_caught(check: Callable[[Data], None], data: Data, advice: str) -> None:
    with pytest.raises(AssertionError, match=advice):
        check(data)


# Whole plugins.


def test_a_plugin_and_its_recipes() -> None:
    class Plugin:
        @hookimpl
        def infogan_components(self) -> list[type]:
            return [Die, Painter]

        @hookimpl
        def infogan_recipes(self) -> dict[str, str]:
            return {"mine": Registry(entry_points=False).recipe("mnist").replace("n: 10", "n: 12")}

    registry = check_plugin(Plugin(), "mine")
    assert registry.find("code", "die") is Die
    assert registry.find("generator", "mine:painter") is Painter


def test_a_plugin_whose_recipe_is_wrong() -> None:
    class Plugin:
        @hookimpl
        def infogan_recipes(self) -> dict[str, str]:
            return {"mine": Registry(entry_points=False).recipe("mnist").replace("kind: mlp", "kind: mpl")}

    with pytest.raises(AssertionError, match=r"its recipe 'mine' is wrong: mine:\d+:\d+: model.head.*'mlp'"):
        check_plugin(Plugin(), "mine")


def test_something_that_is_no_plugin() -> None:
    with pytest.raises(AssertionError, match="plugin mine: it has neither of the hooks"):
        check_plugin(object(), "mine")


def test_the_small_model_is_itself_right() -> None:
    latents = small_latents()
    for part in (latents.noise, *latents.codes.values()):
        check_component(part)
