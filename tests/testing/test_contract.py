"""Every built-in part keeps the contract; `mistakes` has what the contract says of parts that do not."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest
import scipy.stats
import torch

from infogan import Code, Latents, Registry
from infogan.core.component import Component
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
from infogan.testing import check_code, check_component, check_data, check_loss, check_missing_data
from infogan.testing.draws import Reference
from infogan.testing.tiny_model import TinyNoise, tiny_latents

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


@pytest.mark.parametrize(
    ("code", "reference"),
    [
        (Categorical(n=5), [0.2] * 5),
        (Bernoulli(p=0.2), [0.8, 0.2]),
        (Uniform(low=-2.0, high=0.5), scipy.stats.uniform(-2.0, 2.5).cdf),
        (Normal(), scipy.stats.norm.cdf),
    ],
    ids=lambda value: type(value).__name__,
)
def test_draws_of_a_code_are_of_the_law_that_it_names(code: Code, reference: Reference) -> None:
    check_code(code, reference=reference)


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
    latents = Latents(TinyNoise(), {"digit": Categorical(n=4)})
    check_loss(MutualInformation(codes={"digit": 0.5}), latents=latents)


def test_the_kit_needs_no_plugin_and_no_pytest() -> None:
    code = """
import sys, infogan.testing
strangers = [name for name in sys.modules if name.split(".")[0] == "pytest" or name.startswith("infogan.plugins")]
assert not strangers, strangers
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_loss_that_begins_late_is_checked_when_it_takes_part() -> None:
    check_loss(MutualInformation(warmup=10), step=5)
    with pytest.raises(AssertionError, match="is something detached"):
        check_loss(MutualInformation(warmup=10), step=0)


def test_the_small_model_is_itself_right() -> None:
    latents = tiny_latents()
    for part in (latents.noise, *latents.codes.values()):
        check_component(part)
