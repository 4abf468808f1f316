"""The sizes of levels: how often sides can be halved, and where doublings have to begin."""

from __future__ import annotations

import pytest
import torch

from infogan import ImageShape
from infogan.layers import CenterCrop, halvings, initial_size


@pytest.mark.parametrize("min_side", [1, 4, 7, 16])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (28, 45), (64, 63), (200, 9)])
def test_sides_are_halved_as_often_as_they_stay_long_enough(height: int, width: int, min_side: int) -> None:
    times = halvings(ImageShape(channels=1, height=height, width=width), min_side=min_side)
    shorter = min(height, width)
    assert times >= 0
    assert shorter >> (times + 1) < min_side
    assert times == 0 or shorter >> times >= min_side


def test_sides_below_8_are_refused() -> None:
    with pytest.raises(ValueError, match="sides of at least 8 pixels, not 7x64"):
        halvings(ImageShape(channels=1, height=7, width=64))


@pytest.mark.parametrize("times", [0, 1, 3])
def test_doublings_reach_the_picture_and_the_crop_leaves_its_middle(times: int) -> None:
    image = ImageShape(channels=2, height=28, width=45)
    rows, columns = initial_size(image, times)
    assert 0 <= (rows << times) - image.height < 1 << times
    assert 0 <= (columns << times) - image.width < 1 << times
    larger = torch.rand(3, 2, rows << times, columns << times)
    cropped = CenterCrop(image)(larger)
    assert tuple(cropped.shape) == (3, *image.dims)
    top, left = ((rows << times) - 28) // 2, ((columns << times) - 45) // 2
    assert torch.equal(cropped, larger[:, :, top : top + 28, left : left + 45])
