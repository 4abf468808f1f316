"""An object on a floor in the light of a sun: rays that meet convex solids in closed form.

The viewer's frame: x to the right, y away from the viewer, z up; the floor is level. The camera looks at the
object's centre from so far away that its rays are parallel (an orthographic projection), and the picture is the
square [-1, 1] x [-1, 1] around that centre. The object is turned about the vertical through its centre.

| factor | unit | means |
| --- | --- | --- |
| shape | index | box, pyramid, mug, duck |
| hue | degrees | of the object's colour in HSV: 0 red, 120 green, 240 blue |
| scale | halves of the picture | no part of the object is farther from its centre |
| azimuth | degrees | turn of the object, counterclockwise seen from above; at 0 its front looks to the right |
| elevation | degrees | of the camera above the floor: near 0 from the side, 90 from above |
| light | degrees | where the light comes from, counterclockwise: 0 right, 90 behind, 180 left, 270 the viewer |

Azimuth and light are both told from where the viewer stands, so that turning the object leaves the light alone, and
the other way round. To walk around a scene by some angle is to take that angle off both.

The floor is plain, gray and boundless: it shows the shadow, and nothing of the azimuth but the shadow's outline. A
surface whose normal makes an angle t with the light shines with AMBIENT + (1 - AMBIENT) cos t of its colour
(Lambert), and with AMBIENT where it is turned away or in a shadow, the object's own too. There is no gamma.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

LIGHT_ELEVATION = 50.0
"""Of the sun above the floor, in degrees."""

AMBIENT = 0.35
"""Share of the light that comes from everywhere, and so into the shadow."""

FLOOR = 0.75
"""Gray of the floor."""

SATURATION = 0.8
"""Of the object's colour, whose value (the brightest of its channels) is 1."""

SAMPLES = 2
"""Rays per pixel, across and down: a pixel is their mean."""

RAYS = 2**16
"""Followed at once: their numbers fit into a CPU's cache."""

_PARALLEL = 1e-6
"""A ray that gains less than this on a plane counts as gaining so much."""

_CLEAR = 1e-3
"""What is nearer than this to a surface gets no shadow from it: by rounding it would shade itself."""


class Vector(NamedTuple):
    """Points, or directions, by their coordinates, which broadcast to ``(n, rays)``."""

    x: Tensor
    y: Tensor
    z: Tensor

    def dot(self, other: Sequence[Tensor | float]) -> Tensor:
        return self.x * other[0] + self.y * other[1] + self.z * other[2]

    def move(self, direction: Vector, distance: Tensor) -> Vector:
        """The points that lie so far in a direction."""
        return Vector(*(torch.addcmul(start, step, distance) for start, step in zip(self, direction, strict=True)))


class Solid(Protocol):
    """A convex solid in the object's frame, in units of the scale."""

    def cross(self, origin: Vector, direction: Vector) -> tuple[Tensor, Tensor]:
        """How far along each ray it enters, and where it leaves; a ray that misses leaves no later than it enters."""
        ...

    def facing(self, point: Vector, toward: Vector) -> Tensor:
        """Cosine of the angle between the outward normal at points of the surface and a direction."""
        ...


@dataclass(frozen=True)
class Box:
    """A box with its sides along the axes."""

    centre: tuple[float, float, float]
    half: tuple[float, float, float]
    """Half of its length, width and height."""

    def cross(self, origin: Vector, direction: Vector) -> tuple[Tensor, Tensor]:
        x, y, z = (_slab(o - c, d, h) for o, d, c, h in zip(origin, direction, self.centre, self.half, strict=True))
        return x[0].maximum(y[0]).maximum(z[0]), x[1].minimum(y[1]).minimum(z[1])

    def facing(self, point: Vector, toward: Vector) -> Tensor:
        offsets = [p - c for p, c in zip(point, self.centre, strict=True)]
        return _of_outermost(
            (offset.abs() - h, offset.sign() * t) for offset, t, h in zip(offsets, toward, self.half, strict=True)
        )


