"""A tiny InfoGAN that every test can train: 8x8 pictures, batch norm in body, Q's head and generator. And wheels."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import torch
from einops.layers.torch import Rearrange
from torch import Tensor, nn
from torch.utils.data import Dataset

from infogan import Body, Data, Generator, ImageShape, InfoGAN, ModelSpec, Registry, RunSpec, build, hookimpl
from infogan.core.data import Images, Split
from infogan.plugins.codes import Categorical, Uniform
from infogan.plugins.heads import Mlp
from infogan.plugins.losses import MutualInformation, NonSaturating
from infogan.plugins.noises import NormalNoise
from infogan.registry import default
from infogan.training.run import TrainingSpec

SIDE = 8
PICTURES = 40


class TinyGenerator(Generator):
    """FC, batch norm, ReLU, FC, sigmoid."""

    kind: Literal["tiny"] = "tiny"

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, 1.0

    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        return nn.Sequential(
            nn.Linear(latent_width, 16),
            nn.BatchNorm1d(16),
            nn.ReLU(),
            nn.Linear(16, SIDE * SIDE * image.channels),
            Rearrange("batch (c h w) -> batch c h w", h=SIDE, w=SIDE),
            nn.Sigmoid(),
        )


class TinyBody(Body):
    """Strided convolution, batch norm, leaky ReLU, FC, batch norm, leaky ReLU."""

    kind: Literal["tiny"] = "tiny"

    @property
    def features(self) -> int:
        return 12

    def build(self, image: ImageShape) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(image.channels, 4, 4, stride=2, padding=1),
            nn.BatchNorm2d(4),
            nn.LeakyReLU(0.1),
            Rearrange("batch c h w -> batch (c h w)", h=4, w=4),
            nn.Linear(4 * 4 * 4, 12),
            nn.BatchNorm1d(12),
            nn.LeakyReLU(0.1),
        )


class Rows(Dataset[tuple[Tensor, int]]):
    """The pictures one at a time, each with its label, as a data set too large for memory gives them."""

    def __init__(self, images: Images) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.images.pixels[index], int(self.images.factors["shade"][index])


class TinyData(Data):
    """Gray squares in four shades, with noise."""

    kind: Literal["tiny"] = "tiny"
    size: int = PICTURES
    """Number of pictures."""
    streamed: bool = False
    """Give a map-style data set in place of tensors in memory."""
    shuffled_labels: bool = False
    """Give labels that mean nothing."""

    @property
    def image(self) -> ImageShape:
        return ImageShape(channels=1, height=SIDE, width=SIDE)

    @property
    def factors(self) -> dict[str, int | None]:
        return {"shade": 4}

    def load(self, split: Split) -> Images | Dataset[Any]:
        seeded = torch.Generator().manual_seed(1 if split == "train" else 2)
        shade = torch.randint(4, (self.size,), generator=seeded)
        noise = torch.randint(30, (self.size, 1, SIDE, SIDE), generator=seeded)
        pixels = (shade[:, None, None, None] * 70 + noise).to(torch.uint8)
        images = Images(pixels, {"shade": shade.flip(0) if self.shuffled_labels else shade})
        return Rows(images) if self.streamed else images


def tiny_model(**changes: Any) -> ModelSpec:
    """The tiny model's spec, with some of its parts replaced."""
    parts: dict[str, Any] = {
        "image": ImageShape(channels=1, height=SIDE, width=SIDE),
        "noise": NormalNoise(size=3),
        "codes": {"digit": Categorical(n=4), "slant": Uniform()},
        "generator": TinyGenerator(),
        "body": TinyBody(),
        "head": Mlp(hidden=6),
        "losses": {"adversarial": NonSaturating(), "information": MutualInformation(codes={"slant": 0.1})},
    }
    return ModelSpec(**{**parts, **changes})


def tiny_run(*, model: ModelSpec | None = None, data: Data | None = None, **training: Any) -> RunSpec:
    """A run spec of six steps."""
    settings: dict[str, Any] = {
        "steps": 6,
        "batch_size": 8,
        "log_every": 2,
        "picture_every": 3,
        "checkpoint_every": 3,
        "device": "cpu",
    }
    return RunSpec(
        model=tiny_model() if model is None else model,
        data=TinyData() if data is None else data,
        training=TrainingSpec(**{**settings, **training}),
    )


class TinyPlugin:
    """The tiny parts as a plugin, for loading what was saved."""

    @hookimpl
    def infogan_components(self) -> list[type]:
        return [TinyGenerator, TinyBody, TinyData]


@pytest.fixture
def parts() -> SimpleNamespace:
    """The tiny parts' classes."""
    return SimpleNamespace(generator=TinyGenerator, body=TinyBody, data=TinyData, rows=Rows)


@pytest.fixture
def model_spec() -> Callable[..., ModelSpec]:
    """Makes the tiny model's spec: ``model_spec(codes={...})`` replaces parts."""
    return tiny_model


@pytest.fixture
def run_spec() -> Callable[..., RunSpec]:
    """Makes a run spec of six steps: ``run_spec(steps=3)`` replaces settings."""
    return tiny_run


@pytest.fixture
def model() -> InfoGAN:
    """The tiny model, freshly initialised."""
    return build(tiny_model(), seed=0)


@pytest.fixture
def registry() -> Registry:
    """The built-in parts and the tiny ones."""
    known = Registry(entry_points=False)
    known.add(TinyPlugin(), "tiny")
    return known


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs a distribution with one module: ``install("infogan-a", source)``; its entry point has the same name."""
    numbers = itertools.count()
    monkeypatch.delenv("INFOGAN_PLUGINS", raising=False)

    def install(
        distribution: str,
        source: str,
        *,
        version: str = "1.0",
        entry_point: str | None = None,
        attribute: str = "",
        requires: tuple[str, ...] = (),
    ) -> None:
        number = next(numbers)
        site, module = tmp_path / f"site{number}", f"{tmp_path.name}_{number}".replace("-", "_")
        info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (site / f"{module}.py").write_text(source)
        needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{needs}")
        value = f"{module}:{attribute}" if attribute else module
        (info / "entry_points.txt").write_text(f"[infogan]\n{entry_point or distribution} = {value}\n")
        monkeypatch.syspath_prepend(site)

    return install


@pytest.fixture
def fresh_default(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """The process's registry, made anew without installed plugins, and again afterwards."""
    monkeypatch.setenv("INFOGAN_PLUGINS", "")
    default.cache_clear()
    yield default()
    default.cache_clear()


@pytest.fixture
def equal_weights() -> Callable[[nn.Module, nn.Module], bool]:
    """Whether two modules' weights and buffers are equal bit for bit."""

    def equal(one: nn.Module, other: nn.Module) -> bool:
        a, b = one.state_dict(), other.state_dict()
        return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)

    return equal


@pytest.fixture(scope="session")
def build_wheel(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Builds a distribution of this repository from a copy of its folder, without a network; the wheel."""

    def build_wheel(folder: Path) -> Path:
        out = tmp_path_factory.mktemp("wheel")
        listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(listing, cwd=folder, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            if (folder / name).is_file():
                (out / "source" / name).parent.mkdir(parents=True, exist_ok=True)
                (out / "source" / name).write_bytes((folder / name).read_bytes())
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, out / "source"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        (found,) = out.glob("*.whl")
        return found

    return build_wheel


@pytest.fixture(scope="session")
def wheel(build_wheel: Callable[[Path], Path]) -> Path:
    """infogan's own wheel."""
    return build_wheel(Path(__file__).parents[1])
