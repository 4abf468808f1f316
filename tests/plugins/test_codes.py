"""Code types as laws: torch.distributions is the reference."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch import distributions as D

from infogan import Code
from infogan.plugins.codes import LEAST_STD, Angle, Bernoulli, Categorical, Normal, Uniform

ALL = [
    Categorical(n=2),
    Categorical(n=7),
    Uniform(),
    Uniform(low=2.0, high=10.0),
    Uniform(q_std=1.0),
    Normal(),
    Normal(q_std=0.5),
    Bernoulli(),
    Bernoulli(p=0.1),
    Angle(),
]


def label(code: object) -> str:
    return str(code).replace("kind=", "").replace("'", "")


def emitted(code: Code, n: int = 200, spread: float = 2.0) -> Tensor:
    return spread * torch.randn(n, code.n_params, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def drawn(code: Code, n: int = 200) -> Tensor:
    return code.sample(n, generator=torch.Generator().manual_seed(0)).double()


def std_of(code: Code, output: Tensor) -> Tensor:
    """exp(output) below 0 and 1 + output above, plus the floor, in the code's scale."""
    scale = (code.high - code.low) / 2 if isinstance(code, Uniform) else 1.0
    return scale * (torch.where(output > 0, 1 + output, output.exp()) + LEAST_STD)


def categorical_law(code: Categorical, params: Tensor) -> D.Distribution:
    return D.OneHotCategorical(logits=params)


def gaussian_law(code: Uniform | Normal, params: Tensor) -> D.Distribution:
    centre, scale = (
        ((code.low + code.high) / 2, (code.high - code.low) / 2) if isinstance(code, Uniform) else (0.0, 1.0)
    )
    std = std_of(code, params[:, 1:]) if code.q_std == "learned" else torch.full_like(params[:, :1], code.q_std)
    return D.Independent(D.Normal(centre + scale * params[:, :1], std), 1)


def bernoulli_law(code: Bernoulli, params: Tensor) -> D.Distribution:
    return D.Independent(D.Bernoulli(logits=params), 1)


LAWS: dict[type[Code], Callable[..., D.Distribution]] = {
    Categorical: categorical_law,
    Uniform: gaussian_law,
    Normal: gaussian_law,
    Bernoulli: bernoulli_law,
}


@pytest.mark.parametrize("code", [code for code in ALL if type(code) in LAWS], ids=label)
def test_the_likelihood_is_that_of_the_reference_law(code: Code) -> None:
    params, value = emitted(code), drawn(code)
    expected = LAWS[type(code)](code, params).log_prob(value)
    assert torch.allclose(code.log_prob(params, value), expected, atol=1e-10, rtol=1e-10)


def test_the_angle_is_von_mises() -> None:
    params, value = emitted(Angle()), drawn(Angle())
    law = D.VonMises(torch.atan2(params[:, 1], params[:, 0]), params.norm(dim=1))
    expected = law.log_prob(torch.atan2(value[:, 1], value[:, 0]))
    assert torch.allclose(Angle().log_prob(params, value), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("code", "entropy"),
    [
        (Categorical(n=10), D.Categorical(logits=torch.zeros(10, dtype=torch.float64)).entropy()),
        (Categorical(n=3), D.Categorical(logits=torch.zeros(3, dtype=torch.float64)).entropy()),
        (Uniform(), D.Uniform(-1.0, 1.0).entropy()),
        (Uniform(low=0.0, high=0.1), D.Uniform(0.0, 0.1).entropy()),
        (Normal(), D.Normal(0.0, 1.0).entropy()),
        (Bernoulli(), D.Bernoulli(0.5).entropy()),
        (Bernoulli(p=0.05), D.Bernoulli(0.05).entropy()),
        (Angle(), D.Uniform(0.0, 2 * math.pi).entropy()),
    ],
    ids=lambda x: label(x) if isinstance(x, Code) else "",
)
def test_the_entropy_is_exact(code: Code, entropy: Tensor) -> None:
    assert code.entropy == pytest.approx(entropy.item(), abs=1e-6)


