"""Sliced Wasserstein distance by level, on pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve
from scipy.stats import wasserstein_distance
from torchvision.transforms.functional import gaussian_blur

from infogan.evaluation import sliced_wasserstein
from infogan.evaluation.sliced import laplacian_pyramid, level_sizes
from infogan.registry import Registry

SPRITES = Registry(entry_points=False).find("data", "sprites")


@pytest.fixture(scope="module")
def halves():
    """Two sets of sprites of one law."""
    pixels = SPRITES(size=32, n=400, n_test=1).load("train").pixels
    return pixels[:200], pixels[200:]


def distances(real, fake, **options):
    """By level, finest first, with few patches and directions."""
    return list(sliced_wasserstein(real, fake, **{"patches": 16, "directions": 64, **options}).values())


def noisy(pixels, std):
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(0))
    return (pixels + 127.5 * std * noise).round().clamp(0, 255).to(torch.uint8)


def shaded(pixels, strength):
    """Each picture with a slope of brightness of its own from left to right."""
    slope = torch.randn(len(pixels), 1, 1, 1, generator=torch.Generator().manual_seed(0))
    ramp = torch.linspace(-1, 1, pixels.shape[3])
    return (pixels * 0.5 + 64 + strength * slope * ramp).round().clamp(0, 255).to(torch.uint8)


def test_equal_sets_are_at_0_and_the_sides_can_change_places(halves):
    real, other = halves
    assert distances(real, real) == [0, 0]
    assert distances(real, other) == distances(other, real)
    assert min(distances(real, other)) > 0


def test_the_seed_gives_places_and_directions_and_the_global_state_is_left_alone(halves):
    before = torch.get_rng_state()
    assert distances(*halves) == distances(*halves)
    assert distances(*halves, seed=1) != distances(*halves)
    assert distances(*halves, seed=1) == pytest.approx(distances(*halves), rel=0.3)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("damage", ["blur", "noise"])
def test_it_grows_with_the_damage_and_two_real_sets_are_the_floor(halves, damage):
    real, other = halves
    spoilt = {"blur": lambda s: gaussian_blur(other, 9, 4 * s), "noise": lambda s: noisy(other, s)}[damage]
    finest = [distances(real, other)[0], *(distances(real, spoilt(s))[0] for s in (0.1, 0.2, 0.4))]
    assert finest == sorted(finest)
    assert finest[-1] > 4 * finest[0]


def test_it_says_at_which_level_the_damage_is(halves):
    real, other = halves
    floor = torch.tensor(distances(real, other))
    blurred = torch.tensor(distances(real, gaussian_blur(other, 9, 0.75))) / floor
    assert blurred[0] > 2 * blurred[1], "blur takes away what is fine"
    even = shaded(real, 0)
    sloped = torch.tensor(distances(even, shaded(other, 60))) / torch.tensor(distances(even, shaded(other, 0)))
    assert sloped[1] > 2 * sloped[0], "slopes are coarse"


def test_pictures_that_are_repeated_are_farther_away_than_as_many_different_ones(halves):
    real, other = halves
    assert distances(real, other[:5].repeat(40, 1, 1, 1)) > distances(real, other)


def test_brightness_and_contrast_that_all_pictures_share_are_not_seen(halves):
    real, _ = halves
    assert distances(real // 2, real // 2 + 40) == pytest.approx([0, 0], abs=1e-6)
    assert distances(real // 8, real // 8 * 4) == pytest.approx([0, 0], abs=1e-6)


def test_of_pictures_as_large_as_a_patch_it_is_the_mean_distance_of_their_projections():
    """scipy's distance in one dimension, over directions of numpy's."""
    generator = torch.Generator().manual_seed(0)
    real = torch.randint(256, (60, 2, 7, 7), generator=generator, dtype=torch.uint8)
    fake = torch.randint(256, (60, 2, 7, 7), generator=generator, dtype=torch.uint8) // 2 * real[:1].bool()
    found = sliced_wasserstein(real, fake, patches=1, directions=2000)
    rows = []
    for side in (real.double().numpy(), fake.double().numpy()):
        by_channel = side.transpose(1, 0, 2, 3).reshape(2, -1)
        mean, std = (x.reshape(1, 2, 1, 1) for x in (by_channel.mean(axis=1), by_channel.std(axis=1)))
        rows.append(((side - mean) / std).reshape(60, -1))
    onto = np.random.default_rng(0).normal(size=(2000, 98))
    onto /= np.linalg.norm(onto, axis=1, keepdims=True)
    each = [wasserstein_distance(rows[0] @ direction, rows[1] @ direction) for direction in onto]
    assert found == {"7x7": pytest.approx(np.mean(each), abs=4 * np.std(each) / 2000**0.5)}


@pytest.mark.parametrize(("height", "width"), [(32, 48), (27, 30)])
def test_the_pyramid_is_burt_and_adelsons(height, width):
    """By scipy's convolution with the whole kernel; what a level leaves out is in the coarser ones."""
    images = torch.randint(256, (3, 2, height, width), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    fine, coarse = laplacian_pyramid(images, 2)
    kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[None, None] / 256
    small = convolve(images.double().numpy(), kernel, mode="mirror")[:, :, ::2, ::2]
    spread = np.zeros(images.shape)
    spread[:, :, ::2, ::2] = small
    torch.testing.assert_close(coarse.double(), torch.from_numpy(small))
    torch.testing.assert_close(fine.double(), images - torch.from_numpy(convolve(spread, 4 * kernel, mode="mirror")))


def test_levels_end_near_16_pixels_and_small_pictures_have_one():
    assert level_sizes(128, 128) == [(128, 128), (64, 64), (32, 32), (16, 16)]
    assert level_sizes(28, 28) == [(28, 28), (14, 14)]
    assert level_sizes(25, 101) == [(25, 101), (13, 51)]
    assert level_sizes(23, 23) == [(23, 23)]
    assert level_sizes(7, 9) == [(7, 9)]
    wide = torch.randint(256, (4, 1, 24, 40), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    assert set(sliced_wasserstein(wide, wide, patches=2, directions=2)) == {"40x24", "20x12"}


def test_flat_pictures_are_as_far_away_as_numbers_of_spread_1_are_from_0(halves):
    real, _ = halves
    flat = torch.full_like(real, 127)
    assert distances(flat, flat + 1) == [0, 0]
    found = distances(real, flat)
    assert all(0.1 < level < 1 for level in found)


def test_many_pictures_are_taken_a_few_at_a_time(halves, monkeypatch):
    whole = distances(*halves)
    monkeypatch.setattr("infogan.evaluation.sliced.PIXELS_AT_ONCE", 7 * 32 * 32)
    assert distances(*halves) == whole


@pytest.mark.parametrize("shape", [(3, 1, 16, 16), (4, 1, 16, 17), (4, 16, 16), (0, 1, 16, 16)])
def test_sets_that_do_not_compare_are_refused(shape):
    other = (4, 1, 16, 16) if shape[0] else shape
    with pytest.raises(ValueError, match="as many pictures of one shape"):
        sliced_wasserstein(torch.zeros(other, dtype=torch.uint8), torch.zeros(shape, dtype=torch.uint8))


def test_pictures_smaller_than_a_patch_are_refused():
    small = torch.zeros(4, 1, 6, 20, dtype=torch.uint8)
    with pytest.raises(ValueError, match="7 pixels wide and high at least, not 20x6"):
        sliced_wasserstein(small, small)
