"""What the recipe `pictures-small` makes of a folder, beside a textbook DCGAN trained as long in the same process.

    python benchmarks/own_pictures.py FOLDER [--seeds 0 1] [--steps 5000] [--out runs/own-pictures]

The rival is a plain GAN of the recipe's sizes, rates and batch (Radford et al. 2016): no codes, no Q, batch norm in all
of D's convolutions but the first, and D's logit from a last convolution. It trains for the seconds that the recipe
took; its G is averaged, and its batch norms' statistics are taken, as infogan does it. Both are measured on as many of
G's pictures as are held out, 1,000 at most: the mean pixel, and the sliced Wasserstein distance by level, beside that
of as many training pictures. A JSON line for each seed; the recipe's pictures lie in the run folders, the rival's
beside them.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan import Images, InfoGAN, RunSpec, Split, read_run, train
from infogan.app.pictures import draw, sample_panel
from infogan.evaluation import measure_effect, measure_information, sliced_wasserstein
from infogan.layers import initialise

MOST = 1000
"""Pictures of each set that are compared."""


class Rival(nn.Module):
    """G and D of a DCGAN for 32x32 pictures, with as many maps as the recipe's."""

    def __init__(self, channels: int, width: int, noise: int) -> None:
        super().__init__()
        maps = [4 * width, 2 * width, width]
        up = [nn.ConvTranspose2d(noise, maps[0], 4), nn.BatchNorm2d(maps[0]), nn.ReLU()]
        for before, after in pairwise(maps):
            up += [nn.ConvTranspose2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.ReLU()]
        down: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for before, after in pairwise(maps[::-1]):
            down += [nn.Conv2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        self.g = initialise(nn.Sequential(*up, nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Sigmoid()))
        self.d = initialise(nn.Sequential(*down, nn.Conv2d(maps[0], 1, 4)))


def train_rival(pixels: Tensor, spec: RunSpec, seconds: float, seed: int) -> tuple[Tensor, int]:
    """`MOST` pictures of a rival trained that long, uint8, and its steps."""
    t = spec.training
    torch.manual_seed(seed)
    model = Rival(pixels.shape[1], spec.model.generator.width, 100)  # type: ignore[attr-defined]
    mean = copy.deepcopy(model.g)
    g_adam = torch.optim.Adam(model.g.parameters(), lr=t.g_lr, betas=t.betas, fused=True)
    d_adam = torch.optim.Adam(model.d.parameters(), lr=t.d_lr, betas=t.betas, fused=True)
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        real = pixels[torch.randint(len(pixels), (t.batch_size,))].float() / 255
        fake = model.g(torch.randn(t.batch_size, 100, 1, 1))
        d_adam.zero_grad()
        (F.softplus(-model.d(real)).mean() + F.softplus(model.d(fake.detach())).mean()).backward()
        d_adam.step()
        g_adam.zero_grad()
        F.softplus(-model.d(fake)).mean().backward()
        g_adam.step()
        with torch.no_grad():
            torch._foreach_lerp_(list(mean.parameters()), list(model.g.parameters()), 1 - t.ema)
        steps += 1
    with torch.no_grad():  # batch norm by its mean statistics over 16 batches, as infogan saves a model
        for norm in (layer for layer in mean if isinstance(layer, nn.BatchNorm2d)):
            norm.reset_running_stats()
            norm.momentum = None
        for _ in range(16):
            mean.train()(torch.randn(t.batch_size, 100, 1, 1))
        made = mean.eval()(torch.randn(MOST, 100, 1, 1))
    return (255 * made).round().to(torch.uint8), steps


def pixels_of(spec: RunSpec, split: Split) -> Tensor:
    """The pictures of a split, which have to fit into memory."""
    pictures = spec.data.load(split)
    if not isinstance(pictures, Images):
        raise ValueError(f"{spec.data}: these are too many pictures for a comparison")
    return pictures.pixels


def measured(made: Tensor, held_out: Tensor) -> dict[str, Any]:
    """Of pictures, uint8: the mean pixel from -1 to 1, and the distance from held-out ones."""
    n = min(len(held_out), len(made), MOST)
    distance = sliced_wasserstein(held_out[:n], made[:n])
    return {"mean": _mean(made[:n]), "swd": {level: round(value, 4) for level, value in distance.items()}}


def _mean(pixels: Tensor) -> float:
    return round(float(pixels.float().mean()) / 127.5 - 1, 3)


def codes_of(model: InfoGAN) -> dict[str, Any]:
    """Information of each code in nats, its entropy, and its share of the variance of pictures."""
    information, effect = measure_information(model, n=2000), measure_effect(model, n=1000)
    return {name: {**vars(information[name]), "effect": round(effect[name].in_all, 4)} for name in model.spec.codes}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="The recipe pictures-small beside a textbook DCGAN.")
    parser.add_argument("folder")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--out", type=Path, default=Path("runs/own-pictures"))
    asked = parser.parse_args()
    for seed in asked.seeds:
        settings = [f"data.folder={asked.folder}", f"training.seed={seed}", f"training.steps={asked.steps}"]
        spec = read_run("pictures-small", settings)
        out = asked.out / f"{Path(asked.folder).name}-{seed}"
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            start = time.perf_counter()
            model = train(spec, out)
            seconds = time.perf_counter() - start
        learnt, held_out = (pixels_of(spec, split) for split in ("train", "test"))
        learnt = learnt[torch.randperm(len(learnt))]
        ours = (255 * (model.sample(MOST, seed=1) + 1) / 2).round().to(torch.uint8)
        theirs, steps = train_rival(learnt, spec, seconds, seed)
        for name, pixels in (("ours", ours), ("rival", theirs)):
            draw([sample_panel(pixels[:60].float() / 127.5 - 1, [""] * 60, name, columns=12)]).save(out / f"{name}.png")
        line = {
            "seed": seed,
            "seconds": round(seconds),
            "steps": {"ours": asked.steps, "rival": steps},
            "data": measured(learnt, held_out),
            "ours": measured(ours, held_out),
            "rival": measured(theirs, held_out),
            "codes": codes_of(model),
            "warnings": [str(warning.message) for warning in caught],
        }
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
