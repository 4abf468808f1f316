"""The code keeps infogan's contract, and is the law that it says it is."""

import math

import numpy as np
import pytest
import torch
from infogan_sphere import Sphere
from infogan_sphere.directions import unit_vector
from scipy.stats import vonmises_fisher

from infogan import Latents, Registry
from infogan.testing import check_code

CODE = Sphere()


def draws(n, seed=0):
    return CODE.sample(n, generator=torch.Generator().manual_seed(seed))


def apart(one, other):
    """Angles between unit vectors, in degrees."""
    return torch.rad2deg(2 * torch.atan2((one - other).norm(dim=1), (one + other).norm(dim=1)))


def test_keeps_the_contract():
    check_code(CODE)


def test_the_prior_is_uniform_on_the_sphere():
    values = draws(20_000)
    torch.testing.assert_close(values.norm(dim=1), torch.ones(20_000))
    for axis in values.unbind(dim=1):  # each coordinate is uniform in [-1, 1] (Archimedes)
        shares = torch.histc(axis, bins=10, min=-1, max=1) / 20_000
        assert (shares - 0.1).abs().max() < 5 * math.sqrt(0.09 / 20_000)
    assert CODE.entropy == math.log(4 * math.pi)


@pytest.mark.parametrize("kappa", [1e-6, 1e-3, 0.1, 1.0, 30.0, 700.0, 1e5])
def test_agrees_with_scipy(kappa):
    mean, values = draws(1, seed=1)[0].double(), draws(50).double()
    mean, values = mean / mean.norm(), values / values.norm(dim=1, keepdim=True)
    values = torch.cat([values, mean[None], -mean[None]])
    expected = vonmises_fisher(mean.numpy(), kappa).logpdf(values.numpy())
    params = (kappa * mean).expand(len(values), 3)
    np.testing.assert_allclose(CODE.log_prob(params, values), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(CODE.log_prob(params.float(), values.float()), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kappa", [0.1, 1.0, 10.0, 40.0])
def test_the_density_has_mass_1(kappa):
    area, even = 4 * math.pi, CODE.grid(20_000).double()
    density = CODE.log_prob(torch.tensor([[kappa, 0.0, 0.0]], dtype=torch.float64).expand(len(even), -1), even).exp()
    assert float(density.mean()) * area == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("length", [0.0, 1e-30, 1e-8, 1e-4, 1e-3, 1e-2, 1.0, 100.0, 1e4])
def test_the_slope_is_right_in_float32(length):
    values = draws(50)
    params = (length * draws(50, seed=1)).requires_grad_()
    CODE.log_prob(params, values).sum().backward()
    kappa = params.detach().double().norm(dim=1, keepdim=True)
    mean_cosine = torch.where(kappa > 1e-3, 1 / kappa.tanh() - 1 / kappa, kappa / 3)
    expected = values - mean_cosine * params.detach() / kappa.clamp_min(1e-30)
    torch.testing.assert_close(params.grad, expected.float(), rtol=1e-3, atol=1e-3)


def test_a_blind_q_knows_nothing_and_says_so():
    blank = torch.zeros(5, 3)
    torch.testing.assert_close(CODE.log_prob(blank, draws(5)), torch.full((5,), -CODE.entropy))
    assert CODE.confidence(blank).max() < 1e-6
    assert CODE.confidence(torch.tensor([[0.0, 0.0, 500.0]])) > 0.99


def test_its_best_guess_is_the_mean_direction():
    params = torch.tensor([[0.0, 3.0, 0.0], [0.0, 0.0, -1e-20], [0.0, 0.0, 0.0]])
    expected = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
    torch.testing.assert_close(CODE.mode(params), expected)
    law = CODE.law(params)
    torch.testing.assert_close(law["latitude"], torch.tensor([0.0, -90.0, 0.0]))
    assert law["longitude"][0] == 90
    assert law["concentration"][0] == 3


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 100])
def test_the_dial_covers_the_sphere_without_a_jump(steps):
    dial = CODE.grid(steps)
    assert dial.shape == (steps, 3)
    torch.testing.assert_close(dial.norm(dim=1), torch.ones(steps))
    assert (dial[:, 2].diff() < 0).all()  # from the north to the south
    side = math.degrees(math.sqrt(4 * math.pi / steps))  # of a square with a step's share of the sphere
    assert (apart(dial[:-1], dial[1:]) < 1.25 * side).all()
    if steps > 1:
        nearest = torch.stack([apart(row.expand(steps, 3), dial).sort().values[1] for row in dial])
        assert (nearest > 0.75 * side).all()
    farthest = torch.stack([apart(row.expand(steps, 3), dial).min() for row in draws(500)])
    assert steps < 3 or farthest.max() < 1.1 * side


