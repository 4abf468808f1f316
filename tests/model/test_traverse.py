"""Codes walked over their dials, paths between latents, and what lies near one."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from infogan import Latents
from infogan.model.traverse import interpolate, nearby, walk
from infogan.plugins.codes import Angle, Bernoulli, Categorical, Uniform
from infogan.plugins.noises import NormalNoise, UniformNoise

CODES = {"digit": Categorical(n=3), "slant": Uniform(), "angle": Angle(), "on": Bernoulli()}
LATENTS = Latents(NormalNoise(size=20), CODES)


def draws(n: int, seed: int = 0, latents: Latents = LATENTS) -> Tensor:
    return latents.sample(n, generator=torch.Generator().manual_seed(seed))


def halfway(prior: NormalNoise | UniformNoise, start: Tensor, end: Tensor) -> Tensor:
    return prior.between(start, end, torch.full((len(start), 1), 0.5))


def test_a_walk_changes_one_code_and_nothing_else() -> None:
    base, dial = draws(3), CODES["slant"].grid(5)
    walked = walk(LATENTS, "slant", base, dial)
    assert walked.shape == (3, 5, LATENTS.width)
    column = 20 + CODES["digit"].width
    assert torch.equal(walked[:, :, column], dial.T.expand(3, -1))
    others = [i for i in range(LATENTS.width) if i != column]
    assert torch.equal(walked[:, :, others], base[:, None, others].expand(-1, 5, -1))


def test_a_walk_over_a_code_of_few_values_visits_each_once() -> None:
    walked = walk(LATENTS, "digit", draws(1), CODES["digit"].grid(50))
    assert torch.equal(walked[0, :, 20:23], torch.eye(3))


def test_a_way_passes_each_stop_and_each_leg_has_its_steps() -> None:
    stops = draws(3)
    way = interpolate(LATENTS, stops, 5, codes=list(CODES))
    assert way.shape == (9, LATENTS.width)
    torch.testing.assert_close(way[[0, 4, 8]], stops)
    torch.testing.assert_close(way[:5], interpolate(LATENTS, stops[:2], 5, codes=list(CODES)))


def test_codes_that_are_not_named_stay_what_they_are_at_the_first_stop() -> None:
    stops = draws(3)
    noise, codes = LATENTS.split(interpolate(LATENTS, stops, 4, codes=["slant"]))
    first, last = LATENTS.split(stops[:1])[1], LATENTS.split(stops[-1:])
    assert all(torch.equal(codes[name], first[name].expand(7, -1)) for name in ("digit", "angle", "on"))
    torch.testing.assert_close(codes["slant"][-1:], last[1]["slant"])
    torch.testing.assert_close(noise[-1:], last[0])


def test_each_code_goes_its_own_way() -> None:
    start = [LATENTS.encode(name, value, 1) for name, value in {"digit": 0, "slant": -1, "angle": 350, "on": 1}.items()]
    end = [LATENTS.encode(name, value, 1) for name, value in {"digit": 2, "slant": 1, "angle": 30, "on": 0}.items()]
    stops = torch.cat([torch.cat([draws(1)[:, :20], *codes], dim=1) for codes in (start, end)])
    codes = LATENTS.split(interpolate(LATENTS, stops, 5, codes=list(CODES)))[1]
    written = {name: CODES[name].decode(value) for name, value in codes.items()}
    assert written["digit"] == [0, 0, 2, 2, 2]
    assert written["on"] == [1, 1, 0, 0, 0]
    assert written["slant"] == pytest.approx([-1, -0.5, 0, 0.5, 1])
    assert [round(degrees) % 360 for degrees in written["angle"]] == [350, 0, 10, 20, 30]


@pytest.mark.parametrize("size", [2, 16, 62])
def test_normal_noise_keeps_its_length_on_the_way_and_a_straight_line_would_not(size: int) -> None:
    prior = NormalNoise(size=size)
    start, end = torch.randn(2, 20_000, size, generator=torch.Generator().manual_seed(0))
    found = halfway(prior, start, end)
    lengths = torch.stack([start.norm(dim=1), end.norm(dim=1)])
    torch.testing.assert_close(found.norm(dim=1), lengths.mean(dim=0), rtol=1e-3, atol=1e-3)
    assert found.norm(dim=1).mean().item() == pytest.approx(lengths.mean().item(), rel=0.02)
    cosine = torch.cosine_similarity(found, start)
    torch.testing.assert_close(cosine, torch.cosine_similarity(found, end), rtol=0, atol=2e-3)
    straight = start.lerp(end, 0.5).square().mean().sqrt().item()
    assert straight == pytest.approx(1 / math.sqrt(2), rel=0.02)


def test_normal_noise_on_one_line_goes_straight() -> None:
    start = torch.tensor([[2.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    end = torch.tensor([[-2.0, 0.0], [3.0, 3.0], [4.0, 0.0]])
    expected = torch.tensor([[0.0, 0.0], [2.0, 2.0], [2.0, 0.0]])
    torch.testing.assert_close(halfway(NormalNoise(size=2), start, end), expected)


def test_uniform_noise_goes_straight_and_stays_in_its_cube() -> None:
    start, end = torch.rand(2, 100, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = halfway(UniformNoise(size=8), start, end)
    torch.testing.assert_close(found, (start + end) / 2)


@pytest.mark.parametrize(("stops", "steps"), [(1, 5), (0, 5), (2, 1)])
def test_no_way_without_two_ends(stops: int, steps: int) -> None:
    with pytest.raises(ValueError, match="at least 2 stops and 2 steps"):
        interpolate(LATENTS, draws(2)[:stops], steps)


def test_an_unknown_code_goes_nowhere() -> None:
    with pytest.raises(ValueError, match=r"no code is named 'slent'.*Did you mean 'slant'"):
        interpolate(LATENTS, draws(2), 3, codes=["slent"])


def test_what_is_near_a_latent_has_its_codes_and_noise_about_its_own() -> None:
    centre = draws(1)[0]
    noise, codes = LATENTS.split(nearby(LATENTS, centre, 4000, scale=0.25))
    own_noise, own_codes = LATENTS.split(centre[None])
    assert all(torch.equal(codes[name], value.expand(4000, -1)) for name, value in own_codes.items())
    assert (noise - own_noise).std().item() == pytest.approx(0.25, rel=0.02)
    assert (noise - own_noise).mean().abs().item() < 0.01


def test_three_of_each_give_a_sum_of_means_the_law_of_a_draw() -> None:
    """a - b + c of means of three: 3 times a third of the variance."""
    noise = torch.randn(3, 3, 5000, 20, generator=torch.Generator().manual_seed(0)).mean(dim=1)
    assert (noise[0] - noise[1] + noise[2]).std().item() == pytest.approx(1, abs=0.01)


def test_a_sum_of_latents_is_put_on_values_that_its_codes_can_have() -> None:
    written = {"digit": 1, "slant": 0.25, "angle": 60, "on": 1}
    codes = {name: LATENTS.encode(name, value, 1) for name, value in written.items()}
    latent = LATENTS.join(draws(1)[:, :20], codes)
    torch.testing.assert_close(LATENTS.nearest(latent), latent)
    found = LATENTS.split(LATENTS.nearest(1.5 * latent))
    torch.testing.assert_close(found[0], 1.5 * latent[:, :20])
    assert [CODES[name].decode(found[1][name])[0] for name in ("digit", "slant", "on")] == [1, 0.375, 1]
    assert CODES["angle"].decode(found[1]["angle"]) == pytest.approx([60])
