"""Rendering the embedded data sets, feeding a step, and the share of a step that waits for its pictures."""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import pytest
import torch
from harness.clock import now
from PIL import Image
from torch.utils.data import Dataset

import infogan
from infogan.core.data import Images
from infogan.training.feed import batches_from
from infogan.training.iteration import Iteration
from infogan.training.loop import initial_state

BATCH = 128


class Files(Dataset[torch.Tensor]):
    """A folder of pictures, each decoded when it is asked for."""

    def __init__(self, folder: Path, count: int) -> None:
        self.paths = [folder / f"{i}.png" for i in range(count)]
        seeded = np.random.default_rng(0)
        for path in self.paths:
            Image.fromarray(seeded.integers(256, size=(28, 28), dtype=np.uint8)).save(path)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.from_numpy(np.asarray(Image.open(self.paths[index]))[None].copy())


@pytest.mark.benchmark(group="data", timer=now)
def test_render_sprites(benchmark):
    sprites = infogan.Registry(entry_points=False).find("data", "sprites")(n=2000)
    assert len(benchmark(sprites.load, "train")) == 2000
    benchmark.extra_info.update(device="cpu", pictures=2000)


@pytest.mark.benchmark(group="data", timer=now)
def test_render_scenes(benchmark):
    scenes = infogan.Registry(entry_points=False).find("data", "scenes")(n=500)
    assert len(benchmark(scenes.load, "train")) == 500
    benchmark.extra_info.update(device="cpu", pictures=500)


@pytest.mark.benchmark(group="data", timer=now)
def test_feed_from_memory(benchmark, device):
    data = Images(torch.randint(256, (10_000, 1, 28, 28), dtype=torch.uint8))
    feed = batches_from(data, batch_size=BATCH, seed=0, start=0, device=device)
    assert benchmark(lambda: feed(3)).shape == (BATCH, 1, 28, 28)
    benchmark.extra_info.update(device=device.type, pictures=BATCH)


@pytest.mark.parametrize("source", ["memory", "folder"])
@pytest.mark.benchmark(group="waiting", timer=now)
def test_share_of_a_step_that_waits_for_data(benchmark, device, turns, source, tmp_path):
    """On the MNIST network: seconds until the pictures are there, over seconds of feeding and stepping together."""
    spec = infogan.read_run("mnist")
    iterate = Iteration(spec, initial_state(spec, device), device)
    in_memory = Images(torch.randint(256, (10_000, 1, 28, 28), dtype=torch.uint8))
    data = in_memory if source == "memory" else Files(tmp_path, 20 * BATCH)
    feed = batches_from(data, batch_size=BATCH, seed=0, start=0, device=device)
    shares = []
    for step in range(turns + 4):
        start = now()
        pixels = feed(step)
        fed = now()
        iterate(step, pixels)
        shares.append((fed - start) / (now() - start))
    share = statistics.median(shares[4:])  # workers have started by then
    benchmark.extra_info.update(device=device.type, source=source, share=share, worst=max(shares[4:]))
    benchmark.pedantic(lambda: iterate(0, pixels), rounds=1)
    assert share < (0.02 if source == "memory" else 0.2)