@dataclass(frozen=True)
class Hull:
    """What lies behind all of some planes."""

    planes: tuple[tuple[float, float, float, float], ...]
    """The outward normal of each, of length 1, and its distance from the centre of the object."""

    def cross(self, origin: Vector, direction: Vector) -> tuple[Tensor, Tensor]:
        enter, leave = [], []
        for *normal, distance in self.planes:
            gain = _not_parallel(direction.dot(normal))
            at = (distance - origin.dot(normal)) / gain
            enter.append(torch.where(gain < 0, at, -math.inf))
            leave.append(torch.where(gain > 0, at, math.inf))
        return reduce(torch.maximum, enter), reduce(torch.minimum, leave)

    def facing(self, point: Vector, toward: Vector) -> Tensor:
        return _of_outermost(
            (point.dot(normal) - distance, toward.dot(normal).expand_as(point.x)) for *normal, distance in self.planes
        )


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid with its axes along the axes."""

    centre: tuple[float, float, float]
    half: tuple[float, float, float]
    """Half of its axes."""

    def cross(self, origin: Vector, direction: Vector) -> tuple[Tensor, Tensor]:
        start, step = self._of_unit_sphere(origin), Vector(*(d / h for d, h in zip(direction, self.half, strict=True)))
        return _roots(step.dot(step), start.dot(step), start.dot(start) - 1)

    def facing(self, point: Vector, toward: Vector) -> Tensor:
        offset = self._of_unit_sphere(point)
        normal = Vector(*(o / h for o, h in zip(offset, self.half, strict=True)))
        return normal.dot(toward) / normal.dot(normal).sqrt()

    def _of_unit_sphere(self, point: Vector) -> Vector:
        return Vector(*((p - c) / h for p, c, h in zip(point, self.centre, self.half, strict=True)))


@dataclass(frozen=True)
class Cylinder:
    """An upright cylinder."""

    centre: tuple[float, float, float]
    radius: float
    half_height: float

    def cross(self, origin: Vector, direction: Vector) -> tuple[Tensor, Tensor]:
        x, y, z = (o - c for o, c in zip(origin, self.centre, strict=True))
        slant = (direction.x.square() + direction.y.square()).clamp_min(_PARALLEL**2)
        outward = x * direction.x + y * direction.y
        enter, leave = _roots(slant, outward, x.square() + y.square() - self.radius**2)
        rise, sink = _slab(z, direction.z, self.half_height)
        return enter.maximum(rise), leave.minimum(sink)

    def facing(self, point: Vector, toward: Vector) -> Tensor:
        x, y, z = (p - c for p, c in zip(point, self.centre, strict=True))
        radius = (x.square() + y.square()).sqrt()
        side = (x * toward.x + y * toward.y) / radius.clamp_min(_PARALLEL)
        return _of_outermost([(radius - self.radius, side), (z.abs() - self.half_height, z.sign() * toward.z)])


@dataclass(frozen=True)
class Form:
    """What an object is: solids within the ball of radius 1 about its centre."""

    solids: tuple[Solid, ...]
    foot: float
    """How far the floor lies below the centre."""


def _pyramid(length: float, width: float, foot: float, tip: tuple[float, float]) -> Hull:
    """Over a base of so much half length and half width, at z = -``foot``; x and z of the tip."""
    x, z = tip
    height = z + foot
    slopes = [(height, 0.0, length - x), (-height, 0.0, length + x), (0.0, height, width), (0.0, -height, width)]
    planes = [(0.0, 0.0, -1.0, foot)]
    for normal in slopes:
        nx, ny, nz = (component / math.hypot(*normal) for component in normal)
        planes.append((nx, ny, nz, nx * x + nz * z))  # all four slopes hold the tip
    return Hull(tuple(planes))


FORMS = {
    "box": Form((Box((0, 0, 0), (0.8, 0.45, 0.38)),), foot=0.38),
    "pyramid": Form((_pyramid(0.65, 0.5, 0.55, (-0.35, 0.9)),), foot=0.55),
    "mug": Form(
        (
            Cylinder((-0.22, 0, 0), 0.5, 0.6),
            Box((0.45, 0, 0.28), (0.33, 0.1, 0.08)),
            Box((0.45, 0, -0.28), (0.33, 0.1, 0.08)),
            Box((0.7, 0, 0), (0.08, 0.1, 0.28)),
        ),
        foot=0.6,
    ),
    "duck": Form(
        (
            Ellipsoid((-0.1, 0, -0.25), (0.8, 0.5, 0.45)),
            Ellipsoid((0.42, 0, 0.42), (0.36, 0.36, 0.36)),
            Ellipsoid((0.74, 0, 0.36), (0.2, 0.14, 0.08)),
        ),
        foot=0.7,
    ),
}
"""The classes of the factor ``shape``, in order, each symmetric in y. The front, which azimuth 0 turns to the right, is
+x: the pyramid's gentle slope, the mug's handle, the duck's beak. A box alone looks the same after half a turn."""


