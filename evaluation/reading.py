"""What Q reads off the pictures of a data set, beside the factors behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..core.data import Data, Images, Split
from ..core.model import InfoGAN

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
    for pixels, known in _batches(data.load(split)):
        posteriors = model.infer(pixels.float() / 127.5 - 1, domain="real")
        for name, posterior in posteriors.items():
            values[name].append(posterior.value.cpu())
        for name in factors:
            factors[name].append(known[name])
    return Reading(
        {name: torch.cat(parts) for name, parts in values.items()},
        {name: torch.cat(parts) for name, parts in factors.items()},
    )


def _batches(pictures: Images | Dataset[Any]) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
    if isinstance(pictures, Images):
        for index in torch.arange(len(pictures)).split(BATCH):
            yield pictures.pixels[index], {name: factor[index] for name, factor in pictures.factors.items()}
        return
    for batch in DataLoader(pictures, batch_size=BATCH):
        yield (batch[0], batch[1]) if isinstance(batch, list | tuple) else (batch, {})
