"""What the sprites are: factors that match the pictures, coverage, borders, seeds; and the networks' shapes."""

from __future__ import annotations

import math

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

import infogan
from infogan.core.network import ImageShape
from infogan.plugins.sprites import Sprites, SpritesBody, SpritesGenerator, render
from infogan.plugins.sprites.data import SHAPES

SQUARE, ELLIPSE, HEART = range(len(SHAPES))
AREA = {SQUARE: 2.0, ELLIPSE: math.pi / 2, HEART: (1 + math.pi / 4) / 0.92867**2}
"""Area of each shape at scale 1, by elementary geometry."""


def sprite(
    shape: int, *, scale: float = 0.5, orientation: float = 0.0, x: float = 0.0, y: float = 0.0, size: int = 32
) -> Tensor:
    """One picture, ``(size, size)`` in [0, 1]."""
    factors = (torch.tensor([value]) for value in (scale, orientation, x, y))
    return render(torch.tensor([shape]), *factors, size=size)[0, 0]


def coverage(picture: Tensor) -> float:
    """Area of a sprite, in units in which the picture is 2 x 2."""
    return float(picture.sum()) * (2 / len(picture)) ** 2


every_shape = pytest.mark.parametrize("shape", range(len(SHAPES)), ids=SHAPES)


@every_shape
@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (0.3, -0.2), (-0.4, 0.1)])
@pytest.mark.parametrize("orientation", [0.0, 33.0, 200.0])
def test_centre_of_mass_is_x_to_the_right_and_y_up(shape: int, x: float, y: float, orientation: float) -> None:
    picture = sprite(shape, x=x, y=y, orientation=orientation, size=64)
    across = (torch.arange(64) + 0.5) / 32 - 1
    assert float((picture.sum(0) * across).sum() / picture.sum()) == pytest.approx(x, abs=0.005)
    assert float((picture.sum(1) * -across).sum() / picture.sum()) == pytest.approx(y, abs=0.005)


@every_shape
@pytest.mark.parametrize("orientation", [0.0, 45.0, 77.0])
@pytest.mark.parametrize("scale", [0.5, 0.9])
def test_coverage_is_the_area(shape: int, orientation: float, scale: float) -> None:
    picture = sprite(shape, scale=scale, orientation=orientation, x=0.013, y=-0.021)
    assert coverage(picture) == pytest.approx(AREA[shape] * scale**2, rel=0.01)


@every_shape
def test_scale_is_the_radius_of_the_circle_that_holds_the_sprite(shape: int) -> None:
    picture = sprite(shape, scale=0.7, orientation=20.0, size=256)
    across = (torch.arange(256) + 0.5) / 128 - 1
    distance = (across[None, :].square() + across[:, None].square()).sqrt()
    assert float(distance[picture > 0.5].max()) == pytest.approx(0.7, abs=0.015)


@every_shape
def test_a_quarter_turn_is_counterclockwise(shape: int) -> None:
    for orientation in (0.0, 25.0):
        turned = sprite(shape, orientation=orientation + 90)
        torch.testing.assert_close(turned, sprite(shape, orientation=orientation).rot90(), atol=1e-4, rtol=0)


def test_each_shape_has_its_own_symmetry() -> None:
    """The turns that leave a sprite as it is: 90 degrees of a square, 180 of an ellipse, 360 of a heart."""
    for shape, period in ((SQUARE, 90), (ELLIPSE, 180), (HEART, 360)):
        start = sprite(shape, orientation=10.0)
        for turn in (45, 90, 180, 360):
            change = float((sprite(shape, orientation=10.0 + turn) - start).abs().max())
            assert change < 1e-3 if turn % period == 0 else change > 0.5, (SHAPES[shape], turn)


def test_a_heart_stands_on_its_tip_and_mirrors_left_and_right() -> None:
    heart = sprite(HEART, scale=0.9, size=64)
    torch.testing.assert_close(heart, heart.fliplr(), atol=1e-5, rtol=0)
    rows = (heart > 0.5).sum(1)
    occupied = rows.nonzero()[:, 0]
    assert rows[occupied[-1]] <= 4
    assert rows[occupied[0]] > 4
    assert rows.argmax() < 32


def test_the_ellipse_lies_along_x_and_is_twice_as_long_as_high() -> None:
    ellipse = sprite(ELLIPSE, scale=0.8, size=128) > 0.5
    assert int(ellipse.any(0).sum()) == pytest.approx(0.8 * 128, abs=2)
    assert int(ellipse.any(1).sum()) == pytest.approx(0.4 * 128, abs=2)


@every_shape
def test_outlines_are_gray_and_the_rest_is_black_or_white(shape: int) -> None:
    picture = sprite(shape, scale=0.6, orientation=17.0)
    gray = int(((picture > 0) & (picture < 1)).sum())
    around = 2 * math.pi * 0.6 * 16
    assert around / 2 < gray < 2 * around
    assert picture.min() == 0
    assert picture.max() == 1


