"""What the scenes are: pictures that a slow tracer agrees with, and the laws of their factors; and the generator."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from infogan.core.network import ImageShape
from infogan.plugins.scenes import FORMS, Scenes, ScenesGenerator, render

BOX, PYRAMID, MUG, DUCK = range(len(FORMS))
FACTORS = "shape", "hue", "scale", "azimuth", "elevation", "light"


def scene(
    shape: int,
    *,
    hue: float = 0.0,
    scale: float = 0.8,
    azimuth: float = 30.0,
    elevation: float = 35.0,
    light: float = 200.0,
    size: int = 64,
) -> Tensor:
    """One picture, ``(3, size, size)`` uint8."""
    factors = (torch.tensor([value]) for value in (hue, scale, azimuth, elevation, light))
    return render(torch.tensor([shape]), *factors, size=size)[0]


def silhouette(picture: Tensor) -> Tensor:
    """Where at least one ray meets the object: all else is gray."""
    return picture.amax(0) > picture.amin(0)


def difference(a: Tensor, b: Tensor) -> int:
    """The largest between two pictures, in levels of 256."""
    return int((a.int() - b.int()).abs().max())


every_shape = pytest.mark.parametrize("shape", range(len(FORMS)), ids=list(FORMS))


# A tracer that shares nothing with the renderer: it marches through the inequalities of the objects, written anew, in
# a world in which the object stands still and the camera and the light move around it.


def inside(shape: int, p: np.ndarray) -> np.ndarray:
    """Below 0 inside the object at points ``(..., 3)``, 0 on its surface."""
    x, y, z = np.moveaxis(p, -1, 0)

    def between(v, low, high):
        return np.maximum(low - v, v - high)

    def ellipsoid(cx, cz, a, b, c):
        return np.sqrt(((x - cx) / a) ** 2 + (y / b) ** 2 + ((z - cz) / c) ** 2) - 1

    if shape == BOX:
        return np.maximum.reduce([abs(x) - 0.8, abs(y) - 0.45, abs(z) - 0.38])
    if shape == PYRAMID:
        share = (z + 0.55) / 1.45  # of the height
        along = between(x, -0.65 + 0.3 * share, 0.65 - share)
        return np.maximum.reduce([along, abs(y) - 0.5 * (1 - share), -0.55 - z])
    if shape == MUG:
        cup = np.maximum(np.hypot(x + 0.22, y) - 0.5, abs(z) - 0.6)
        upper = np.maximum(between(x, 0.12, 0.78), between(z, 0.2, 0.36))
        lower = np.maximum(between(x, 0.12, 0.78), between(z, -0.36, -0.2))
        outer = np.maximum(between(x, 0.62, 0.78), between(z, -0.28, 0.28))
        return np.minimum(cup, np.maximum(np.minimum.reduce([upper, lower, outer]), abs(y) - 0.1))
    body, head = ellipsoid(-0.1, -0.25, 0.8, 0.5, 0.45), ellipsoid(0.42, 0.42, 0.36, 0.36, 0.36)
    return np.minimum.reduce([body, head, ellipsoid(0.74, 0.36, 0.2, 0.14, 0.08)])


FOOT = {BOX: 0.38, PYRAMID: 0.55, MUG: 0.6, DUCK: 0.7}


def heading(azimuth: float, elevation: float) -> np.ndarray:
    a, e = math.radians(azimuth), math.radians(elevation)
    return np.array([math.cos(a) * math.cos(e), math.sin(a) * math.cos(e), math.sin(e)])


def first_inside(shape: int, start: np.ndarray, toward: np.ndarray, least: float) -> np.ndarray:
    """How far from ``start`` ``(rays, 3)``, and at least ``least``, the object begins; infinite where it does not."""
    steps = np.arange(-1.05, 1.05, 0.004)
    at = steps - (start @ toward)[:, None]  # the object lies within 1 of the centre
    found = (inside(shape, start[:, None] + at[..., None] * toward) < 0) & (at > least)
    index = found.argmax(1)
    after = at[np.arange(len(at)), index]
    before = after - 0.004
    for _ in range(20):
        middle = (before + after) / 2
        within = inside(shape, start + middle[:, None] * toward) < 0
        before, after = np.where(within, before, middle), np.where(within, middle, after)
    return np.where(found.any(1), after, np.inf)


def marched(
    shape: int, *, hue: float, scale: float, azimuth: float, elevation: float, light: float, size: int
) -> np.ndarray:
    """The picture ``(3, size, size)`` in 0..255, not rounded."""
    camera = heading(-90 - azimuth, elevation)  # where it stands
    right, up, sun = heading(-azimuth, 0), heading(90 - azimuth, 90 - elevation), heading(light - azimuth, 50)
    across = (np.arange(2 * size) + 0.5) / size - 1
    v, u = np.meshgrid(-across / scale, across / scale, indexing="ij")
    start = u.reshape(-1, 1) * right + v.reshape(-1, 1) * up
    to_object = first_inside(shape, start, -camera, -np.inf)
    to_floor = (start[:, 2] + FOOT[shape]) / camera[2]
    hit = (to_object < to_floor)[:, None]
    point = start - np.minimum(to_object, to_floor)[:, None] * camera
    slopes = [inside(shape, point + step) - inside(shape, point - step) for step in 1e-5 * np.eye(3)]
    normal = np.where(hit, np.stack(slopes, -1), [0, 0, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    shaded = np.isfinite(first_inside(shape, point + 0.002 * normal, sun, 0.0))
    shine = 0.35 + 0.65 * np.where(shaded, 0, (normal @ sun).clip(0))
    colour = np.where(hit, colorsys.hsv_to_rgb(hue / 360, 0.8, 1.0), 0.75)
    return 255 * (shine[:, None] * colour).reshape(size, 2, size, 2, 3).mean((1, 3)).transpose(2, 0, 1)


@every_shape
@pytest.mark.parametrize("azimuth", [20.0, 280.0])
def test_a_slow_tracer_sees_the_same(shape: int, azimuth: float) -> None:
    """But for a few rays that graze an edge."""
    factors = {
        "hue": 2 * azimuth,
        "scale": 0.85,
        "azimuth": azimuth,
        "elevation": 15 + azimuth / 6,
        "light": 3 * azimuth,
    }
    error = np.abs(scene(shape, **factors, size=16).numpy() - marched(shape, **factors, size=16))
    assert (error > 0.51).mean() < 0.02
    assert error.max() < 70  # one ray of four, from the brightest to the darkest


# Laws.


@every_shape
def test_whole_turns_change_nothing(shape: int) -> None:
    for turned in ({"azimuth": 390.0}, {"light": -160.0}, {"hue": 360.0}):
        assert difference(scene(shape, **turned), scene(shape)) <= 1


def test_a_box_looks_the_same_after_half_a_turn_and_the_others_do_not() -> None:
    for shape in range(len(FORMS)):
        for turn in (45, 90, 120, 180):
            same = difference(scene(shape, azimuth=30.0 + turn), scene(shape)) <= 1
            assert same == (shape == BOX and turn == 180), (shape, turn)


@every_shape
@pytest.mark.parametrize(("azimuth", "light"), [(30.0, 200.0), (250.0, 300.0)])
def test_a_mirror_swaps_left_and_right_of_object_and_light(shape: int, azimuth: float, light: float) -> None:
    mirrored = scene(shape, azimuth=180 - azimuth, light=180 - light)
    assert difference(mirrored, scene(shape, azimuth=azimuth, light=light).flip(2)) <= 1


@every_shape
def test_seen_from_above_object_and_light_turn_the_picture(shape: int) -> None:
    """Counterclockwise, and only together: either alone gives another picture."""
    picture = scene(shape, elevation=90.0)
    together = scene(shape, elevation=90.0, azimuth=30.0 + 90, light=200.0 + 90)
    assert difference(together, picture.rot90(dims=(1, 2))) <= 1
    assert difference(scene(shape, elevation=90.0, azimuth=30.0 + 90), picture.rot90(dims=(1, 2))) > 30
    assert difference(scene(shape, elevation=90.0, light=200.0 + 90), picture.rot90(dims=(1, 2))) > 30


@every_shape
def test_half_the_scale_is_the_same_scene_from_twice_as_far(shape: int) -> None:
    far = scene(shape, scale=0.4, size=128)
    assert difference(far[:, 32:96, 32:96], scene(shape, scale=0.8, size=64)) <= 1
    areas = [int(silhouette(scene(shape, scale=scale)).sum()) for scale in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)]
    assert areas == sorted(set(areas))


@every_shape
@pytest.mark.parametrize("elevation", [5.0, 45.0, 90.0])
def test_no_part_is_farther_from_the_centre_than_the_scale(shape: int, elevation: float) -> None:
    across = (torch.arange(64) + 0.5) / 32 - 1
    distance = (across[None, :].square() + across[:, None].square()).sqrt()
    farthest = max(
        float(distance[silhouette(scene(shape, scale=0.7, azimuth=azimuth, elevation=elevation))].max())
        for azimuth in (0.0, 60.0, 120.0, 180.0, 240.0, 300.0)
    )
    assert 0.45 < farthest < 0.7 + math.sqrt(0.5) / 32


@every_shape
def test_a_third_of_the_hue_circle_turns_red_to_green_to_blue(shape: int) -> None:
    for hue in (0.0, 25.0, 90.0):
        turned = scene(shape, hue=hue + 120)
        assert difference(turned, scene(shape, hue=hue).roll(1, dims=0)) <= 1
    red = scene(shape, hue=0.0)[:, silhouette(scene(shape))].int()
    assert (red[0] > red[1]).all()
    assert (red[1] - red[2]).abs().max() <= 1


@every_shape
def test_hue_and_light_leave_the_silhouette_alone(shape: int) -> None:
    picture = scene(shape)
    for changed in (scene(shape, hue=77.0), scene(shape, light=20.0)):
        assert torch.equal(silhouette(changed), silhouette(picture))
        assert difference(changed[:, silhouette(picture)], picture[:, silhouette(picture)]) > 50
    assert difference(scene(shape, hue=77.0)[:, ~silhouette(picture)], picture[:, ~silhouette(picture)]) == 0
    assert difference(scene(shape, light=20.0)[:, ~silhouette(picture)], picture[:, ~silhouette(picture)]) > 50


@every_shape
@pytest.mark.parametrize("light", [0.0, 130.0, 200.0, 300.0])
def test_the_shadow_lies_away_from_the_light(shape: int, light: float) -> None:
    picture = scene(shape, light=light, elevation=90.0, scale=0.6)
    gray = picture[0].masked_fill(silhouette(picture), 0)
    lit, dark = (round(255 * 0.75 * shine) for shine in (0.35 + 0.65 * math.sin(math.radians(50)), 0.35))
    assert gray.max() == lit
    assert (gray == lit).sum() > 0.4 * gray.numel()
    v, u = (gray == dark).nonzero().float().mean(0) / 32 - 1
    away = torch.tensor([float(u), float(-v)]) @ torch.tensor(heading(light, 0)[:2], dtype=torch.float32)
    assert away < -0.2


@pytest.mark.parametrize("azimuth", [0.0, 33.0, 90.0, 200.0])
@pytest.mark.parametrize("elevation", [5.0, 30.0, 70.0, 90.0])
def test_a_box_covers_its_faces_seen_aslant(azimuth: float, elevation: float) -> None:
    """Elevation raises the view: the top is seen the more of, and the sides the less of."""
    picture = scene(BOX, azimuth=azimuth, elevation=elevation, light=170.0, size=256)
    x, y, z = abs(heading(-90 - azimuth, elevation))
    pixel = (2 / 256) ** 2
    covered = float(silhouette(picture).sum()) * pixel
    areas = 0.8**2 * 4 * np.array([x * 0.45 * 0.38, y * 0.8 * 0.38, z * 0.8 * 0.45])
    assert covered == pytest.approx(areas.sum(), rel=0.03)
    brightest = round(255 * (0.35 + 0.65 * math.sin(math.radians(50))))
    top = float((picture[0].int() - brightest).abs().le(1).sum()) * pixel
    assert top == pytest.approx(areas[2], abs=0.025)


def test_many_pictures_at_once_are_the_single_ones() -> None:
    images = Scenes(n=40, size=32).load("train")
    for i in range(0, 40, 7):
        alone = render(*(images.factors[name][i : i + 1] for name in FACTORS), size=32)
        assert difference(alone[0], images.pixels[i]) <= 1


# The data set.


def test_each_split_holds_pictures_of_its_factors() -> None:
    data = Scenes(n=300, n_test=10, size=16)
    train = data.load("train")
    assert train.pixels.shape == (300, *data.image.dims) == (300, 3, 16, 16)
    assert train.pixels.dtype == torch.uint8
    assert list(train.factors) == list(data.factors) == list(FACTORS)
    assert data.factors["shape"] == len(FORMS)
    assert train.factors["shape"].unique().tolist() == [0, 1, 2, 3]
    assert torch.equal(render(**train.factors, size=16), train.pixels)
    assert len(data.load("test")) == 10


def test_factors_fill_their_intervals_and_nothing_else() -> None:
    intervals = {
        "hue": (0.0, 120.0),
        "scale": (0.5, 0.9),
        "azimuth": (-30.0, 30.0),
        "elevation": (20.0, 40.0),
        "light": (190.0, 350.0),
    }
    factors = Scenes(n=2000, size=16, **intervals).load("train").factors
    for name, (low, high) in intervals.items():
        margin = (high - low) * 0.01
        assert low <= factors[name].min() < low + margin
        assert high - margin < factors[name].max() <= high
    drawn = torch.stack([factors["shape"].float(), *(factors[name] for name in intervals)])
    assert (torch.corrcoef(drawn) - torch.eye(6)).abs().max() < 0.08


def test_a_factor_can_stand_still() -> None:
    factors = Scenes(n=20, size=16, light=(210.0, 210.0), hue=(60.0, 60.0)).load("train").factors
    assert factors["light"].unique().tolist() == [210.0]
    assert factors["hue"].unique().tolist() == [60.0]


def test_the_seed_and_the_split_decide_the_pictures() -> None:
    first = Scenes(n=20, n_test=20, size=16, seed=3)
    train, test = first.load("train"), first.load("test")
    assert torch.equal(train.pixels, first.load("train").pixels)
    others = [first.model_copy(update={"seed": seed}).load(split) for seed in (2, 4) for split in ("train", "test")]
    seen = [tuple(images.factors["hue"].tolist()) for images in (train, test, *others)]
    assert len(set(seen)) == len(seen)
    assert all(not torch.equal(train.pixels, other.pixels) for other in (test, *others))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": (0.4, 1.1)}, "less than or equal to 1"),
        ({"scale": (0.0, 0.5)}, "greater than 0"),
        ({"azimuth": (90.0, 0.0)}, "from low to high"),
        ({"elevation": (0.0, 40.0)}, "greater than or equal to 1"),
        ({"elevation": (40.0, 91.0)}, "less than or equal to 90"),
        ({"size": 8}, "greater than or equal to 16"),
        ({"n": 0}, "greater than or equal to 1"),
    ],
)
def test_data_that_cannot_be_drawn_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Scenes.model_validate(options)


@pytest.mark.parametrize("dims", [(3, 32, 32), (3, 64, 64), (1, 24, 40)])
def test_the_generator_makes_pictures_with_sides_that_8_divides(dims: tuple[int, int, int]) -> None:
    generator = ScenesGenerator()
    pictures = generator.build(21, ImageShape(channels=dims[0], height=dims[1], width=dims[2]))(torch.randn(4, 21))
    low, high = generator.range
    assert pictures.shape == (4, *dims)
    assert low <= pictures.min() <= pictures.max() <= high


@pytest.mark.parametrize("height", [28, 33])
def test_the_generator_refuses_other_sizes(height: int) -> None:
    with pytest.raises(ValueError, match=rf"sides that 8 divides, not {height}x32"):
        ScenesGenerator().build(21, ImageShape(channels=3, height=height, width=32))