def test_a_person_writes_degrees_or_a_vector():
    written = [[90, 0], [0, 90], [-30.0, -180], [0, 0, -2.0], (3, 4, 0), torch.tensor([0.0, 1e-9, 0.0])]
    expected = [[0, 0, 1], [0, 1, 0], [-math.sqrt(0.75), 0, -0.5], [0, 0, -1], [0.6, 0.8, 0], [0, 1, 0]]
    torch.testing.assert_close(CODE.encode(written), torch.tensor(expected), atol=1e-6, rtol=0)
    assert CODE.decode(torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])) == [[90, 0], [0, 90]]


NONSENSE = [
    None, True, 45, "45", "north", "45,30", [], [45], [1, 2, 3, 4], [0, 0, 0], [91, 0], [-90.5, 0], [math.nan, 0],
    [0, math.inf], [0, 0, math.nan], [math.inf, 0, 0], ["north", "west"], [[0, 1], [1, 0]], [10**400, 0],
    {"latitude": 0}, object(),
]  # fmt: skip


@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda value: repr(value)[:20])
def test_nonsense_is_one_clear_error(nonsense):
    with pytest.raises(ValueError, match=r"^each value has to be latitude .* numbers that are not all 0, not "):
        CODE.encode([nonsense])


def test_one_direction_for_all_pictures_or_one_for_each():
    latents = Latents(Registry(entry_points=False).find("noise", "normal")(size=1), {"light": CODE})
    north = torch.tensor([[0.0, 0.0, 1.0]])
    for all_alike in ([90, 0], [0, 0, 5], torch.tensor([0.0, 0.0, 1.0]), np.array([90.0, 0.0])):
        torch.testing.assert_close(latents.encode("light", all_alike, 4), north.expand(4, 3))
    each = latents.encode("light", [[90, 0], [-90, 0]], 2)
    torch.testing.assert_close(each, torch.cat([north, -north]))
    with pytest.raises(ValueError, match="code 'light': 2 values for 3 pictures"):
        latents.encode("light", [[90, 0], [-90, 0]], 3)


def test_the_way_between_two_directions_is_an_even_great_circle():
    start, end = draws(200), draws(200, seed=1)
    whole = apart(start, end)
    for share in (0.0, 0.3, 0.5, 1.0):
        on_the_way = CODE.between(start, end, torch.full((200, 1), share))
        torch.testing.assert_close(on_the_way.norm(dim=1), torch.ones(200))
        torch.testing.assert_close(apart(start, on_the_way), share * whole, atol=2e-3, rtol=1e-4)
        torch.testing.assert_close(apart(on_the_way, end), (1 - share) * whole, atol=2e-3, rtol=1e-4)


def test_opposite_directions_have_a_way_too():
    axes = torch.cat([torch.eye(3), -torch.eye(3), draws(50)])
    middle = CODE.between(axes, -axes, torch.full((len(axes), 1), 0.5))
    torch.testing.assert_close(apart(axes, middle), torch.full((len(axes),), 90.0))
    back_home = CODE.between(axes, axes, torch.full((len(axes), 1), 0.5))
    torch.testing.assert_close(back_home, axes)


def test_latitude_and_longitude_point_where_a_map_says():
    vienna = unit_vector(torch.tensor([48.21]), torch.tensor([16.37]))
    tokyo = unit_vector(torch.tensor([35.68]), torch.tensor([139.69]))
    kilometres = math.radians(float(apart(vienna, tokyo))) * 6371
    assert kilometres == pytest.approx(9130, rel=0.01)
