"""The measures, on codes and factors whose answer is known."""

from __future__ import annotations

import pytest
import torch

from infogan import Latents
from infogan.evaluation import classify, explain, measure_effect
from infogan.plugins.codes import Angle, Categorical, Uniform
from infogan.plugins.noises import NormalNoise
from infogan.registry import Registry

CODES = Registry(entry_points=False).components("code")


def one_hot(index, n):
    return torch.nn.functional.one_hot(index, n).float()


def test_a_permuted_code_is_a_perfect_classifier():
    classes = torch.arange(1000) % 5
    code = torch.tensor([3, 0, 4, 1, 2])[classes]
    found = classify(code, classes, code, classes, values=5, classes=5)
    assert found.error == 0
    assert found.assignment == {3: 0, 0: 1, 4: 2, 1: 3, 2: 4}
    assert sum(map(sum, found.confusion)) == 1000


def test_the_match_is_fitted_on_the_training_split_only():
    classes = torch.arange(100) % 2
    found = classify(classes, classes, 1 - classes, classes, values=2, classes=2)
    assert found.error == 1


def test_a_code_that_says_nothing_is_right_by_chance():
    generator = torch.Generator().manual_seed(0)
    code, classes = (torch.randint(10, (20_000,), generator=generator) for _ in range(2))
    found = classify(code[:10_000], classes[:10_000], code[10_000:], classes[10_000:], values=10, classes=10)
    assert found.error == pytest.approx(0.9, abs=0.02)


def test_merged_classes_count_as_errors():
    """Two classes under one value, and a value left over: half of the merged pictures are wrong."""
    classes = torch.arange(900) % 3
    code = torch.where(classes == 2, 1, classes)
    assert classify(code, classes, code, classes, values=3, classes=3).error == pytest.approx(1 / 3)