@pytest.mark.parametrize("code", [Categorical(n=5), Bernoulli(p=0.2)], ids=label)
def test_a_discrete_law_sums_to_one(code: Code) -> None:
    params = emitted(code, 20)
    total = sum(code.log_prob(params, value.double().expand(20, -1)).exp() for value in code.grid(2))
    assert torch.allclose(torch.as_tensor(total), torch.ones(20, dtype=torch.float64))


@pytest.mark.parametrize("code", [Uniform(), Uniform(low=2.0, high=10.0), Normal(), Normal(q_std=0.5)], ids=label)
def test_a_law_on_the_line_integrates_to_one(code: Code) -> None:
    line = torch.linspace(-300, 300, 600_001, dtype=torch.float64).unsqueeze(1)
    for params in emitted(code, 4):
        density = code.log_prob(params.expand(len(line), -1), line).exp()
        assert torch.trapezoid(density, line[:, 0]).item() == pytest.approx(1, abs=1e-6)


def test_the_law_of_the_angle_integrates_to_one_around_the_circle() -> None:
    radians = torch.arange(10_000, dtype=torch.float64) * (2 * math.pi / 10_000)
    circle = torch.stack([radians.cos(), radians.sin()], dim=1)
    for params in emitted(Angle(), 4, spread=10.0):
        density = Angle().log_prob(params.expand(len(circle), -1), circle).exp()
        assert density.mean().item() * 2 * math.pi == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("code", ALL, ids=label)
def test_no_value_is_likelier_than_the_mode(code: Code) -> None:
    params = emitted(code)
    peak = code.log_prob(params, code.mode(params))
    for value in (drawn(code), code.sample(200, generator=torch.Generator().manual_seed(5)).double()):
        assert (code.log_prob(params, value) <= peak + 1e-5).all()


@pytest.mark.parametrize("code", ALL, ids=label)
def test_every_parameter_column_learns(code: Code) -> None:
    params = emitted(code).requires_grad_()
    code.log_prob(params, drawn(code)).sum().backward()
    assert params.grad is not None
    assert params.grad.isfinite().all()
    assert (params.grad.abs().sum(dim=0) > 0).all()


@pytest.mark.parametrize("code", ALL, ids=label)
def test_the_likelihood_of_one_picture_does_not_depend_on_the_others(code: Code) -> None:
    params, value = emitted(code, 5), drawn(code, 5)
    together = code.log_prob(params, value)
    assert together.shape == (5,)
    alone = torch.cat([code.log_prob(params[i : i + 1], value[i : i + 1]) for i in range(5)])
    assert torch.allclose(together, alone)


@pytest.mark.parametrize("code", ALL, ids=label)
def test_what_is_decoded_is_encoded_to_the_same_vector(code: Code) -> None:
    value = code.sample(50, generator=torch.Generator().manual_seed(3))
    assert torch.allclose(code.encode(code.decode(value)), value, atol=1e-5)


@pytest.mark.parametrize("code", ALL, ids=label)
def test_confidence_is_between_0_and_1(code: Code) -> None:
    sure = code.confidence(emitted(code))
    assert (sure >= 0).all()
    assert (sure <= 1).all()


def test_confidence_of_the_prior_is_that_of_a_blind_guess() -> None:
    assert Categorical(n=4).confidence(torch.zeros(1, 4)).item() == pytest.approx(0.25)
    assert Angle().confidence(torch.zeros(1, 2)).item() == pytest.approx(0, abs=1e-5)
    assert Angle().confidence(torch.tensor([[500.0, 0.0]])).item() > 0.85


