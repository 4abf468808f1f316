"""What the measures of quality make of real pictures that were spoilt: python examples/quality_sensitivity.py mnist.

Training pictures of a recipe's data, blurred, noisy, without some of their classes, or few of them over and over,
against the held-out ones. A second argument names the folder of the feature network, as `infogan quality --features`
does; `--no-labels` instead of it has the features that need none.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

import infogan
from infogan.evaluation import compare_features, kept_features, sliced_wasserstein, train_features


def spoilt(pixels: Tensor, classes: Tensor, n: int) -> Iterator[tuple[str, Tensor]]:
    """``n`` of the pictures ``(m, channels, height, width)``, uint8, in a random order, spoilt in each of the ways."""
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(pixels), generator=generator)
    pixels, classes = pixels[order], classes[order]
    yield "as they are", pixels[:n]
    for sigma in (0.5, 0.75, 1.0, 2.0):
        yield f"blurred, sigma {sigma} pixels", gaussian_blur(pixels[:n], 9, sigma)
    noise = 127.5 * torch.randn(pixels[:n].shape, generator=generator)
    for std in (0.1, 0.2, 0.4, 0.8):
        yield f"noisy, std {std} of half the range", (pixels[:n] + std * noise).round().clamp(0, 255).to(torch.uint8)
    for missing in range(1, int(classes.max()), 2):
        yield f"without {missing} of the classes", pixels[classes >= missing][:n]
    yield "a tenth of them, ten times", pixels[: n // 10].repeat(10, 1, 1, 1)
    yield "brighter, and of less contrast", (pixels[:n] * 0.75 + 63).to(torch.uint8)
    yield "gray", torch.full_like(pixels[:n], 127)


def main(recipe: str, folder: str | None = None) -> None:
    """Print a row for each way."""
    data = infogan.read_run(recipe).data
    if folder == "--no-labels":
        network = train_features(data, labels=False)
    else:
        network = train_features(data) if folder is None else kept_features(data, Path(folder))
    train, test = data.load("train"), data.load("test")
    factor, n = next(name for name, classes in data.factors.items() if classes), min(10_000, len(test))
    order = torch.randperm(len(test), generator=torch.Generator().manual_seed(1))[
        :n
    ]  # MNIST's first are the cleaner ones
    pictures = test.pixels[order]
    real = network.features(pictures.split(512))
    print(f"{n} pictures of {recipe}, in features of {network.description}")
    if factor in network.classes:
        error = (network.logits(real)[factor].argmax(dim=1) != test.factors[factor][order]).float().mean()
        print(f"which errs on {error:.2%} of the held-out ones")
    for name, pixels in spoilt(train.pixels, train.factors[factor], n):
        found = compare_features(real, network.features(pixels.split(512)))
        kid = f"{1000 * found.kid:.2f} ± {1000 * found.kid_error:.2f}"
        few = min(len(pixels), n, 4096)
        by_level = [f"{1000 * distance:.1f}" for distance in sliced_wasserstein(pictures[:few], pixels[:few]).values()]
        row = [name, kid, f"{found.precision:.3f}", f"{found.recall:.3f}", *by_level]
        print("|", " | ".join(row), "|", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
