"""What Q reads off the pictures of a data set, beside the factors behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..core.data import Data, Images, Split
from ..model.infogan import InfoGAN

BATCH = 512


@dataclass(frozen=True)
class Reading:
    """A split of a data set as Q sees it."""

    values: dict[str, Tensor]
    """The most likely value of each code, ``(n, width)``."""
    factors: dict[str, Tensor]
    """Each known factor, ``(n,)``: int64 class indices or float32 values."""


def read_split(model: InfoGAN, data: Data, split: Split) -> Reading:
    """Read every picture of a split. Pictures are real ones, and are read as such."""
    values: dict[str, list[Tensor]] = {name: [] for name in model.latents.codes}
    factors: dict[str, list[Tensor]] = {name: [] for name in data.factors}
    pictures = data.load(split)
    for pixels, known in batches(pictures, torch.arange(len(pictures))):  # type: ignore[arg-type]
        posteriors = model.infer(public(pixels), domain="real")
        for name, posterior in posteriors.items():
            values[name].append(posterior.value.cpu())
        for name in factors:
            factors[name].append(known[name])
    return Reading(
        {name: torch.cat(parts) for name, parts in values.items()},
        {name: torch.cat(parts) for name, parts in factors.items()},
    )


def batches(
    pictures: Images | Dataset[Any], order: Tensor, size: int = BATCH
) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    """The pictures with the indices ``order``, in batches of uint8 pixels ``(size, channels, height, width)``, each
    with its factors."""
    if isinstance(pictures, Images):
        for index in order.split(size):
            yield pictures.pixels[index], {name: factor[index] for name, factor in pictures.factors.items()}
        return
    own = torch.Generator()  # else the loader draws from the global one
    for batch in DataLoader(pictures, batch_size=size, sampler=order.tolist(), generator=own):
        yield (batch[0], batch[1]) if isinstance(batch, list | tuple) else (batch, {})


def public(pixels: Tensor) -> Tensor:
    """uint8 pixels of any shape to [-1, 1], as a model's public methods take them."""
    return pixels.float() / 127.5 - 1
