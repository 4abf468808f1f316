"""Do the paper's networks learn?

    python benchmarks/train_architectures.py [NAME ...] [--steps 200] [--batch 16] [--json]

Trains each of them for a while with the rates and weights of its recipe, on sprites of its size, which need no
download, and prints what its losses and its information were in the first tenth of the steps and in the last one.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import torch
from torch import nn

from infogan import Data, ImageShape, ModelSpec, Registry, RunSpec
from infogan.core.data import Images, Split
from infogan.files.strict_yaml import parse
from infogan.model.build import dry_run
from infogan.plugins.sprites import Sprites
from infogan.training.feed import batches_from
from infogan.training.iteration import Iteration
from infogan.training.loop import initial_state
from infogan.training.run import TrainingSpec

RECIPES = {
    "mnist": "mnist-table",
    "svhn": "svhn",
    "celeba": "celeba",
    "faces": "faces-azimuth",
    "chairs": "chairs-rotation",
}
"""The recipe that stands for each of the paper's architectures."""


class TintedSprites(Data):
    """The embedded sprites, each in a light colour on a dark one; in shades of gray where there is one channel."""

    kind: Literal["tinted_sprites"] = "tinted_sprites"
    channels: int = 3
    """1 for gray, 3 for RGB."""
    size: int = 32
    """Rows, and columns, of pixels."""
    n: int = 2000
    """Pictures in each split."""

    @property
    def image(self) -> ImageShape:
        return ImageShape(channels=self.channels, height=self.size, width=self.size)

    def load(self, split: Split) -> Images:
        sprites = Sprites(size=self.size, n=self.n, n_test=self.n).load(split)
        dark, light = torch.rand(2, self.n, self.channels, 1, 1, generator=torch.Generator().manual_seed(0))
        pixels = torch.lerp(80 * dark, 175 + 80 * light, sprites.pixels / 255)
        return Images(pixels.round().to(torch.uint8))


def run_spec(recipe: str, **training: Any) -> RunSpec:
    """The run of a recipe on sprites in place of its own pictures, with other settings for its training."""
    values = parse(Registry(entry_points=False).recipe(recipe), recipe).values
    model = ModelSpec.model_validate(values["model"])
    data = TintedSprites(channels=model.image.channels, size=model.image.height, range=model.generator.range)
    return RunSpec(model=model, data=data, training=TrainingSpec(**{**values["training"], **training}))


def train(spec: RunSpec) -> list[dict[str, float]]:
    """What `training_step` reports, step by step, on the CPU."""
    device, t = torch.device("cpu"), spec.training
    state = initial_state(spec, device)
    state.model.train()
    iterate = Iteration(spec, state, device)
    feed = batches_from(spec.data.load("train"), batch_size=t.batch_size, seed=t.seed, start=0, device=device)
    return [{name: float(value) for name, value in iterate(step, feed(step)).items()} for step in range(t.steps)]


def report(name: str, steps: int, batch_size: int) -> dict[str, Any]:
    """One architecture's line: sizes, time, and the means over the first and the last tenth of its steps."""
    spec = run_spec(RECIPES[name], steps=steps, batch_size=batch_size)
    start = time.process_time()
    values = train(spec)
    seconds = time.process_time() - start
    tenth = math.ceil(steps / 10)
    return {
        "architecture": name,
        "recipe": RECIPES[name],
        "image": str(spec.model.image),
        **_parameters(spec),
        "steps": steps,
        "batch_size": batch_size,
        "cpu_seconds": round(seconds, 1),
        "first": _mean(values[:tenth]),
        "last": _mean(values[-tenth:]),
        "entropy": spec.model.latents.entropy,
    }


def _parameters(spec: RunSpec) -> dict[str, int]:
    def count(network: nn.Module) -> int:
        return sum(weight.numel() for weight in network.parameters())

    generator, discriminator = dry_run(spec.model)
    return {"g_parameters": count(generator), "dq_parameters": count(discriminator)}


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def table(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A Markdown table, row by row. Information is the sum over the codes, in nats."""
    yield "| recipe | pictures | parameters of G, D and Q | D's game | G's game | information | CPU s |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for line in lines:
        first, last = line["first"], line["last"]
        cells = [
            f"`{line['recipe']}`",
            line["image"],
            f"{line['g_parameters']:,}, {line['dq_parameters']:,}",
            f"{first['d/adversarial']:.2f} -> {last['d/adversarial']:.2f}",
            f"{first['g/adversarial']:.2f} -> {last['g/adversarial']:.2f}",
            f"{information(first):.2f} -> {information(last):.2f}",
            f"{line['cpu_seconds']:.0f}",
        ]
        yield f"| {' | '.join(cells)} |"


def information(values: Mapping[str, float]) -> float:
    """L_I over all codes, in nats."""
    return sum(nats for name, nats in values.items() if name.startswith("information/"))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Train the paper's networks on embedded sprites.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones; all unless given: {', '.join(RECIPES)}")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=16, help="pictures in a batch")
    parser.add_argument("--json", action="store_true", help="print lines of JSON in place of a table")
    asked = parser.parse_args()
    unknown = sorted(set(asked.names) - RECIPES.keys())
    if unknown:
        parser.error(f"there is no architecture {', '.join(unknown)}; there are {', '.join(RECIPES)}")
    lines = (report(name, asked.steps, asked.batch) for name in asked.names or RECIPES)
    for line in map(json.dumps, lines) if asked.json else table(lines):
        print(line, flush=True)


if __name__ == "__main__":
    main()
