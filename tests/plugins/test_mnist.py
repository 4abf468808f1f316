"""The paper's table 1, its data and its recipes."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest
import torch
from torch import nn

from infogan import ImageShape, ModelSpec, Registry, build
from infogan.core.data import Images
from infogan.files.strict_yaml import parse
from infogan.model.build import dry_run
from infogan.plugins.codes import Categorical, Uniform
from infogan.plugins.heads import Mlp
from infogan.plugins.losses import MutualInformation, NonSaturating
from infogan.plugins.mnist import FashionMnist, Mnist, MnistBody, MnistGenerator
from infogan.plugins.noises import UniformNoise
from infogan.training.spec_text import validate
from infogan.training.step import Objective, make_optimizers, training_step

RECIPES = ("mnist", "mnist-table", "mnist-openai", "mnist-regular", "mnist-two-bodies")
MNIST = ImageShape(channels=1, height=28, width=28)
with torch.device("meta"):
    GENERATOR, BODY = MnistGenerator().build(74, MNIST), MnistBody().build(MNIST)
    HEAD = Mlp().build(1024, 14)


def count(*modules: nn.Module) -> int:
    return sum(weight.numel() for module in modules for weight in module.parameters())


def test_the_generator_has_the_parameters_of_the_paper() -> None:
    assert count(GENERATOR) == 6_652_481


def test_the_discriminator_has_the_parameters_of_the_paper_with_14_outputs() -> None:
    with torch.device("meta"):
        d_head = nn.Linear(1024, 1)
    assert count(BODY, d_head, HEAD) == 6_692_431


def test_the_openai_recipe_computes_only_the_outputs_that_it_uses() -> None:
    spec = validate(parse(Registry(entry_points=False).recipe("mnist-openai"), "mnist-openai")).model
    assert spec.latents.n_params == 12
    _, discriminator = dry_run(spec)
    assert count(discriminator) == 6_692_431 - 2 * (128 + 1)


def layers(network: nn.Module) -> list[str]:
    kinds = (
        nn.Linear,
        nn.Conv2d,
        nn.ConvTranspose2d,
        nn.BatchNorm1d,
        nn.BatchNorm2d,
        nn.ReLU,
        nn.LeakyReLU,
        nn.Sigmoid,
    )
    return [type(module).__name__ for module in network.modules() if isinstance(module, kinds)]


def test_the_layers_are_those_of_table_1_and_fully_connected_ones_are_linear() -> None:
    assert layers(GENERATOR) == [
        "Linear",
        "BatchNorm1d",
        "ReLU",
        "Linear",
        "BatchNorm1d",
        "ReLU",
        "ConvTranspose2d",
        "BatchNorm2d",
        "ReLU",
        "ConvTranspose2d",
        "Sigmoid",
    ]
    assert layers(BODY) == [
        "Conv2d",
        "LeakyReLU",
        "Conv2d",
        "BatchNorm2d",
        "LeakyReLU",
        "Linear",
        "BatchNorm1d",
        "LeakyReLU",
    ]
    assert layers(HEAD) == ["Linear", "BatchNorm1d", "LeakyReLU", "Linear"]


def test_weights_begin_small_as_in_the_authors_code() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        body = MnistBody().build(MNIST)
    affine = [m for m in body.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert all(m.weight.std().item() == pytest.approx(0.0176, abs=0.001) for m in affine), "N(0, 0.02) cut at two std"
    assert all(m.weight.abs().max() <= 0.04 and not m.bias.any() for m in affine)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_a_valid_run(name: str) -> None:
    run = validate(parse(Registry(entry_points=False).recipe(name), name))
    assert run.model.image == MNIST
    assert run.model.noise == UniformNoise(size=62)
    assert run.model.latents.width == 74
    assert isinstance(run.model.generator, MnistGenerator)
    assert isinstance(run.data, Mnist)
    assert run.model.losses["adversarial"] == NonSaturating()
    training = run.training
    assert (training.steps, training.batch_size, training.betas) == (5000, 128, (0.5, 0.999))
    assert (training.d_lr, training.g_lr) == (2e-4, 1e-3)


def test_the_best_recipe_asks_for_a_digit_that_distortions_leave_alone_and_stays_within_the_budget() -> None:
    run = validate(parse(Registry(entry_points=False).recipe("mnist-best"), "mnist-best"))
    assert run.data == Mnist()
    assert run.model.codes == recipe("mnist").codes
    assert run.model.losses["invariance"].codes == ("digit",)
    assert run.model.losses["information"].routing == "official"
    assert run.training.steps <= 5000
    assert run.training.batch_size == 128


def test_fashion_mnist_is_trained_as_digits_are_but_for_its_distortions() -> None:
    digits, garments = (
        validate(parse(Registry(entry_points=False).recipe(name), name)) for name in ("mnist-best", "fashion-mnist")
    )
    assert garments.data == FashionMnist()
    assert list(garments.model.codes.values()) == list(digits.model.codes.values())
    for part in ("image", "noise", "generator", "body", "head"):
        assert getattr(garments.model, part) == getattr(digits.model, part)
    assert garments.training == digits.training
    own, theirs = (run.model.losses["invariance"] for run in (garments, digits))
    assert own.codes == ("garment",)
    assert own.spread == theirs.spread
    for distortion in ("turn", "stretch", "shear", "shift"):
        assert getattr(own, distortion) <= getattr(theirs, distortion)


def recipe(name: str) -> ModelSpec:
    return validate(parse(Registry(entry_points=False).recipe(name), name)).model


def test_the_paper_has_a_leak_of_a_tenth_and_a_learned_std() -> None:
    for name in ("mnist", "mnist-table"):
        assert recipe(name).body == MnistBody(leak=0.1)
        assert recipe(name).head == Mlp(hidden=128, leak=0.1)
        assert recipe(name).codes == {"digit": Categorical(n=10), "slant": Uniform(), "stroke": Uniform()}
        assert recipe(name).latents.n_params == 14
    assert recipe("mnist").losses["information"].codes == {"slant": 0.1, "stroke": 0.1}
    assert recipe("mnist-table").losses["information"] == MutualInformation()


def test_the_regular_gan_and_the_two_bodies_differ_from_mnist_in_that_alone() -> None:
    mnist, regular, two = (recipe(name).model_dump() for name in ("mnist", "mnist-regular", "mnist-two-bodies"))
    assert two == {**mnist, "q_body": mnist["body"]}
    assert regular["losses"].pop("information") == {
        **mnist["losses"].pop("information"),
        "routing": "reading",
        "warmup": 0,
    }
    assert regular == mnist


def test_the_regular_gan_is_the_best_recipe_less_all_that_teaches_codes() -> None:
    best, regular = (
        validate(parse(Registry(entry_points=False).recipe(name), name))
        for name in ("mnist-best", "mnist-best-regular")
    )
    assert regular.training == best.training
    losses = best.model.losses
    reading = MutualInformation(codes=losses["information"].codes, routing="reading")
    assert regular.model == best.model.model_copy(
        update={"losses": {"adversarial": losses["adversarial"], "information": reading}}
    )


def test_a_q_with_a_body_of_its_own_trains() -> None:
    model = build(recipe("mnist-two-bodies")).train()
    objective, optimizers = Objective(model), make_optimizers(model, d_lr=2e-4, g_lr=1e-3, betas=(0.5, 0.999))
    seeded = torch.Generator().manual_seed(0)
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    for step in range(2):
        real, latent = torch.rand(4, *MNIST.dims, generator=seeded), model.latents.sample(4, generator=seeded)
        values = training_step(objective, optimizers, real, latent, torch.tensor(step))
        assert all(value.isfinite() for value in values.values())
    assert not any(torch.equal(before[name], weight) for name, weight in model.named_parameters())


def test_another_size_of_picture_is_refused() -> None:
    wrong = ImageShape(channels=1, height=32, width=32)
    for make in (lambda: MnistGenerator().build(74, wrong), lambda: MnistBody().build(wrong)):
        with pytest.raises(ValueError, match="for 28x28 pictures, not 32x32"):
            make()


def test_missing_data_are_answered_with_the_expected_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the second try too: what a failed download leaves behind does not pass for the data."""
    tries = []

    def no_network(*_: object, **__: object) -> None:
        tries.append(1)
        raise OSError("network is unreachable")

    monkeypatch.setattr(socket, "create_connection", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    for data, folder in ((Mnist, "MNIST"), (FashionMnist, "FashionMNIST")):
        for _ in range(2):
            tries.clear()
            with pytest.raises(FileNotFoundError, match=re.escape(f"{tmp_path}/{folder}/raw/train-images-idx3-ubyte")):
                data(root=str(tmp_path)).load("train")
            assert tries, "the network may be back"


@pytest.mark.skipif(not os.environ.get("INFOGAN_DATA"), reason="INFOGAN_DATA names no folder of data sets")
@pytest.mark.parametrize(("split", "n"), [("train", 60_000), ("test", 10_000)])
def test_the_data_are_the_digits(split: str, n: int) -> None:
    images = Mnist().load(split)  # type: ignore[arg-type]
    assert isinstance(images, Images)
    assert images.pixels.shape == (n, *Mnist().image.dims)
    assert images.pixels.dtype == torch.uint8
    assert images.pixels.min() == 0
    assert images.pixels.max() == 255
    digit = images.factors["digit"]
    assert digit.dtype == torch.int64
    assert sorted(digit.unique().tolist()) == list(range(10))
    assert len(digit) == n