def test_each_split_holds_pictures_of_its_factors() -> None:
    data = Sprites(n=3000, n_test=10, size=16)
    train = data.load("train")
    assert train.pixels.shape == (3000, 1, 16, 16)
    assert train.pixels.dtype == torch.uint8
    assert set(train.factors) == set(data.factors)
    assert train.factors["shape"].dtype == torch.int64
    assert train.factors["shape"].unique().tolist() == [0, 1, 2]
    assert all(train.factors[name].dtype == torch.float32 for name in ("scale", "orientation", "x", "y"))
    i = [0, 1500, 2999]
    factors = [train.factors[name][i] for name in ("shape", "scale", "orientation", "x", "y")]
    torch.testing.assert_close(train.pixels[i], (render(*factors, size=16) * 255).round().to(torch.uint8))
    assert len(data.load("test")) == 10


def test_factors_fill_their_intervals_and_nothing_else() -> None:
    data = Sprites(n=5000, size=8, scale=(0.3, 0.5), orientation=(-45.0, 45.0), position=(-0.2, 0.4))
    factors = data.load("train").factors
    intervals = {"scale": data.scale, "orientation": data.orientation, "x": data.position, "y": data.position}
    for name, (low, high) in intervals.items():
        margin = (high - low) * 0.01
        assert low <= factors[name].min() < low + margin
        assert high - margin < factors[name].max() <= high
    drawn = torch.stack([factors[name] for name in intervals])
    off_diagonal = torch.corrcoef(drawn) - torch.eye(4)
    assert off_diagonal.abs().max() < 0.06


def test_a_factor_can_stand_still() -> None:
    factors = Sprites(n=50, size=8, scale=(0.5, 0.5), orientation=(0.0, 0.0)).load("train").factors
    assert factors["scale"].unique().tolist() == [0.5]
    assert factors["orientation"].unique().tolist() == [0.0]


def test_the_seed_and_the_split_decide_the_pictures() -> None:
    first = Sprites(n=40, n_test=40, size=16, seed=3)
    train, test = first.load("train"), first.load("test")
    assert torch.equal(train.pixels, first.load("train").pixels)
    seen = {tuple(factors) for factors in zip(*(values.tolist() for values in train.factors.values()), strict=True)}
    held_out = {tuple(factors) for factors in zip(*(values.tolist() for values in test.factors.values()), strict=True)}
    assert len(seen) == len(held_out) == 40
    assert not seen & held_out
    others = [first.model_copy(update={"seed": seed}).load(split) for seed in (2, 4) for split in ("train", "test")]
    assert all(not torch.equal(train.pixels, other.pixels) for other in others)
    assert all(not torch.equal(test.pixels, other.pixels) for other in others)


@pytest.mark.parametrize(("size", "tolerance"), [(8, 0.25), (33, 0.02), (64, 0.01)])
def test_nothing_is_cut_off_at_the_border(size: int, tolerance: float) -> None:
    data = Sprites(n=2000, size=size, scale=(0.4, 0.6), position=(-0.4, 0.4))
    images = data.load("train")
    assert images.pixels.shape[1:] == data.image.dims == (1, size, size)
    areas = torch.tensor([AREA[shape] for shape in range(len(SHAPES))])[images.factors["shape"]]
    expected = areas * images.factors["scale"].square() * (size / 2) ** 2
    covered = images.pixels.sum(dim=(1, 2, 3)) / 255
    torch.testing.assert_close(covered, expected, rtol=tolerance, atol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": (0.4, 0.7), "position": (-0.4, 0.1)}, "add up to at most 1"),
        ({"scale": (0.4, 0.7), "position": (-0.1, 0.4)}, "add up to at most 1"),
        ({"scale": (0.0, 0.5)}, "greater than 0"),
        ({"orientation": (90.0, 0.0)}, "from low to high"),
        ({"size": 4}, "greater than or equal to 8"),
        ({"n": 0}, "greater than or equal to 1"),
    ],
)
def test_data_that_cannot_be_drawn_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Sprites.model_validate(options)


@pytest.mark.parametrize("dims", [(1, 32, 32), (3, 64, 64), (1, 24, 40)])
def test_networks_make_and_read_pictures_with_sides_that_8_divides(dims: tuple[int, int, int]) -> None:
    image = ImageShape(channels=dims[0], height=dims[1], width=dims[2])
    generator, body = SpritesGenerator(), SpritesBody()
    pictures = generator.build(21, image)(torch.randn(4, 21))
    low, high = generator.range
    assert pictures.shape == (4, *dims)
    assert low <= pictures.min() <= pictures.max() <= high
    assert body.build(image)(pictures).shape == (4, body.features)


def test_the_regular_gan_is_the_recipe_with_q_reading_along() -> None:
    sprites, regular = (infogan.read_run(name).model_dump() for name in ("sprites", "sprites-regular"))
    information = sprites["model"]["losses"].pop("information")
    assert regular["model"]["losses"].pop("information") == {**information, "routing": "reading", "warmup": 0}
    assert regular == sprites


@pytest.mark.parametrize("height", [28, 33])
def test_networks_refuse_other_sizes(height: int) -> None:
    image = ImageShape(channels=1, height=height, width=32)
    for build in (lambda: SpritesGenerator().build(21, image), lambda: SpritesBody().build(image)):
        with pytest.raises(ValueError, match=rf"sides that 8 divides, not {height}x32"):
            build()
