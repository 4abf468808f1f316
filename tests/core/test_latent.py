"""Noise and codes side by side: offsets, names, and the edge where a person writes a value."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from infogan import Latents
from infogan.core.latent import RESERVED_NAMES
from infogan.plugins.codes import Angle, Bernoulli, Categorical, Normal, Uniform
from infogan.plugins.noises import NormalNoise, UniformNoise


@pytest.fixture
def latents() -> Latents:
    codes = {
        "digit": Categorical(n=3, labels=["cup", "bowl", "jug"]),
        "slant": Uniform(low=0.0, high=4.0),
        "angle": Angle(),
        "glasses": Bernoulli(p=0.3),
        "size": Normal(q_std=1.0),
    }
    return Latents(NormalNoise(size=5), codes)


def test_the_widths_add_up(latents: Latents) -> None:
    assert latents.width == 5 + 3 + 1 + 2 + 1 + 1
    assert latents.n_params == 3 + 2 + 2 + 1 + 1


def test_a_latent_is_noise_and_codes_in_their_order(latents: Latents) -> None:
    latent = latents.sample(4, generator=torch.Generator().manual_seed(0))
    noise, codes = latents.split(latent)
    assert torch.equal(noise, latent[:, :5])
    assert list(codes) == ["digit", "slant", "angle", "glasses", "size"]
    assert torch.equal(codes["angle"], latent[:, 9:11])
    assert torch.equal(latents.join(noise, codes), latent)


def test_join_takes_the_codes_by_name_whatever_their_order(latents: Latents) -> None:
    latent = latents.sample(2)
    noise, codes = latents.split(latent)
    assert torch.equal(latents.join(noise, dict(reversed(codes.items()))), latent)


def test_a_draw_is_one_of_the_priors(latents: Latents) -> None:
    noise, codes = latents.split(latents.sample(20_000, generator=torch.Generator().manual_seed(0)))
    assert noise.mean(dim=0).abs().max() < 0.03
    assert noise.std(dim=0).sub(1).abs().max() < 0.03
    assert codes["digit"].sum(dim=1).eq(1).all()
    assert codes["digit"].mean(dim=0).sub(1 / 3).abs().max() < 0.02
    assert codes["slant"].min() >= 0
    assert codes["slant"].max() <= 4
    assert codes["slant"].mean().sub(2).abs() < 0.04
    assert codes["angle"].norm(dim=1).sub(1).abs().max() < 1e-6
    assert codes["glasses"].mean().sub(0.3).abs() < 0.02


def test_uniform_noise_fills_minus_one_to_one() -> None:
    drawn = UniformNoise(size=4).sample(5_000, generator=torch.Generator().manual_seed(0))
    assert drawn.shape == (5_000, 4)
    assert -1 <= drawn.min() < -0.99
    assert 0.99 < drawn.max() < 1


def test_a_draw_is_repeatable_and_leaves_the_global_generator_alone(latents: Latents) -> None:
    before = torch.get_rng_state()
    one, again, other = (latents.sample(3, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_each_code_reads_its_own_columns(latents: Latents) -> None:
    params = torch.arange(9.0).expand(2, -1)
    columns = {name: part[0].tolist() for name, part in latents.split_params(params).items()}
    assert columns == {"digit": [0, 1, 2], "slant": [3, 4], "angle": [5, 6], "glasses": [7], "size": [8]}


def test_information_is_the_entropy_plus_the_mean_log_likelihood(latents: Latents) -> None:
    latent = latents.sample(50, generator=torch.Generator().manual_seed(0))
    params = torch.randn(50, latents.n_params, generator=torch.Generator().manual_seed(1))
    values, emitted = latents.split(latent)[1], latents.split_params(params)
    for name, nats in latents.information(params, latent).items():
        code = latents.codes[name]
        expected = code.entropy + sum(code.log_prob(emitted[name], values[name]).tolist()) / 50
        assert nats.item() == pytest.approx(expected, abs=1e-5)


def test_q_that_ignores_the_picture_has_no_information(latents: Latents) -> None:
    """At most 0 in expectation, and 0 for the prior's own parameters where Q's law has them."""
    latent = latents.sample(50_000, generator=torch.Generator().manual_seed(0))
    best = torch.tensor([0.0, 0, 0, 0, math.log(3**-0.5), 0, 0, math.log(0.3 / 0.7), 0])
    nats = latents.information(best.expand(50_000, -1), latent)
    assert nats["digit"].item() == pytest.approx(0, abs=1e-6)
    assert nats["angle"].item() == pytest.approx(0, abs=1e-5)
    assert nats["glasses"].item() == pytest.approx(0, abs=0.01)
    assert nats["size"].item() == pytest.approx(0, abs=0.01)
    assert nats["slant"].item() < -0.1, "no Gaussian is the uniform prior"
    for seed in range(5):
        params = torch.randn(latents.n_params, generator=torch.Generator().manual_seed(seed))
        assert max(latents.information(params.expand(50_000, -1), latent).values()) < 0.02


@pytest.mark.parametrize("name", [*sorted(RESERVED_NAMES), "_hidden", "two words", "3d", "class", ""])
def test_a_name_that_sample_could_not_take_is_no_code_name(name: str) -> None:
    with pytest.raises(ValueError, match="is no code name"):
        Latents(NormalNoise(size=1), {name: Uniform()})


def test_every_keyword_of_the_public_methods_is_reserved() -> None:
    from inspect import signature

    from infogan import InfoGAN

    for method in (InfoGAN.sample, InfoGAN.draw, InfoGAN.edit):
        own = {name for name, p in signature(method).parameters.items() if p.kind is not p.VAR_KEYWORD}
        assert own <= RESERVED_NAMES


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("digit", 2, [[0, 0, 1]] * 2),
        ("digit", "jug", [[0, 0, 1]] * 2),
        ("digit", ["cup", 1], [[1, 0, 0], [0, 1, 0]]),
        ("digit", np.array([0, 2]), [[1, 0, 0], [0, 0, 1]]),
        ("digit", torch.tensor([0, 2]), [[1, 0, 0], [0, 0, 1]]),
        ("digit", torch.tensor(2), [[0, 0, 1]] * 2),
        ("digit", np.int64(2), [[0, 0, 1]] * 2),
        ("digit", range(2), [[1, 0, 0], [0, 1, 0]]),
        ("slant", 1, [[1], [1]]),
        ("slant", -7.5, [[-7.5], [-7.5]]),
        ("slant", (0.5, 3), [[0.5], [3]]),
        ("slant", [torch.tensor(0.5), np.float32(3)], [[0.5], [3]]),
        ("slant", torch.tensor([0.5, 3.0]), [[0.5], [3]]),
        ("angle", "90deg", [[0, 1]] * 2),
        ("angle", ["0deg", 180], [[1, 0], [-1, 0]]),
        ("glasses", True, [[1], [1]]),
        ("glasses", [0, True], [[0], [1]]),
        ("glasses", np.array([False, True]), [[0], [1]]),
        ("glasses", np.int64(1), [[1], [1]]),
        ("glasses", torch.tensor(1), [[1], [1]]),
    ],
)
def test_a_person_writes_one_value_or_one_for_each_picture(
    latents: Latents, name: str, value: object, expected: list[list[float]]
) -> None:
    vectors = latents.encode(name, value, 2)
    assert vectors.dtype == torch.float32
    assert torch.allclose(vectors, torch.tensor(expected, dtype=torch.float32), atol=1e-6)


@pytest.mark.parametrize("name", ["digit", "slant", "angle", "glasses", "size"])
def test_no_values_for_no_pictures(latents: Latents, name: str) -> None:
    assert latents.encode(name, [], 0).shape == (0, latents.codes[name].width)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("digits", 1, "no code is named 'digits'.*digit.*Did you mean 'digit'"),
        ("digit", [0, 1, 2], "'digit': 3 values for 2 pictures"),
        ("digit", 3, "'digit': an index runs from 0 to 2, not 3"),
        ("digit", -1, "'digit': an index runs from 0 to 2"),
        ("digit", 1.5, "'digit': an index runs from 0 to 2"),
        ("digit", True, "'digit': each value has to be an index or a label"),
        ("digit", "mug", "'digit': no label 'mug'.*bowl, cup, jug"),
        ("digit", [], "'digit': 0 values for 2 pictures"),
        ("slant", "steep", "'slant': each value has to be a finite number"),
        ("slant", None, "'slant'"),
        ("slant", math.nan, "'slant': each value has to be a finite number, not nan"),
        ("slant", [[1.0], [2.0, 3.0]], "'slant': each value has to be a finite number"),
        ("angle", "45 degrees", "'angle': each value has to be degrees"),
        ("angle", math.inf, "'angle': each value has to be degrees"),
        ("glasses", 0.5, "'glasses': each value has to be 0, 1, false or true"),
        ("glasses", 2, "'glasses': each value has to be 0, 1, false or true"),
    ],
)
def test_a_wrong_value_is_answered_with_what_would_be_right(
    latents: Latents, name: str, value: object, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        latents.encode(name, value, 2)