@pytest.mark.parametrize("code", [Uniform(), Normal(), Uniform(q_std=2.0), Normal(q_std=0.3)], ids=label)
def test_the_law_reports_the_mean_and_std_that_the_likelihood_uses(code: Code) -> None:
    params, value = emitted(code), drawn(code)
    law = code.law(params)
    assert torch.allclose(D.Normal(law["mean"], law["std"]).log_prob(value[:, 0]), code.log_prob(params, value))


def test_an_uncertain_uniform_code_scales_with_its_range() -> None:
    """The same outputs have the same information whatever the unit: nats are free of units."""
    small, large = Uniform(low=-1.0, high=1.0), Uniform(low=100.0, high=300.0)
    params, value = emitted(small), drawn(small)
    moved = 200 + 100 * value
    assert torch.allclose(
        small.entropy + small.log_prob(params, value), large.entropy + large.log_prob(params, moved), atol=1e-8
    )


@pytest.mark.parametrize(
    ("written", "degrees"),
    [("45deg", 45), (45, 45), ("0.25turn", 90), (f"{math.pi}rad", 180), (" -90 deg ", 270), ("1e1deg", 10), (720, 0)],
)
def test_an_angle_is_written_with_its_unit(written: object, degrees: float) -> None:
    (read,) = Angle().decode(Angle().encode([written]))
    assert min(abs(read - degrees), 360 - abs(read - degrees)) < 1e-3


def test_an_angle_has_no_seam() -> None:
    params = 5 * Angle().encode([359.9]).double()
    below, above = (Angle().log_prob(params, Angle().encode([degrees]).double()) for degrees in (359.8, 0.0))
    assert torch.allclose(below, above, atol=1e-5)


@pytest.mark.parametrize("wrong", ["deg", "45rads", "", "north", None, True, [45]])
def test_what_is_no_angle_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="degrees, or text such as '45deg'"):
        Angle().encode([wrong])


@pytest.mark.parametrize("code", ALL, ids=label)
def test_the_dial_runs_over_values_that_the_code_can_have(code: Code) -> None:
    dial = code.grid(6)
    assert dial.shape == (len(dial), code.width)
    assert torch.allclose(code.encode(code.decode(dial)), dial, atol=1e-5)


def test_dials() -> None:
    assert Uniform(low=0.0, high=2.0).grid(3).tolist() == [[0], [1], [2]]
    assert Normal().grid(5).tolist() == [[-2], [-1], [0], [1], [2]]
    assert Bernoulli().grid(9).tolist() == [[0], [1]]
    assert [round(degrees) for degrees in Angle().decode(Angle().grid(4))] == [0, 90, 180, 270]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Categorical(n=1), "greater than or equal to 2"),
        (lambda: Categorical(n=3, labels=["a", "b"]), "name each of the 3 values once"),
        (lambda: Categorical(n=2, labels=["a", "a"]), "name each of the 2 values once"),
        (lambda: Uniform(low=1.0, high=1.0), "above low"),
        (lambda: Uniform(low=math.inf), "finite"),
        (lambda: Uniform(q_std=0.0), "greater than 0"),
        (lambda: Uniform(q_std="fixed"), "learned"),
        (lambda: Bernoulli(p=1.0), "less than 1"),
        (lambda: Normal(mean=1.0), "mean"),
    ],
)
def test_options_that_make_no_law_are_refused(make: Callable[[], Code], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize("code", ALL, ids=label)
@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(scale=st.floats(0, 1e4), seed=st.integers(0, 1000))
def test_likelihood_and_gradient_are_finite_for_any_output(code: Code, scale: float, seed: int) -> None:
    params = scale * torch.randn(4, code.n_params, generator=torch.Generator().manual_seed(seed))
    params.requires_grad_()
    likelihood = code.log_prob(params, code.sample(4, generator=torch.Generator().manual_seed(seed)))
    likelihood.sum().backward()
    assert likelihood.isfinite().all()
    assert params.grad is not None
    assert params.grad.isfinite().all()
