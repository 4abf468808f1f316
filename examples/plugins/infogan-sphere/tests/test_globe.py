"""The data are what they say, and the whole is a plugin."""

import infogan_sphere
import pytest
import torch
from infogan_sphere import Globe
from infogan_sphere.globe import render
from pydantic import ValidationError

from infogan.testing import check_plugin


def test_is_a_plugin():
    registry = check_plugin(
        infogan_sphere, "infogan-sphere", examples=[infogan_sphere.Sphere(), Globe(n=200, n_test=100, size=16)]
    )
    assert registry.find("data", "globe") is Globe
    assert "globe" in registry.recipes


def test_the_light_comes_from_where_the_factors_say():
    images = Globe(n=200).load("train")
    light = torch.stack([images.factors[axis] for axis in ("right", "up", "towards")], dim=1)
    torch.testing.assert_close(light.norm(dim=1), torch.ones(200))
    pixels = images.pixels.float() / 255
    # Inside the ball brightness is (1 + normal . light) / 2, so that a regression on the normals has the light back.
    places = (torch.arange(32) + 0.5) / 16 - 1
    for picture, direction, radius in zip(pixels, light, images.factors["radius"], strict=True):
        right, up = places / radius, -places[:, None] / radius
        towards = (1 - right**2 - up**2).clamp_min(0).sqrt().expand(32, 32)
        inside = torch.hypot(right.expand(32, 32), up.expand(32, 32)) < 0.9
        normals = torch.stack([right.expand(32, 32)[inside], up.expand(32, 32)[inside], towards[inside]], dim=1)
        found = torch.linalg.lstsq(normals, (2 * picture[0][inside] - 1)[:, None]).solution[:, 0]
        torch.testing.assert_close(found, direction, atol=0.01, rtol=0)


def test_light_from_the_front_back_and_sides():
    axes = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    front, back, right, above = render(axes, torch.full((4,), 0.8), 64)[:, 0]
    middle, rim = (32, 32), (32, 56)  # the rim is at column 57.6
    assert front[middle] > 0.99
    assert front[rim] == pytest.approx(0.6, abs=0.1)
    assert back[middle] < 0.01
    assert back[rim] == pytest.approx(0.4, abs=0.1)
    assert right[32, 50] > 0.7 > 0.3 > right[32, 14]
    assert above[14, 32] > 0.7 > 0.3 > above[50, 32]  # the first row is the highest


def test_the_rim_is_covered_in_part():
    drawn = render(torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([0.7]), 16)[0, 0]
    exact = render(torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([0.7]), 256)[0, 0]
    blocks = exact.reshape(16, 16, 16, 16).mean(dim=(1, 3))
    assert (drawn - blocks).abs().max() < 0.1


def test_the_same_seed_gives_the_same_pictures_and_another_others():
    first, second, other = (Globe(n=20, seed=seed).load("train").pixels for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("radius", [[0, 0.5], [0.8, 0.6], [0.5, 1.1]])
def test_a_ball_has_to_fit(radius):
    with pytest.raises(ValidationError, match="has to go from low to high, above 0 and at most 1"):
        Globe(radius=radius)
