"""Mistakes that authors of networks make, and what the contract answers.

Each is seeded into a part that is right but for it. The answer has to say what is wrong, where, and what to look at.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import ClassVar, Literal

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan import Body, Generator, Head, ImageShape
from infogan.core.component import Component
from infogan.plugins.heads import Linear
from infogan.testing import check_body, check_component, check_generator, check_head


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


class KeepsATensorAside(Reader):
    """A random projection that no saved model would have."""

    def build(self, features: int, n_params: int) -> nn.Module:
        projection = torch.randn(n_params)
        return Reading(features, n_params, lambda layer, said: said * projection)


class ViewsPictures(FlatBody):
    @property
    def features(self) -> int:
        return 8

    def build(self, image: ImageShape) -> nn.Module:
        class View(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return x.view(len(x), -1)

        return nn.Sequential(View(), nn.Linear(math.prod(image.dims), 8))


class ReadsMemory(ViewsPictures):
    """In the order in which pixels happen to lie."""

    def build(self, image: ImageShape) -> nn.Module:
        class InMemory(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
                return (x.permute(0, 2, 3, 1) if last else x).reshape(len(x), -1)

        return nn.Sequential(InMemory(), nn.Linear(math.prod(image.dims), 8))


class OldWeightNorm(Painter):
    """Of a kind that cannot be copied, as training copies G for the average of its weights."""

    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        layer = nn.Linear(latent_width, math.prod(image.dims))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return nn.Sequential(nn.utils.weight_norm(layer), nn.Sigmoid(), nn.Unflatten(1, image.dims))


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
    (KeepsATensorAside(), "with the state of the first gives other answers; keep every tensor .* register_buffer"),
    (OldWeightNorm(), "copy.deepcopy of it after a pass raises RuntimeError: .*torch.nn.utils.parametrizations"),
    (ViewsPictures(), "pictures whose channels lie last raises RuntimeError: .*; use reshape or flatten, not view"),
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


def test_body_that_reads_pixels_as_they_lie_is_caught() -> None:
    with pytest.raises(AssertionError, match="its answer for pictures whose channels lie last in memory is another"):
        check_body(ReadsMemory(), ImageShape(channels=3, height=8, width=8))
