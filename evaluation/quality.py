"""How good generated pictures are beside held-out real ones: KID, precision and recall in the features of a network,
and sliced Wasserstein distance, which needs none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..core.data import Data, Images
from ..model.infogan import InfoGAN
from .features import FeatureNetwork
from .reading import BATCH, batches
from .sliced import level_sizes, sliced_wasserstein

CHUNK = 512
"""Rows of a matrix of kernels or distances that exist at once."""

BLOCKS = 10
"""Independent estimates of KID, which show how far one can be trusted."""

FEWEST = 2 * BLOCKS
"""Pictures that each split has to have: two for each block."""

SLICED = 4096
"""Pictures on each side, at most, of the sliced Wasserstein distance: in RGB it then takes 1.2 GB."""


@dataclass(frozen=True)
class Quality:
    """What pictures are worth beside held-out real ones, in the features of one network."""

    kid: float
    """Unbiased estimate of the squared distance of the two laws; 0 where they are one, and then as often below."""
    kid_error: float
    """Its standard error."""
    precision: float
    """Share of the pictures that lie among the real ones: how good they are."""
    recall: float
    """Share of the real pictures that lie among them: how much they cover."""
    sliced_wasserstein: dict[str, float] = field(default_factory=dict)
    """Distance from the real pictures at each size of a Laplacian pyramid, finest first: `sliced_wasserstein`. Empty
    where features alone were compared, and for pictures of fewer than 7 pixels on a side."""


@dataclass(frozen=True)
class Qualities:
    """What `measure_quality` finds."""

    n: int
    """Pictures on each side of every comparison."""
    errors: dict[str, float]
    """The feature network's own error at each factor's classes, on the held-out pictures."""
    floor: Quality
    """Training pictures against held-out ones: the best that a generator can be asked for."""
    models: dict[str, Quality]
    """Each model's pictures against held-out ones."""
    features: str
    """What the feature network learned to tell, and so what it measures by."""
    sliced_n: int
    """Pictures on each side of the sliced Wasserstein distances."""


@dataclass(frozen=True)
class Splits:
    """Both splits of a data set, loaded."""

    train: Images | Dataset[Any]
    """Pictures to learn from."""
    test: Images | Dataset[Any]
    """Pictures held out."""


def load_splits(data: Data) -> Splits:
    """Both splits of ``data``; ValueError where one has fewer pictures than `measure_quality` needs, 20.

    A folder of pictures is counted, and read, before anything is learnt from it.
    """
    splits = Splits(data.load("train"), data.load("test"))
    train, test = len(splits.train), len(splits.test)  # type: ignore[arg-type]
    if min(train, test) < FEWEST:
        raise ValueError(
            f"pictures are measured with {FEWEST} held-out ones at least, and as many to learn from, but data "
            f"{data.kind!r} holds out {test} and has {train} to learn from; give it more pictures, or hold out more"
        )
    return splits


def measure_quality(
    models: Mapping[str, InfoGAN],
    data: Data,
    network: FeatureNetwork,
    *,
    n: int = 10_000,
    seed: int = 0,
    splits: Splits | None = None,
) -> Qualities:
    """Compare each model's pictures, and the training ones, with the held-out ones of ``data``.

    ``n`` pictures on each side, or as many as the smaller split has: precision and recall depend on how many there
    are, and so does the sliced Wasserstein distance, which is that of the first 4,096 of them. Generated pictures are
    rounded to 8 bits, as real ones are. ``network`` comes from `train_features`, ``splits`` from `load_splits`, which
    is asked where they are not given.

    Raises ValueError where a split has fewer than 20 pictures.
    """
    splits = splits or load_splits(data)
    train, test = splits.train, splits.test
    generator = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(split), generator=generator) for split in (test, train)]  # type: ignore[arg-type]
    n = min(n, *map(len, orders))
    labels: dict[str, list[Tensor]] = {name: [] for name in network.classes}
    held_out = _side(network, _real(test, orders[0][:n], labels))
    logits = network.logits(held_out.features)
    errors = {name: float((logits[name].argmax(dim=1) != torch.cat(labels[name])).float().mean()) for name in logits}
    floor = _compare(held_out, _side(network, _real(train, orders[1][:n])), seed)
    found = {
        name: _compare(held_out, _side(network, _generated(model, n, seed)), seed) for name, model in models.items()
    }
    return Qualities(n, errors, floor, found, network.description, len(held_out.pixels))


@dataclass(frozen=True)
class _Side:
    """Pictures of one kind, as they are compared."""

    features: Tensor
    pixels: Tensor
    """The first ones, uint8."""


def _side(network: FeatureNetwork, pictures: Iterator[Tensor]) -> _Side:
    features: list[Tensor] = []
    pixels: list[Tensor] = []
    for some in pictures:
        pixels.append(some[: max(0, SLICED - sum(map(len, features)))])
        features.append(network.features([some]))
    return _Side(torch.cat(features), torch.cat(pixels))


def _compare(real: _Side, fake: _Side, seed: int) -> Quality:
    found = compare_features(real.features, fake.features, seed=seed)
    if not level_sizes(*real.pixels.shape[2:]):
        return found
    return replace(found, sliced_wasserstein=sliced_wasserstein(real.pixels, fake.pixels, seed=seed))


