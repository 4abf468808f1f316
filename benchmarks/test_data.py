"""Rendering the embedded data set, and feeding a training step from memory."""

from __future__ import annotations

import pytest
import torch

import infogan
from infogan.core.data import Images
from infogan.training.feed import batches_from


@pytest.mark.benchmark(group="data")
def test_render_sprites(benchmark):
    sprites = infogan.Registry(entry_points=False).find("data", "sprites")(n=2000)
    assert len(benchmark(sprites.load, "train")) == 2000


@pytest.mark.benchmark(group="data")
def test_feed_from_memory(benchmark, device, synchronised):
    data = Images(torch.randint(256, (10_000, 1, 28, 28), dtype=torch.uint8))
    feed = batches_from(data, (0.0, 1.0), batch_size=128, seed=0, start=0, device=device)
    assert benchmark(synchronised(lambda: feed(3))).shape == (128, 1, 28, 28)