def render(
    shape: Tensor, hue: Tensor, scale: Tensor, azimuth: Tensor, elevation: Tensor, light: Tensor, size: int
) -> Tensor:
    """Pictures ``(n, 3, size, size)``, RGB in uint8.

    All factors are ``(n,)``, on one device, the pictures then on it too: ``shape`` int64, an index into
    `FORMS`; ``hue``, ``azimuth`` and ``light`` in degrees, any number of turns; ``scale`` above 0;
    ``elevation`` in degrees, above 0 and at most 90.
    """
    pictures = torch.empty(len(shape), 3, size, size, dtype=torch.uint8, device=shape.device)
    at_once = max(1, RAYS // (SAMPLES * size) ** 2)
    for index, form in enumerate(FORMS.values()):
        for chosen in (shape == index).nonzero()[:, 0].split(at_once):
            one = (factor[chosen, None] for factor in (hue, scale, azimuth, elevation, light))
            pictures[chosen] = _draw(form, size, *one)
    return pictures


def _draw(
    form: Form, size: int, hue: Tensor, scale: Tensor, azimuth: Tensor, elevation: Tensor, light: Tensor
) -> Tensor:
    """Pictures of one form; the factors are ``(n, 1)``."""
    across = (torch.arange(SAMPLES * size, device=scale.device) + 0.5) * (2 / (SAMPLES * size)) - 1
    u, v = across.repeat(len(across)) / scale, -across.repeat_interleave(len(across)) / scale
    # The world is turned back by the azimuth, so that the object stands along the axes, and scaled to it.
    sight, up = _direction(90 - azimuth, -elevation), _direction(90 - azimuth, 90 - elevation)
    right = _direction(-azimuth, torch.zeros_like(azimuth))
    origin = Vector(*(u * r + v * w for r, w in zip(right, up, strict=True)))
    toward = _direction(light - azimuth, torch.full_like(light, LIGHT_ELEVATION))
    shine, of_object = _follow(form, origin, sight, toward)
    light_of = torch.stack([shine * of_object, shine * ~of_object], dim=1)
    pixels: Tensor = light_of.unflatten(2, (size, SAMPLES, size, SAMPLES)).mean(dim=(3, 5))
    seen = pixels[:, :1] * _colour(hue)[:, :, None, None] + pixels[:, 1:] * FLOOR
    return seen.mul_(255).round_().to(torch.uint8)


def _follow(form: Form, origin: Vector, sight: Vector, toward: Vector) -> tuple[Tensor, Tensor]:
    """The light of what each ray meets first, ``(n, rays)`` in [AMBIENT, 1], and whether that is the object."""
    floor = (-form.foot - origin.z) / sight.z
    nearest, cosine = floor, toward.z
    for solid in form.solids:
        enter, leave = solid.cross(origin, sight)
        hit = (enter < leave) & (enter < nearest)
        nearest = torch.where(hit, enter, nearest)
        cosine = torch.where(hit, solid.facing(origin.move(sight, enter), toward), cosine)
    point = origin.move(sight, nearest)
    bright = cosine > 0
    for solid in form.solids:
        enter, leave = solid.cross(point, toward)
        bright &= leave <= enter.clamp_min(_CLEAR)
    return AMBIENT + (1 - AMBIENT) * cosine * bright, nearest < floor


def _direction(azimuth: Tensor, elevation: Tensor) -> Vector:
    """Of length 1, from degrees counterclockwise from x, and degrees above the level."""
    turn, rise = torch.deg2rad(azimuth), torch.deg2rad(elevation)
    return Vector(turn.cos() * rise.cos(), turn.sin() * rise.cos(), rise.sin())


def _colour(hue: Tensor) -> Tensor:
    """Hues ``(n, 1)`` to RGB ``(n, 3)``: HSV with value 1."""
    sector = (torch.tensor([5.0, 3.0, 1.0], device=hue.device) + hue / 60) % 6
    return 1 - SATURATION * sector.minimum(4 - sector).clamp(0, 1)


def _slab(offset: Tensor, step: Tensor, half: float) -> tuple[Tensor, Tensor]:
    """Where rays enter and leave what lies no farther than ``half`` from the middle plane."""
    step = _not_parallel(step)
    middle, reach = -offset / step, half / step.abs()
    return middle - reach, middle + reach


def _roots(a: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Of a t^2 + 2 b t + c = 0, a above 0, in order; the same twice where there is none."""
    root = (b.square() - a * c).clamp_min(0).sqrt()
    return (-b - root) / a, (root - b) / a


def _not_parallel(gain: Tensor) -> Tensor:
    return torch.where(gain.abs() < _PARALLEL, _PARALLEL, gain)


def _of_outermost(faces: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """The cosine of the face that a point lies on: its distance beyond that one is largest."""
    (farthest, cosine), *others = faces
    for beyond, along in others:
        cosine = torch.where(beyond > farthest, along, cosine)
        farthest = farthest.maximum(beyond)
    return cosine