def compare_features(real: Tensor, fake: Tensor, *, seed: int = 0) -> Quality:
    """KID, precision and recall from features of real and of generated pictures, ``(n, features)`` and
    ``(m, features)``."""
    return Quality(*kid(real, fake, seed=seed), *precision_recall(real, fake))


def kid(real: Tensor, fake: Tensor, *, blocks: int = BLOCKS, seed: int = 0) -> tuple[float, float]:
    """KID (Binkowski et al. 2018) and its standard error, from features ``(n, features)`` and ``(m, features)``.

    Both sides are shuffled by ``seed`` and cut into ``blocks``; KID is the mean of `squared_mmd` over pairs of blocks,
    which share no picture, so that the spread of the estimates gives the error of their mean. The cubic kernel is
    (x . y / features + 1)^3; on features other than Inception's its values are of another size.

    Raises ValueError where there are fewer than two pictures on a side in a block.
    """
    if min(len(real), len(fake)) < 2 * blocks or blocks < 2:
        raise ValueError(
            f"KID over {blocks} blocks needs at least 2 blocks, and {2 * blocks} pictures on either side, "
            f"not {len(real)} and {len(fake)}"
        )
    generator = torch.Generator().manual_seed(seed)
    sides = [side[torch.randperm(len(side), generator=generator)].tensor_split(blocks) for side in (real, fake)]
    found = torch.tensor([squared_mmd(x, y) for x, y in zip(*sides, strict=True)], dtype=torch.float64)
    return float(found.mean()), float(found.std() / math.sqrt(blocks))


def squared_mmd(x: Tensor, y: Tensor) -> float:
    """The unbiased estimate of the squared maximum mean discrepancy under the cubic kernel, from ``(n, features)``
    and ``(m, features)`` (Gretton et al. 2012, lemma 6).

    >>> squared_mmd(torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [1.0]]))  # 1 + 1 - (1 + 1 + 1 + 8) / 2
    -3.5
    """
    x, y = x.double(), y.double()
    within = sum((_kernel_sum(side, side) - _kernel_diagonal(side)) / (len(side) * (len(side) - 1)) for side in (x, y))
    return within - 2 * _kernel_sum(x, y) / (len(x) * len(y))


def _kernel_sum(x: Tensor, y: Tensor) -> float:
    """Over all pairs; a pair of a picture with itself too."""
    return float(sum(((rows @ y.T) / x.shape[1] + 1).pow(3).sum() for rows in x.split(CHUNK)))


def _kernel_diagonal(x: Tensor) -> float:
    return float((x.square().mean(dim=1) + 1).pow(3).sum())


def precision_recall(real: Tensor, fake: Tensor, *, k: int = 3) -> tuple[float, float]:
    """Precision and recall (Kynkaanniemi et al. 2019, equations 1 and 2), from features ``(n, features)`` and
    ``(m, features)``.

    Each side's manifold is the union of the balls about its pictures that just hold their ``k`` nearest neighbours on
    that side. Precision is the share of generated pictures within the real manifold, recall that of real ones within
    the generated one. Both grow with ``k`` and vary with the number of pictures.

    Raises ValueError where a side has no k neighbours.

    >>> real, fake = torch.tensor([[0.0], [1.0], [3.0]]), torch.tensor([[0.5], [9.0]])
    >>> precision_recall(real, fake, k=1)  # 0.5 lies within the ball about 0; those about 0.5 and 9 hold all
    (0.5, 1.0)
    """
    if not 0 < k < min(len(real), len(fake)):
        raise ValueError(f"each side needs more than k = {k} pictures, k at least 1, not {len(real)} and {len(fake)}")
    real, fake = real.double(), fake.double()
    reach_of_real, reach_of_fake = _reach(real, k), _reach(fake, k)
    precise, recalled = 0, torch.zeros(len(real), dtype=torch.bool)
    for rows, reach in zip(fake.split(CHUNK), reach_of_fake.split(CHUNK), strict=True):
        distance = torch.cdist(rows, real)
        precise += int((distance <= reach_of_real).any(dim=1).sum())
        recalled |= (distance <= reach.unsqueeze(1)).any(dim=0)
    return precise / len(fake), float(recalled.double().mean())


def _reach(features: Tensor, k: int) -> Tensor:
    """Distance of each row from its k-th neighbour, ``(n,)``. The nearest of all is the row itself."""
    nearest = [torch.cdist(rows, features).topk(k + 1, largest=False).values[:, -1] for rows in features.split(CHUNK)]
    return torch.cat(nearest)


def _real(
    pictures: Images | Dataset[Any], order: Tensor, labels: dict[str, list[Tensor]] | None = None
) -> Iterator[Tensor]:
    """Pixels of the pictures in ``order``, in batches; the class of each factor in ``labels`` is put there."""
    for pixels, known in batches(pictures, order):
        for name, found in (labels or {}).items():
            found.append(known[name])
        yield pixels


def _generated(model: InfoGAN, n: int, seed: int) -> Iterator[Tensor]:
    """Pictures of the model in batches of uint8 pixels."""
    for latent in model.draw(n, seed=seed).split(BATCH):
        yield ((model.generate(latent) + 1) * 127.5).round().clamp(0, 255).to("cpu", torch.uint8)
