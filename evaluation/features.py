"""The features that pictures are compared in: those of a small classifier of the data set's own known classes.

A data set's labels are used here, to build a measuring instrument, and by no model that is measured with it. Features
of one data set, or of another seed, are another instrument: their figures do not compare, least of all with those in
features of Inception.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..core.data import Data
from ..core.network import ImageShape
from ..files.storage import StorageError, read_manifest, read_tensors, refuse_foreign, write_folder
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
        self.head = nn.Linear(WIDTH, sum(self.classes.values()))

    def forward(self, images: Tensor) -> Tensor:
        """The features of pictures, ``(batch, channels, height, width) -> (batch, WIDTH)``."""
        features: Tensor = self.body(images)
        return features

    def logits(self, features: Tensor) -> dict[str, Tensor]:
        """``(batch, classes)`` of each factor, from the features of pictures."""
        columns = self.head(features).split(list(self.classes.values()), dim=1)
        return dict(zip(self.classes, columns, strict=True))

    @torch.no_grad()
    def features(self, pixels: Iterable[Tensor]) -> Tensor:
        """Features ``(n, 128)`` of pictures that come in batches of uint8 pixels, in evaluation mode."""
        self.eval()
        return torch.cat([self(public(batch)) for batch in pixels])


def _halved(channels: int, wider: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(channels, wider, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(wider), nn.ReLU()


def known_classes(data: Data) -> dict[str, int]:
    """The number of classes of each factor that has some; ValueError where none has."""
    classes = {name: n for name, n in data.factors.items() if n}
    if not classes:
        known = ", ".join(data.factors) or "none"
        raise ValueError(
            f"data {data.kind!r} has no factor with classes (its factors: {known}), and a feature network learns to "
            f"tell the classes of one; measure on data that has labels"
        )
    return classes


def train_features(data: Data, *, seed: int = 0, steps: int = STEPS) -> FeatureNetwork:
    """A network that tells the classes of every factor that has some, learnt from the training split.

    On a CPU the same seed and the same number of threads give the same network bit for bit. The global random state
    is left as it was. Raises ValueError where no factor has classes.
    """
    classes, pictures = known_classes(data), data.load("train")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU too
        network = FeatureNetwork(data.image, classes)
    order = _shuffled_epochs(len(pictures), steps * BATCH, torch.Generator().manual_seed(seed))  # type: ignore[arg-type]
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for pixels, labels in batches(pictures, order, BATCH):
        logits = network.logits(network(public(pixels)))
        loss = torch.stack([F.cross_entropy(logits[name], labels[name]) for name in classes]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval().requires_grad_(False)


def kept_features(data: Data, folder: Path) -> FeatureNetwork:
    """The feature network that ``folder`` holds; where there is none yet it is trained and written there.

    Figures compare only if they were measured in the same features, and rounding, as of another number of threads,
    is enough to make other ones. The folder has safetensors and JSON.

    Raises StorageError where the folder is damaged, holds a network of other data, or anything else.
    """
    source = {"network": NETWORK, "data": same_pictures(data).model_dump(mode="json")}
    if not (folder / MANIFEST).is_file():
        refuse_foreign(folder, ())
        network = train_features(data)
        write_folder(folder, MANIFEST, source, network.state_dict())
        return network
    manifest = read_manifest(folder, MANIFEST)
    if any(manifest.get(key) != value for key, value in source.items()):
        raise StorageError(f"{folder / MANIFEST}: is of other data, or of another network; choose a new folder")
    network = FeatureNetwork(data.image, known_classes(data))
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
