"""Directions in space: unit vectors ``(n, 3)``, and latitudes and longitudes ``(n,)`` in degrees.

The first axis is at latitude 0 and longitude 0, the second at longitude 90, the third at the north pole.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F


def unit_vector(latitude, longitude):
    """The unit vectors ``(n, 3)`` that point there."""
    latitude, longitude = torch.deg2rad(latitude), torch.deg2rad(longitude)
    return torch.stack([latitude.cos() * longitude.cos(), latitude.cos() * longitude.sin(), latitude.sin()], dim=1)


def latitude_longitude(vectors):
    """Where vectors of any length point to; one of length 0 to latitude 0 and longitude 0."""
    x, y, z = vectors.unbind(dim=1)
    return torch.rad2deg(torch.atan2(z, torch.hypot(x, y))), torch.rad2deg(torch.atan2(y, x))


def spiral(steps):
    """``steps`` directions along a spiral from the north to the south, each with the same share of the sphere.

    Neighbours on the spiral are as far apart as its turns are (Bauer 2000, Distribution of points on a sphere with
    application to star catalogs): so a walk over the whole sphere has no jumps.
    """
    polar = torch.acos(1 - (2 * torch.arange(steps) + 1) / steps)
    turn = math.sqrt(math.pi * steps) * polar
    return unit_vector(90 - torch.rad2deg(polar), torch.rad2deg(turn))


def great_circle(start, end, share):
    """Directions on the shorter way from ``start`` to ``end`` at an even rate; ``share`` is ``(n, 1)`` in [0, 1].

    Between opposite directions all ways are as short; one of them is taken.
    """
    angle = 2 * torch.atan2((end - start).norm(dim=1, keepdim=True), (end + start).norm(dim=1, keepdim=True))
    aside = end - (start * end).sum(dim=1, keepdim=True) * start
    least = F.one_hot(start.abs().argmin(dim=1), 3).to(start)  # an axis that is far from both
    on_a_line = aside.norm(dim=1, keepdim=True) < 1e-5
    aside = F.normalize(torch.where(on_a_line, torch.linalg.cross(start, least), aside), dim=1)
    return F.normalize((share * angle).cos() * start + (share * angle).sin() * aside, dim=1)


def written(value):
    """The unit vector, as a list, of what a person writes: latitude and longitude in degrees, or three numbers.

    ValueError for anything else, a latitude beyond 90 degrees and a vector of length 0 too.
    """
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        numbers = np.empty(0)
    length = math.hypot(*numbers.ravel())
    if numbers.shape == (2,) and math.isfinite(length) and abs(numbers[0]) <= 90:
        return unit_vector(*torch.tensor(numbers).unsqueeze(1))[0].tolist()
    if numbers.shape == (3,) and math.isfinite(length) and length > 0:
        return (numbers / length).tolist()
    wanted = "latitude (-90 to 90) and longitude in degrees, or a vector of three numbers that are not all 0"
    raise ValueError(f"each value has to be {wanted}, not {repr(value)[:60]}")
