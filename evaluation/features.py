"""The features that pictures are compared in: those of a small classifier of the data set's own known classes, or,
where it has none, those of an untrained network beside principal components.

A data set's labels are used here, to build a measuring instrument, and by no model that is measured with it. Features
of one data set, or of another seed, are another instrument: their figures do not compare, least of all with those in
features of Inception.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import Dataset

from ..core.data import Data, Images
from ..core.network import ImageShape
from ..files.storage import StorageError, read_manifest, read_tensors, refuse_foreign, write_folder
from .reading import BATCH as READ
from .reading import batches, public

MANIFEST = "features.json"
"""The file that makes a folder one of a feature network."""

NETWORK = 1
"""Version of the network and of how it is trained: figures in the features of different ones do not compare."""

WIDTH = 128
"""Features of one picture."""

BATCH = 128
STEPS = 1000
RATE = 4e-3
"""Largest rate of Adam, which rises and falls once (Smith and Topin 2018)."""

COMPONENTS = 64
"""Principal components beside the features of an untrained network."""

SIDE = 16
"""Pixels on a side, at most, of the small pictures whose principal components these are."""

FITTED = 4096
"""Training pictures, at most, that an untrained network and principal components are fitted to."""


class FeatureNetwork(nn.Module):
    """Pictures ``(batch, channels, height, width)`` in [-1, 1] to features ``(batch, 128)``, each at least 0.

    Three strided convolutions and a fully connected layer, each with batch norm and ReLU. The last batch norm has no
    weights: every feature has mean 0 and variance 1 over the training pictures before the ReLU, as the kernel of
    `kid` and the distances of `precision_recall` are not free of scale.

    Args:
        image: Shape of one picture.
        classes: The number of classes of each factor to be told, all of them from the same features.
    """

    def __init__(self, image: ImageShape, classes: Mapping[str, int]) -> None:
        super().__init__()
        self.classes = dict(classes)
        self.body = nn.Sequential(
            *_halved(image.channels, 16),
            *_halved(16, 32),
            *_halved(32, 64),
            nn.AdaptiveAvgPool2d(4),  # nothing is pooled of pictures of 25 to 32 pixels a side
            nn.Flatten(),
            nn.Linear(64 * 4 * 4, WIDTH, bias=False),
            nn.BatchNorm1d(WIDTH, affine=False),
            nn.ReLU(),
        )
        self.head = nn.Linear(WIDTH, sum(self.classes.values())) if self.classes else None

    @property
    def description(self) -> str:
        """What the features are good for telling."""
        return f"a classifier of this data set's own {' and '.join(self.classes)}"

    def forward(self, images: Tensor) -> Tensor:
        """The features of pictures, ``(batch, channels, height, width) -> (batch, WIDTH)``."""
        features: Tensor = self.body(images)
        return features

    def logits(self, features: Tensor) -> dict[str, Tensor]:
        """``(batch, classes)`` of each factor, from the features of pictures."""
        if self.head is None:
            return {}
        columns = self.head(features).split(list(self.classes.values()), dim=1)
        return dict(zip(self.classes, columns, strict=True))

    @torch.no_grad()
    def features(self, pixels: Iterable[Tensor]) -> Tensor:
        """Features ``(n, 128)`` of pictures that come in batches of uint8 pixels, in evaluation mode."""
        self.eval()
        return torch.cat([self(public(batch)) for batch in pixels])


def _halved(channels: int, wider: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(channels, wider, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(wider), nn.ReLU()


class UnlabelledNetwork(FeatureNetwork):
    """Pictures ``(batch, channels, height, width)`` in [-1, 1] to features ``(batch, 192)`` for which no label is
    needed and nothing is learnt by gradients.

    128 are those of the `FeatureNetwork` with its first, random weights, which see what is fine: blur and noise. 64
    are principal components of the training pictures made small, which see what pictures are of: what is missing. Both
    parts have about the same sum of squares, so that each counts for half in the kernel of `kid` and the distances of
    `precision_recall`.

    Args:
        image: Shape of one picture.
    """

    centre: Tensor
    """Mean of the training pictures made small, ``(pixels,)``."""
    components: Tensor
    """Their principal components, ``(pixels, 64)``."""

    def __init__(self, image: ImageShape) -> None:
        super().__init__(image, {})
        self.size = min(image.height, SIDE), min(image.width, SIDE)
        pixels = image.channels * math.prod(self.size)
        self.register_buffer("centre", torch.zeros(pixels))
        self.register_buffer("components", torch.zeros(pixels, COMPONENTS))

    @property
    def description(self) -> str:
        """What the features are."""
        return "random filters and principal components (no labels)"

    def forward(self, images: Tensor) -> Tensor:
        """The features of pictures, ``(batch, channels, height, width) -> (batch, WIDTH + COMPONENTS)``."""
        return torch.cat([super().forward(images), (self.small(images) - self.centre) @ self.components], dim=1)

    def small(self, images: Tensor) -> Tensor:
        """Pictures of at most 16x16 pixels, ``(batch, pixels)``."""
        return F.adaptive_avg_pool2d(images, self.size).flatten(1)

    @torch.no_grad()
    def fit(self, pictures: Iterable[Tensor]) -> None:
        """Take the statistics of batch norm, and the principal components, from batches of uint8 pixels.

        Components are scaled by one number, so that the first stay the widest, to mean square 1: that of 128 features
        behind a ReLU is half of it. Where there are fewer than 64, as of fewer pictures, the others are 0.
        """
        norms = [m for m in self.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = None  # plain means over the batches
        self.train()
        seen = []
        for pixels in pictures:
            super().forward(public(pixels))
            seen.append(self.small(public(pixels)))
        self.eval()
        rows = torch.cat(seen).double()
        self.centre.copy_(rows.mean(dim=0))
        rows -= rows.mean(dim=0)
        variances, vectors = torch.linalg.eigh(rows.T @ rows / len(rows))
        found = int((variances > 1e-9).sum().clamp(max=COMPONENTS))  # the rest is rounding
        if found:
            scale = (variances[-found:].sum() / COMPONENTS).sqrt()
            self.components[:, :found].copy_(vectors[:, -found:] / scale)


def known_classes(data: Data) -> dict[str, int]:
    """The number of classes of each factor that has some."""
    return {name: n for name, n in data.factors.items() if n}


def train_features(
    data: Data,
    *,
    seed: int = 0,
    steps: int = STEPS,
    labels: bool = True,
    pictures: Images | Dataset[Any] | None = None,
) -> FeatureNetwork:
    """A network whose features tell pictures of ``data`` apart, from the training split.

    Where factors have classes it learns to tell them, in ``steps`` steps; where none has, or without ``labels``, it is
    an `UnlabelledNetwork`, which needs no steps. ``pictures`` is the training split where it has been loaded already.
    On a CPU the same seed and the same number of threads give the same network bit for bit. The global random state is
    left as it was.

    >>> from infogan.plugins.sprites.data import Sprites
    >>> sprites = Sprites(size=16, n=64, n_test=8)
    >>> train_features(sprites, labels=False).features([sprites.load("test").pixels]).shape
    torch.Size([8, 192])
    """
    pictures = data.load("train") if pictures is None else pictures
    classes = known_classes(data) if labels else {}
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU too
        network = FeatureNetwork(data.image, classes) if classes else UnlabelledNetwork(data.image)
    generator = torch.Generator().manual_seed(seed)
    if isinstance(network, UnlabelledNetwork):
        order = _shuffled_epochs(len(pictures), min(FITTED, len(pictures)), generator)  # type: ignore[arg-type]
        even = -(-len(order) // -(-len(order) // READ))  # no last batch of a single picture
        network.fit(pixels for pixels, _ in batches(pictures, order, even))
    else:
        _learn(network, pictures, _shuffled_epochs(len(pictures), steps * BATCH, generator), steps)  # type: ignore[arg-type]
    return network.eval().requires_grad_(False)


def _learn(network: FeatureNetwork, pictures: Images | Dataset[Any], order: Tensor, steps: int) -> None:
    """Learn to tell the classes of the pictures in ``order``."""
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for pixels, labels in batches(pictures, order, BATCH):
        logits = network.logits(network(public(pixels)))
        loss = torch.stack([F.cross_entropy(logits[name], labels[name]) for name in network.classes]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def kept_features(data: Data, folder: Path, *, pictures: Images | Dataset[Any] | None = None) -> FeatureNetwork:
    """The feature network that ``folder`` holds; where there is none yet it is made by `train_features` and written
    there. ``pictures`` is the training split where it has been loaded already.

    Figures compare only if they were measured in the same features, and rounding, as of another number of threads,
    is enough to make other ones. The folder has safetensors and JSON.

    Raises StorageError where the folder is damaged, holds a network of other data, or anything else.
    """
    source = {"network": NETWORK, "data": same_pictures(data).model_dump(mode="json")}
    if not (folder / MANIFEST).is_file():
        refuse_foreign(folder, ())
        network = train_features(data, pictures=pictures)
        write_folder(folder, MANIFEST, source, network.state_dict())
        return network
    manifest = read_manifest(folder, MANIFEST)
    if any(manifest.get(key) != value for key, value in source.items()):
        raise StorageError(f"{folder / MANIFEST}: is of other data, or of another network; choose a new folder")
    classes = known_classes(data)
    network = FeatureNetwork(data.image, classes) if classes else UnlabelledNetwork(data.image)
    network.load_state_dict(read_tensors(folder, manifest, network.state_dict()))
    return network.eval().requires_grad_(False)


def same_pictures(data: Data) -> Data:
    """The data but for the range to which training scales its pixels, and how it varies them: equal where the pictures
    are."""
    return data.without_augmentation().model_copy(update={"range": (-1.0, 1.0)})


def _shuffled_epochs(size: int, count: int, generator: torch.Generator) -> Tensor:
    """``count`` indices below ``size``, each once before any comes again."""
    epochs = -(-count // size)
    return torch.cat([torch.randperm(size, generator=generator) for _ in range(epochs)])[:count]
