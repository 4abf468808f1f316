"""Real pictures, batch by batch: a pure function of (seed, step)."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from ..core.data import Draw, Images
from ..core.shard import WHOLE_BATCH, Shard
from .randomness import generator, reseed
from .stopping import ignore_signals

Augment = Callable[[Tensor, Draw], Tensor]
"""`Data.augment`."""

WORKERS = 2
"""Processes that read a data set which does not fit into memory."""


class Feed:
    """Real pictures for training, in the order of the steps. Close it where worker processes are to end with it."""

    def __init__(self, of_step: Callable[[int], Tensor], close: Callable[[], None]) -> None:
        self.of_step = of_step
        self.close = weakref.finalize(self, close)
        """Let go of the workers, which wait for no signal to end (`ignore_signals`); at exit at the latest."""

    def __call__(self, step: int) -> Tensor:
        """The batch of a step, ``(batch, channels, height, width)`` uint8, on the device."""
        return self.of_step(step)


def batches_from(
    data: Images | Dataset[Any],
    *,
    batch_size: int,
    seed: int,
    start: int,
    device: torch.device,
    shard: Shard = WHOLE_BATCH,
    augment: Augment = lambda pixels, draw: pixels,
) -> Feed:
    """The feed of a data set: each epoch is a seeded permutation, whose incomplete last batch is left out.

    Pictures in memory live on the device and are picked there by index; others are read by worker
    processes into pinned memory, and copied to a GPU while it computes the step before. ``start`` is the
    first step that will be asked for. Of each batch this process gets its ``shard``, varied by ``augment`` on the
    device.

    Raises ValueError where there are fewer pictures than a batch has. An item that cannot be read (ValueError or
    OSError) is a ValueError of the same message when its batch is asked for.
    """
    size = len(data)  # type: ignore[arg-type]
    if size < batch_size:
        raise ValueError(f"a batch of {batch_size} needs at least as many pictures; the data set has {size}")
    draws = _Draws(seed, batch_size, shard, device)
    if isinstance(data, Images):
        pixels = data.pixels.to(device)
        order = _Order(seed, size, batch_size, shard, device)
        return Feed(lambda step: augment(pixels[order(step)], draws.at(step)), close=lambda: None)
    loaded = _loaded(
        data, _Order(seed, size, batch_size, shard, torch.device("cpu")), start, pinned=device.type == "cuda"
    )
    batches = _copied_to_device(loaded, device) if device.type == "cuda" else loaded
    return Feed(lambda step: augment(next(batches), draws.at(step)), batches.close)


def some_pictures(data: Images | Dataset[Any], pixel_range: tuple[float, float], *, count: int, seed: int) -> Tensor:
    """Up to ``count`` pictures, chosen by the seed, ``(n, channels, height, width)`` in the pixel range."""
    size = len(data)  # type: ignore[arg-type]
    chosen = torch.randperm(size, generator=generator(seed, "calibration", 0))[:count]
    if isinstance(data, Images):
        pixels = data.pixels[chosen.to(data.pixels.device)]
    else:
        items = [data[int(i)] for i in chosen]
        pixels = torch.stack([item[0] if isinstance(item, list | tuple) else item for item in items])
    return scaled(pixels, pixel_range)


class _Order:
    """Indices of this process's shard of each step's batch. The permutation of the running epoch is kept."""

    def __init__(self, seed: int, size: int, batch_size: int, shard: Shard, device: torch.device) -> None:
        self.seed, self.size, self.batch_size, self.shard, self.device = seed, size, batch_size, shard, device
        self.epoch, self.permutation = -1, torch.empty(0)

    def __call__(self, step: int) -> Tensor:
        epoch, batch = divmod(step, self.size // self.batch_size)
        if epoch != self.epoch:
            drawn = torch.randperm(self.size, generator=generator(self.seed, "order", epoch))
            self.epoch, self.permutation = epoch, drawn.to(self.device)
        return self.shard.of(self.permutation[batch * self.batch_size : (batch + 1) * self.batch_size])


class _Draws:
    """Random numbers for this process's shard of each step's batch."""

    def __init__(self, seed: int, batch_size: int, shard: Shard, device: torch.device) -> None:
        self.seed, self.batch_size, self.shard, self.device = seed, batch_size, shard, device
        self.random = torch.Generator(device)
        self.step = self.seeded = -1

    def at(self, step: int) -> Draw:
        """`Draw` for the batch of a step. Most data never draw, so that it is seeded by the first draw alone."""
        self.step = step
        return self._draw

    def _draw(self, count: int) -> Tensor:
        if self.seeded != self.step:
            reseed(self.random, self.seed, "augmentation", self.step)
            self.seeded = self.step
        drawn = torch.rand(count, self.batch_size, generator=self.random, device=self.device)
        return self.shard.of(drawn.T).T


def scaled(pixels: Tensor, pixel_range: tuple[float, float]) -> Tensor:
    """uint8 pixels of any shape to floating point ones, black at the range's low end and white at its high one."""
    low, high = pixel_range
    return pixels.float().mul_((high - low) / 255).add_(low)


def _loaded(data: Dataset[Any], order: _Order, start: int, *, pinned: bool) -> Generator[Tensor]:
    """Batches from worker processes, read a few ahead, in the order of the steps."""

    def indices() -> Iterator[list[int]]:
        step = start
        while True:
            yield order(step).tolist()
            step += 1

    loader = DataLoader(
        _Careful(data),
        batch_sampler=indices(),
        collate_fn=_batch,
        num_workers=WORKERS,
        pin_memory=pinned,
        persistent_workers=True,
        worker_init_fn=ignore_signals,
        generator=generator(order.seed, "workers", start),  # else it draws from the global one
    )
    try:
        for batch in loader:
            if isinstance(batch, _Unreadable):
                raise ValueError(batch.message)
            yield batch[0] if isinstance(batch, list | tuple) else batch
    finally:
        del loader  # whose workers end with it, also where a traceback keeps this frame


@dataclass(frozen=True)
class _Unreadable:
    """What a worker sends in place of an item that it cannot read: an error would come wrapped in its traceback."""

    message: str


class _Careful(Dataset[Any]):
    """The same items, and `_Unreadable` where one is refused."""

    def __init__(self, data: Dataset[Any]) -> None:
        self.data = data

    def __getitem__(self, index: int) -> Any:
        try:
            return self.data[index]
        except (ValueError, OSError) as error:
            return _Unreadable(str(error))


def _batch(items: list[Any]) -> Any:
    """One tensor, or tuple of tensors, of all items; the first that cannot be read where there is one."""
    return next((item for item in items if isinstance(item, _Unreadable)), None) or default_collate(items)


def _copied_to_device(batches: Generator[Tensor], device: torch.device) -> Generator[Tensor]:
    """Pinned batches on the GPU, copied on a stream of its own while that still computes with the one before."""
    side_stream = torch.cuda.Stream(device)
    for batch in batches:
        with torch.cuda.stream(side_stream):
            copied = batch.to(device, non_blocking=True)
        computing = torch.cuda.current_stream(device)
        computing.wait_stream(side_stream)
        copied.record_stream(computing)  # its memory is not given away while that stream may still read it
        yield copied
