"""From a spec to networks: what cannot work is named before anything is allocated."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Literal

import pytest
import torch
from torch import nn

from infogan import Body, Head, ImageShape, InfoGAN, ModelSpec, build
from infogan.model.build import PartError, dry_run, networks
from infogan.plugins.mnist import MnistBody, MnistGenerator


class WrongWidth(Body):
    kind: Literal["wrong_width"] = "wrong_width"

    @property
    def features(self) -> int:
        return 7

    def build(self, image: ImageShape) -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 8))


class Crashing(WrongWidth):
    kind: Literal["crashing"] = "crashing"

    def build(self, image: ImageShape) -> nn.Module:
        return nn.Linear(3, 7)


class Drawing(Head):
    """Draws random numbers of its own while it is built, on the CPU whatever the default device."""

    kind: Literal["drawing"] = "drawing"

    def build(self, features: int, n_params: int) -> nn.Module:
        layer = nn.Linear(features, n_params)
        with torch.no_grad():
            layer.bias.copy_(torch.randn(n_params, device="cpu"))
        return layer


def test_a_seed_gives_the_weights(model_spec: Callable[..., ModelSpec], equal_weights: Callable[..., bool]) -> None:
    one, again, other = (build(model_spec(), seed=seed) for seed in (0, 0, 1))
    assert equal_weights(one, again)
    assert not equal_weights(one, other)


def test_building_leaves_the_global_generator_alone(model_spec: Callable[..., ModelSpec]) -> None:
    before = torch.get_rng_state()
    build(model_spec(head=Drawing()), seed=5)
    dry_run(model_spec(head=Drawing()))
    assert torch.equal(torch.get_rng_state(), before)


def test_the_global_generator_does_not_reach_the_weights(
    model_spec: Callable[..., ModelSpec], equal_weights: Callable[..., bool]
) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        one = build(model_spec(), seed=0)
        torch.manual_seed(2)
        other = build(model_spec(), seed=0)
    assert equal_weights(one, other)


def test_a_dry_run_allocates_nothing(model_spec: Callable[..., ModelSpec]) -> None:
    generator, discriminator = dry_run(model_spec())
    tensors = [*generator.state_dict().values(), *discriminator.state_dict().values()]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_a_dry_run_has_the_tensors_of_the_real_thing(
    model_spec: Callable[..., ModelSpec], parts: SimpleNamespace
) -> None:
    for spec in (model_spec(), model_spec(q_body=parts.body())):
        dry, real = InfoGAN(spec, *dry_run(spec)).state_dict(), InfoGAN(spec, *networks(spec, 0)).state_dict()
        assert {n: (t.shape, t.dtype) for n, t in dry.items()} == {n: (t.shape, t.dtype) for n, t in real.items()}


@pytest.mark.parametrize(
    ("part", "component", "said"),
    [
        ("body", WrongWidth(), r"body: 'wrong_width' makes \(2, 8\) of \(2, 1, 8, 8\), but \(2, 7\) is needed"),
        ("q_body", WrongWidth(), r"q_body: 'wrong_width' makes \(2, 8\)"),
        ("body", Crashing(), r"body: 'crashing' fails on input of shape \(2, 1, 8, 8\)"),
        ("body", MnistBody(), "body: the mnist networks are for 28x28 pictures, not 8x8"),
        ("generator", MnistGenerator(), "generator: the mnist networks are for 28x28 pictures, not 8x8"),
    ],
)
def test_the_part_that_does_not_fit_is_named(
    model_spec: Callable[..., ModelSpec], part: str, component: object, said: str
) -> None:
    with pytest.raises(PartError, match=said) as caught:
        build(model_spec(**{part: component}))
    assert caught.value.part == part


def test_a_built_model_is_in_evaluation_mode_and_can_learn(model: InfoGAN) -> None:
    assert not any(module.training for module in model.modules())
    assert all(weight.requires_grad for weight in model.parameters())