def test_values_beyond_the_classes_are_wrong():
    classes = torch.arange(1000) % 2
    code = classes * 2 + (torch.arange(1000) // 2) % 2
    assert classify(code, classes, code, classes, values=4, classes=2).error == pytest.approx(0.5)


def test_a_factor_is_explained_by_its_code_alone():
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(4000, 1, generator=generator) * 2 - 1
    other = torch.rand(4000, 1, generator=generator) * 2 - 1
    codes = {"x": CODES["uniform"](), "other": CODES["uniform"]()}
    found = explain(3 * x[:, 0] + 1, None, {"x": x, "other": other}, codes)
    assert found.by_code["x"] == pytest.approx(1, abs=1e-6)
    assert found.by_code["other"] == pytest.approx(0, abs=0.01)
    assert found.by_all == pytest.approx(1, abs=1e-6)
    assert found.normalised_information == {}


def test_a_factor_that_wraps_has_no_seam():
    """An angle code explains a turn wherever its 0 lies, and however many turns are counted."""
    turns = torch.rand(4000, generator=torch.Generator().manual_seed(0))
    angle = CODES["angle"]()
    codes, values = {"angle": angle}, {"angle": angle.encode((360 * turns + 70).tolist())}
    for factor, period in ((360 * turns, 360.0), (turns - 0.5, 1.0), (360 * ((turns + 0.3) % 1) + 720, 360.0)):
        assert explain(factor, None, values, codes, period=period).by_all == pytest.approx(1, abs=1e-6)
    assert explain(360 * turns, None, values, codes).by_all < 0.9


def test_half_a_turn_cannot_be_told_by_what_repeats_after_it():
    turns = torch.rand(4000, generator=torch.Generator().manual_seed(0))
    values, codes = {"angle": CODES["angle"]().encode((720 * turns).tolist())}, {"angle": CODES["angle"]()}
    assert explain(360 * turns, None, values, codes, period=360.0).by_all == pytest.approx(0, abs=0.02)
    assert explain(360 * turns, None, values, codes, period=180.0).by_all == pytest.approx(1, abs=1e-6)


def test_half_the_variance_is_half():
    generator = torch.Generator().manual_seed(0)
    x, noise = torch.randn(2, 20_000, 1, generator=generator)
    found = explain((x + noise)[:, 0], None, {"x": x}, {"x": CODES["normal"]()})
    assert found.by_code["x"] == pytest.approx(0.5, abs=0.02)


def test_classes_agree_with_a_discrete_code():
    shape = torch.arange(3000) % 3
    order = torch.randperm(3000, generator=torch.Generator().manual_seed(0))
    values = {"same": one_hot((shape + 1) % 3, 3)[order], "none": one_hot(torch.arange(3000) // 1000, 3)[order]}
    found = explain(shape[order], 3, values, dict.fromkeys(values, CODES["categorical"](n=3)))
    assert found.normalised_information["same"] == pytest.approx(1)
    assert found.normalised_information["none"] == pytest.approx(0, abs=0.01)
    assert found.by_code["same"] == pytest.approx(1, abs=1e-6)


def test_a_constant_code_explains_nothing():
    factor = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    found = explain(factor, None, {"x": torch.zeros(1000, 1)}, {"x": CODES["uniform"]()})
    assert found.by_code["x"] <= 0


class Drawing:
    """As much of a model as makes pictures, by a formula."""

    def __init__(self, generate, **codes):
        self.latents = Latents(NormalNoise(size=1), codes)
        self.generate = lambda latent: generate(self.latents.split(latent)[0], **self.latents.split(latent)[1])

    def draw(self, n, *, seed):
        return self.latents.sample(n, generator=torch.Generator().manual_seed(seed))


def pixels(*columns):
    return torch.cat(columns, dim=1)[:, None, None, :]


def test_effects_in_a_sum_are_the_shares_of_its_variances():
    """Pixels 3 u + z, 2 k and (cos, sin): variances 9 / 3 + 1, 4 * 2 / 9 of three, and 1 / 2 of each."""

    def generate(noise, u, k, angle):
        return pixels(3 * u + noise, 2 * k, angle)

    found = measure_effect(Drawing(generate, u=Uniform(), k=Categorical(n=3), angle=Angle()), n=20_000)
    variances = {"u": 3.0, "k": 4 * 3 * 2 / 9, "angle": 1.0}
    total = sum(variances.values()) + 1
    for name, variance in variances.items():
        assert found[name].alone == pytest.approx(variance / total, abs=0.01)
        assert found[name].in_all == pytest.approx(variance / total, abs=0.01)


def test_an_effect_that_the_noise_turns_around_is_none_alone():
    """Pixels +-u, by the sign of the noise, and u: alone u moves the mean of the second, and it has a hand in both."""
    drawing = Drawing(lambda noise, u, v: pixels(u * noise.sign(), u), u=Uniform(), v=Uniform())
    found = measure_effect(drawing, n=20_000)
    assert found["u"].alone == pytest.approx(1 / 2, abs=0.015)
    assert found["u"].in_all == pytest.approx(1, abs=0.03)
    assert found["v"].alone == found["v"].in_all == 0, "a code that G ignores"
    turned = measure_effect(Drawing(lambda noise, u: pixels(u * noise.sign()), u=Uniform()), n=20_000)["u"]
    assert turned.alone == pytest.approx(0, abs=0.01)
    assert turned.in_all == pytest.approx(1, abs=0.03)


def test_the_mean_picture_and_its_scale_do_not_matter():
    plain, moved = (
        measure_effect(Drawing(lambda noise, u, f=f: pixels(f(u + noise)), u=Uniform()), n=1000)["u"]
        for f in (lambda x: x, lambda x: 10 * x + 300)
    )
    assert moved.alone == pytest.approx(plain.alone, abs=1e-3)
    assert moved.in_all == pytest.approx(plain.in_all, abs=1e-3)


def test_a_generator_of_one_picture_has_no_effects():
    found = measure_effect(Drawing(lambda noise, u: pixels(0 * u + 1), u=Uniform()), n=100)["u"]
    assert (found.alone, found.in_all) == (0, 0)
