"""Sliced Wasserstein distance between sets of pictures, level by level: at which scale two sets differ."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

PATCH = 7
"""Pixels on a side of the patches that are compared."""

COARSEST = 12
"""Least shorter side of a level that is made by halving. The paper halves as long as 16 pixels are left; for sides that
are powers of 2 that is the same, and of others, such as 28, the coarsest level is the one nearest to 16."""

PATCHES = 128
"""Patches of one picture on each level."""

DIRECTIONS = 512
"""Random directions that patches are projected on."""

DIRECTIONS_AT_ONCE = 32
PIXELS_AT_ONCE = 2**23
"""What is held of a pyramid at once, in numbers: 32 MiB."""


def sliced_wasserstein(
    real: Tensor, fake: Tensor, *, patches: int = PATCHES, directions: int = DIRECTIONS, seed: int = 0
) -> dict[str, float]:
    """Sliced Wasserstein distance of the patches of two sets of pictures on each level of a Laplacian pyramid (Karras
    et al. 2018, section 5), finest level first, by its size: ``{"32x32": 0.012, "16x16": 0.015}``.

    Both sets are ``(n, channels, height, width)`` uint8, with n the same. From each picture's level ``patches`` patches
    of 7x7 pixels are taken at random places, their channels brought to mean 0 and standard deviation 1 over all
    patches of the set, and projected on random ``directions``; on each the distance is the mean one between the two
    sets' numbers in ascending order, and the level's the mean over directions, at least 0. The n-th pictures of both
    sets give their patches at the same places: so equal sets are at 0 exactly, and the distance is symmetric.

    What all pictures of a set have in common in brightness and contrast is not seen, as each set is brought to mean 0
    and standard deviation 1 by itself. A sample has a distance from any other of the same law, which falls as
    1 / sqrt(n): compare with that of two real sets of n. ``seed`` gives places and directions. It is computed on the
    device of the pictures, and holds the patches of one level at a time: 4 x n x patches x 49 x channels bytes for
    each set, and about as much for both while it computes.

    Raises ValueError where the sets differ in shape, are empty, or have pictures of fewer than 7 pixels on a side.

    >>> bars = torch.zeros(8, 1, 16, 16, dtype=torch.uint8)
    >>> bars[..., ::4] = 255
    >>> sliced_wasserstein(bars, bars)
    {'16x16': 0.0}
    """
    if real.shape != fake.shape or real.ndim != 4 or not len(real):
        raise ValueError(
            f"both sets have to be as many pictures of one shape, (n, channels, height, width), not "
            f"{tuple(real.shape)} and {tuple(fake.shape)}"
        )
    n, channels, height, width = real.shape
    sizes = level_sizes(height, width)
    if not sizes:
        raise ValueError(f"pictures have to be {PATCH} pixels wide and high at least, not {width}x{height}")
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for level, (rows, columns) in enumerate(sizes):
        top = torch.randint(rows - PATCH + 1, (n, patches), generator=generator)
        left = torch.randint(columns - PATCH + 1, (n, patches), generator=generator)
        onto = F.normalize(torch.randn(directions, channels * PATCH**2, generator=generator), dim=1).to(real.device)
        # The patches of one level are let go of before those of the next are taken.
        found[f"{columns}x{rows}"] = _mean_distance(
            *(_normalised(_patches(side, len(sizes), level, top, left)) for side in (real, fake)), onto=onto
        )
    return found


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """(height, width) of the levels of pictures, finest first; none where a picture is smaller than a patch.

    >>> level_sizes(64, 64), level_sizes(28, 28), level_sizes(8, 8), level_sizes(4, 4)
    ([(64, 64), (32, 32), (16, 16)], [(28, 28), (14, 14)], [(8, 8)], [])
    """
    sizes = [(height, width)] if min(height, width) >= PATCH else []
    while min(height, width) / 2 >= COARSEST:
        height, width = math.ceil(height / 2), math.ceil(width / 2)
        sizes.append((height, width))
    return sizes


def laplacian_pyramid(images: Tensor, levels: int) -> list[Tensor]:
    """What each of ``levels`` levels adds to the coarser ones, finest first (Burt and Adelson 1983).

    Takes ``(n, channels, height, width)``, and each level has half the height and width of the one before, rounded up.
    The last is the picture itself made small, and the levels add up to the picture.
    """
    pyramid = [images.float()]
    for _ in range(1, levels):
        halved = _halved(pyramid[-1])
        pyramid[-1] = pyramid[-1] - _doubled(halved, *pyramid[-1].shape[2:])
        pyramid.append(halved)
    return pyramid


def _halved(images: Tensor) -> Tensor:
    """Smoothed, and every other row and column of it."""
    return _smoothed(_smoothed(images, 2)[:, :, ::2], 3)[..., ::2]


def _doubled(images: Tensor, height: int, width: int) -> Tensor:
    """The pixels with zeros between them, smoothed by a kernel of sum 4, which puts their means there."""
    spread = images.new_zeros(*images.shape[:2], height, width)
    spread[:, :, ::2, ::2] = images
    return _smoothed(_smoothed(spread, 2), 3) * 4


def _smoothed(images: Tensor, axis: int) -> Tensor:
    """By (1, 4, 6, 4, 1) / 16 along one axis, mirrored at the borders.

    Sums of shifted pictures: a convolution may compute in tf32 on a GPU. In fp32 these are exact on the first levels,
    so that flat pictures leave 0 and not rounding, which would be brought to standard deviation 1.
    """
    size = images.shape[axis]
    places = torch.arange(-2, size + 2, device=images.device).abs()
    mirrored = images.index_select(axis, torch.where(places < size, places, 2 * (size - 1) - places))
    a, b, c, d, e = (mirrored.narrow(axis, shift, size) for shift in range(5))
    return (a + e + 4 * (b + d) + 6 * c) / 16


def _patches(pictures: Tensor, levels: int, level: int, top: Tensor, left: Tensor) -> Tensor:
    """Patches ``(n * patches, channels, 7, 7)`` of one of the pictures' levels, by their places ``(n, patches)``."""
    n, channels = pictures.shape[:2]
    found = torch.empty(*top.shape, channels, PATCH, PATCH, device=pictures.device)
    at_once = max(1, PIXELS_AT_ONCE // pictures[0].numel())
    for some in torch.arange(n).split(at_once):
        windows = laplacian_pyramid(pictures[some], levels)[level].unfold(2, PATCH, 1).unfold(3, PATCH, 1)
        own = torch.arange(len(some)).unsqueeze(1)
        found[some] = windows[own, :, top[some], left[some]]
    return found.flatten(0, 1)


def _normalised(patches: Tensor) -> Tensor:
    """Rows of mean 0 and standard deviation 1 in each channel over all patches; a channel without spread becomes 0."""
    std, mean = torch.std_mean(patches, dim=(0, 2, 3), correction=0, keepdim=True)
    return patches.sub_(mean).div_(std.where(std > 0, 1)).flatten(1)


def _mean_distance(x: Tensor, y: Tensor, *, onto: Tensor) -> float:
    """Mean over directions of the distance in one dimension of rows ``(n, features)``."""
    by_direction = [
        (_sorted(some @ x.T) - _sorted(some @ y.T)).abs().mean(dim=1) for some in onto.split(DIRECTIONS_AT_ONCE)
    ]
    return float(torch.cat(by_direction).double().mean())


def _sorted(rows: Tensor) -> Tensor:
    """Each row in ascending order."""
    if rows.device.type != "cpu":
        return rows.sort(dim=1).values
    rows.numpy().sort(axis=1)  # in place; torch finds the order as well, in thirty times the time
    return rows
