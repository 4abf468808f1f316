"""One test for each way in which an InfoGAN is known to have gone wrong, numbered as in the project's list."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from infogan import InfoGAN, Latents, ModelSpec, Registry, RunSpec, build, train
from infogan.core.loss import StepView
from infogan.files.strict_yaml import parse
from infogan.model.build import dry_run
from infogan.plugins.codes import LEAST_STD, Bernoulli, Categorical, Normal, Uniform
from infogan.plugins.losses import Minimax, MutualInformation, NonSaturating
from infogan.plugins.noises import NormalNoise, UniformNoise
from infogan.training import iteration
from infogan.training.randomness import generator
from infogan.training.spec_text import validate
from infogan.training.step import Objective, make_optimizers, training_step

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
RATE = 1e-2


def latents_of(**codes: Any) -> Latents:
    return Latents(NormalNoise(size=2), codes)


def view_of(model: InfoGAN, n: int = 8, *, phase: str = "g") -> StepView:
    """What a loss term sees of a model in training mode, with all gradients."""
    seeded = torch.Generator().manual_seed(0)
    real, latent = torch.rand(n, 1, 8, 8, generator=seeded) * 0.5, model.latents.sample(n, generator=seeded)
    model.train()
    fake = model.generator(latent)
    fake = fake.detach() if phase == "d" else fake
    logit, params = model.discriminator(torch.cat([real, fake]), "both")
    return StepView(
        step=torch.tensor(0),
        real=real,
        fake=fake,
        latent=latent,
        latents=model.latents,
        real_logit=logit[:n] if phase == "d" else None,
        fake_logit=logit[n:],
        params=params,
        generator=model.generator,
        discriminator=model.discriminator,
        random=seeded,
    )


def learns(loss: Tensor, weights: Iterable[nn.Parameter]) -> bool:
    """Whether any of the weights has a gradient other than zero."""
    gradients = torch.autograd.grad(loss, list(weights), retain_graph=True, allow_unused=True)
    return any(gradient is not None and bool(gradient.any()) for gradient in gradients)


def first_adam_step(loss: Tensor, weights: list[nn.Parameter]) -> list[Tensor]:
    """Where Adam's first step leads: against each gradient's sign, by the rate."""
    gradients = torch.autograd.grad(loss, weights)
    return [w.detach() - RATE * g / (g.abs() + 1e-8) for w, g in zip(weights, gradients, strict=True)]


def recipe(name: str) -> ModelSpec:
    return validate(parse(Registry(entry_points=False).recipe(name), name)).model


def test_cross_entropy_takes_logits_and_reaches_zero() -> None:
    """1. Softmax before cross entropy would leave 1.461, and L_I at 0.841 nat in place of ln 10."""
    latents = latents_of(digit=Categorical(n=10))
    latent = latents.sample(64, generator=torch.Generator().manual_seed(0))
    perfect = 100 * latents.split(latent)[1]["digit"]
    nats = latents.information(perfect, latent)["digit"]
    assert nats.item() == pytest.approx(math.log(10), abs=1e-6)


def test_the_information_has_a_gradient_to_every_layer_of_g(model: InfoGAN) -> None:
    """2. A loss rebuilt from numbers has no graph."""
    loss = MutualInformation().g_loss(view_of(model))
    bias_before_norm = model.generator[0].bias  # which batch norm takes away again
    assert all(learns(loss, [weight]) for weight in model.generator.parameters() if weight is not bias_before_norm)


def test_d_can_be_asked_for_its_score_alone(model: InfoGAN) -> None:
    """3. A misplaced ternary made D return a tuple for ever."""
    score = model.discriminator.logit(torch.rand(5, 1, 8, 8))
    assert isinstance(score, Tensor)
    assert score.shape == (5,)


def test_ds_score_and_qs_columns_share_no_weight_beyond_the_body(model: InfoGAN) -> None:
    """4. An index one too far gave D's score and a code the same output."""
    d = model.discriminator
    logit, params = d(torch.rand(6, 1, 8, 8))
    assert params.shape[1] == model.latents.n_params
    assert not learns(logit.square().sum(), d.q_head.parameters())
    assert not learns(params.square().sum(), d.d_head.parameters())
    last = d.q_head[-1].weight
    for column in range(params.shape[1]):
        (gradient,) = torch.autograd.grad(params[:, column].square().sum(), last, retain_graph=True)
        assert gradient.any(dim=1).nonzero().flatten().tolist() == [column]


def test_labels_never_reach_training(
    run_spec: Callable[..., RunSpec], parts: SimpleNamespace, tmp_path: Path, equal_weights: Callable[..., bool]
) -> None:
    """5. "Unsupervised" code that trains on labels."""
    for streamed in (False, True):
        right, wrong = (
            train(
                run_spec(data=parts.data(shuffled_labels=shuffled, streamed=streamed)),
                tmp_path / f"{streamed}-{shuffled}",
            )
            for shuffled in (False, True)
        )
        assert equal_weights(right, wrong)


@pytest.mark.parametrize("routing", ["official", "generator"])
def test_each_phase_applies_its_own_gradient_alone(model_spec: Callable[..., ModelSpec], routing: str) -> None:
    """6 and 7. A stale gradient of the other phase; a body that learns to help G fool D."""
    information = MutualInformation(routing=routing)
    model = build(model_spec(losses={"game": NonSaturating(), "information": information})).double().train()
    before = copy.deepcopy(model)
    for weight in model.parameters():
        weight.grad = torch.full_like(weight, 1e6)
    seeded = torch.Generator().manual_seed(0)
    real, latent = torch.rand(8, 1, 8, 8, generator=seeded).double(), model.latents.sample(8, generator=seeded).double()
    optimizers = make_optimizers(model, d_lr=RATE, g_lr=RATE, betas=(0.5, 0.999))
    training_step(Objective(model), optimizers, real, latent, torch.tensor(0))

    d, latents = before.discriminator, before.latents
    logit, params = d(torch.cat([real, before.generator(latent).detach()]), "both")
    d_loss = nn.functional.softplus(-logit[:8]).mean() + nn.functional.softplus(logit[8:]).mean()
    d_weights = [*d.body.parameters(), *d.d_head.parameters()]
    g_weights = [*before.generator.parameters()]
    if routing == "official":
        d_loss = d_loss - sum(latents.information(params, latent).values())
        d_weights += d.q_head.parameters()
    else:
        g_weights += d.q_head.parameters()
    d_after = first_adam_step(d_loss, d_weights)
    with torch.no_grad():
        for weight, value in zip(d_weights, d_after, strict=True):
            weight.copy_(value)
    logit, params = d(before.generator(latent), "fake")
    g_loss = nn.functional.softplus(-logit).mean() - sum(latents.information(params, latent).values())
    g_after = first_adam_step(g_loss, g_weights)
    with torch.no_grad():
        for weight, value in zip(g_weights, g_after, strict=True):
            weight.copy_(value)
    for (name, weight), by_hand in zip(model.named_parameters(), before.parameters(), strict=True):
        assert torch.allclose(weight, by_hand, atol=1e-9), name


@pytest.mark.parametrize("own_body", [False, True])
@pytest.mark.parametrize(
    "term", [Minimax(), NonSaturating(), MutualInformation(), MutualInformation(routing="generator")]
)
def test_who_learns_is_who_was_said_to_learn(
    model_spec: Callable[..., ModelSpec], parts: SimpleNamespace, term: Any, own_body: bool
) -> None:
    """8. Q in G's optimiser while the body moves for D only, and nobody says so."""
    q_body = parts.body() if own_body else None
    model = build(model_spec(losses={"game": NonSaturating(), "term": term}, q_body=q_body))
    stepped = model.spec.phases()
    modules = {"generator": model.generator, **model.discriminator.parts()}
    for phase in ("d", "g"):
        view = view_of(model, phase=phase)
        loss = term.d_loss(view) if phase == "d" else term.g_loss(view)
        reached = {
            part
            for part, module in modules.items()
            if loss is not None and stepped[part] == phase and learns(loss, module.parameters())
        }
        assert reached == term.parts(phase, shared=not own_body)


def test_no_weight_is_in_two_optimisers(model_spec: Callable[..., ModelSpec]) -> None:
    """9. Adams with conflicting moments on the same weights."""
    for routing in ("official", "generator"):
        model = build(model_spec(losses={"game": NonSaturating(), "information": MutualInformation(routing=routing)}))
        optimizers = make_optimizers(model, d_lr=1e-3, g_lr=1e-3, betas=(0.5, 0.9))
        both = optimizers.d_optimizer, optimizers.g_optimizer
        stepped = [id(w) for o in both for g in o.param_groups for w in g["params"]]
        assert len(stepped) == len(set(stepped)) == len(list(model.parameters()))


@pytest.mark.parametrize("spread", [0.1, 0.5, 2.0])
def test_the_information_of_a_continuous_code_is_in_nats(spread: float) -> None:
    """10. A squared error has no unit. Over a Gaussian channel the bound is the mutual information itself."""
    posterior_std = spread / math.sqrt(1 + spread**2)
    latents = latents_of(size=Normal(q_std=posterior_std))
    seeded = torch.Generator().manual_seed(0)
    latent = latents.sample(200_000, generator=seeded)
    seen = latent[:, 2:] + spread * torch.randn(200_000, 1, generator=seeded)
    nats = latents.information(seen / (1 + spread**2), latent)["size"]
    assert nats.item() == pytest.approx(0.5 * math.log(1 + 1 / spread**2), abs=0.02)


@pytest.mark.parametrize(("std", "ceiling"), [(1.0, -0.2258), (0.5, 0.4674), (0.1, 2.0768)])
def test_a_fixed_std_has_a_ceiling_that_is_known(std: float, ceiling: float) -> None:
    """11. With std 1 the original reports up to 1/6 nat, scoring U(-1, 1) under N(0, 1); the bound is negative."""
    code = Uniform(q_std=std)
    value = code.sample(1000, generator=torch.Generator().manual_seed(0))
    perfect = (code.entropy + code.log_prob(value, value)).mean().item()
    assert perfect == pytest.approx(math.log(2) - math.log(std) - HALF_LOG_TWO_PI, abs=1e-6)
    assert perfect == pytest.approx(ceiling, abs=1e-4)
    blurred = value + 0.1 * torch.randn(1000, 1, generator=torch.Generator().manual_seed(1))
    assert (code.entropy + code.log_prob(blurred, value)).mean().item() < perfect


def test_the_originals_measure_would_over_report_by_what_the_design_says() -> None:
    """11. Cross entropy of U(-1, 1) under N(0, 1) less its entropy is 0.39 nat a code."""
    value = torch.linspace(-1, 1, 200_001, dtype=torch.float64)
    wrong = -torch.distributions.Normal(0.0, 1.0).log_prob(value).mean().item()
    assert wrong - Uniform().entropy == pytest.approx(0.3925, abs=1e-3)
    ceiling = wrong + torch.distributions.Normal(value, 1.0).log_prob(value).mean().item()
    assert ceiling == pytest.approx(1 / 6, abs=1e-4)


@pytest.mark.parametrize(("output", "std"), [(-2.0, 0.1353), (-1.0, 0.3679), (0.0, 1.0), (1.0, 2.0), (3.0, 4.0)])
def test_the_second_output_is_the_logarithm_of_the_std(output: float, std: float) -> None:
    """12. Not of the variance: std = exp(output) up to 1, a straight line above, and the floor."""
    for code, scale in ((Uniform(), 1.0), (Normal(), 1.0), (Uniform(low=0.0, high=20.0), 10.0)):
        law = code.law(torch.tensor([[0.0, output]]))
        assert law["std"].item() == pytest.approx(scale * (std + LEAST_STD), abs=1e-3)


@pytest.mark.parametrize("code", [Uniform(), Normal(), Uniform(low=0.0, high=20.0)])
def test_the_likelihood_is_bounded(code: Uniform | Normal) -> None:
    """13. A learned std that goes to 0 would earn an infinite likelihood."""
    value = code.sample(3, generator=torch.Generator().manual_seed(0))
    mean = (value - code.centre) / code.scale
    for output in (-20.0, -1e4, -1e30):
        params = torch.cat([mean, torch.full((3, 1), output)], dim=1).requires_grad_()
        likelihood = code.log_prob(params, value)
        likelihood.sum().backward()
        assert likelihood.tolist() == pytest.approx([-math.log(LEAST_STD * code.scale) - HALF_LOG_TWO_PI] * 3, abs=1e-3)
        assert params.grad.isfinite().all()


@pytest.mark.parametrize("code", [Uniform(), Uniform(q_std=1.0), Normal(), Bernoulli(), Categorical(n=2)])
@pytest.mark.parametrize("n", [1, 5])
def test_one_code_or_one_picture_is_not_broadcast(code: Any, n: int) -> None:
    """14. (batch, 1) less (batch,) is (batch, batch)."""
    seeded = torch.Generator().manual_seed(0)
    params, value = torch.randn(n, code.n_params, generator=seeded), code.sample(n, generator=seeded)
    likelihood = code.log_prob(params, value)
    assert likelihood.shape == (n,)
    by_one = [code.log_prob(params[i : i + 1], value[i : i + 1]).item() for i in range(n)]
    assert likelihood.tolist() == pytest.approx(by_one, abs=1e-6)
    assert code.mode(params).shape == (n, code.width)
    assert code.confidence(params).shape == (n,)
    latents = latents_of(only=code)
    latent = latents.join(torch.zeros(n, 2), {"only": value})
    assert latents.information(params, latent)["only"].item() == pytest.approx(code.entropy + sum(by_one) / n, abs=1e-6)


def test_one_picture_has_one_score_and_one_posterior(model: InfoGAN) -> None:
    """14. `squeeze()` without an axis loses the batch of one."""
    picture = model.sample(1, seed=0)
    assert model.discriminator.logit(picture).shape == (1,)
    posterior = model.infer(picture)
    assert [len(posterior[name].guess) for name in posterior] == [1, 1]


def test_any_number_of_values_will_do(model_spec: Callable[..., ModelSpec]) -> None:
    """15. Slices of ten, whatever the number of values."""
    codes = {"few": Categorical(n=2), "many": Categorical(n=23), "ten": Categorical(n=10)}
    model = build(model_spec(codes=codes, losses={"game": NonSaturating(), "information": MutualInformation()})).train()
    seeded = torch.Generator().manual_seed(0)
    latent = model.latents.sample(64, generator=seeded)
    optimizers = make_optimizers(model, d_lr=1e-3, g_lr=1e-3, betas=(0.5, 0.9))
    values = training_step(Objective(model), optimizers, torch.rand(64, 1, 8, 8), latent, torch.tensor(0))
    assert all(value.isfinite() for value in values.values())
    perfect = model.latents.information(100 * latent[:, 3:], latent)
    assert {name: nats.item() for name, nats in perfect.items()} == pytest.approx(
        {"few": math.log(2), "many": math.log(23), "ten": math.log(10)}, abs=1e-6
    )


def test_pixels_in_another_range_than_the_generators_are_refused(
    run_spec: Callable[..., RunSpec], parts: SimpleNamespace
) -> None:
    """16. D would win by the sign alone."""
    with pytest.raises(ValueError, match=r"data\.range(.|\n)*\[-1\.0, 1\.0\].*\[0\.0, 1\.0\]"):
        run_spec(data=parts.data(range=(-1.0, 1.0)))


def test_evaluation_draws_from_the_priors_of_training(
    model_spec: Callable[..., ModelSpec],
    run_spec: Callable[..., RunSpec],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """17. Normal here, uniform there."""
    drawn: list[Tensor] = []

    def recorded(*arguments: Any, **options: Any) -> Any:
        drawn.append(arguments[3])
        return training_step(*arguments, **options)

    monkeypatch.setattr(iteration, "training_step", recorded)
    model = train(run_spec(model=model_spec(noise=UniformNoise(size=3)), steps=2), tmp_path)
    seeds = [generator(0, "latent", step).initial_seed() for step in range(2)]
    assert all(torch.equal(model.draw(8, seed=seed), latent) for seed, latent in zip(seeds, drawn, strict=True))


def test_the_information_is_summed_over_codes(model: InfoGAN) -> None:
    """18. A mean over codes weakens each one as their number grows."""
    view = view_of(model)
    both = latents_of(one=Uniform(), two=Uniform())
    single = latents_of(one=Uniform())
    seeded = torch.Generator().manual_seed(0)
    params, latent = torch.randn(8, 2, generator=seeded), single.sample(8, generator=seeded)
    alone, double = (
        MutualInformation().g_loss(replace(view, latents=latents, params=columns, latent=vectors)).item()
        for latents, columns, vectors in (
            (single, params, latent),
            (both, params.repeat(1, 2), torch.cat([latent, latent[:, 2:]], dim=1)),
        )
    )
    assert double == pytest.approx(2 * alone, abs=1e-6)


def test_real_and_generated_pictures_are_normalised_apart_and_read_one_by_one(model: InfoGAN) -> None:
    """19. Statistics leak between the two, and from picture to picture in evaluation."""
    d = model.discriminator.double().train()
    seeded = torch.Generator().manual_seed(0)
    real, fake = torch.rand(2, 6, 1, 8, 8, generator=seeded, dtype=torch.float64)
    apart = copy.deepcopy(d)
    joint = d(torch.cat([real, 0.1 * fake]), "both")
    assert torch.allclose(joint.logit[:6], apart(real, "real").logit, atol=1e-12)
    assert torch.allclose(joint.logit[6:], apart(0.1 * fake, "fake").logit, atol=1e-12)
    d.eval()
    for domain in ("real", "fake"):
        one_by_one = torch.cat([d(picture, domain).params for picture in real.split(1)])
        assert torch.allclose(d(real, domain).params, one_by_one, atol=1e-12)


def test_codes_are_read_one_picture_at_a_time_as_well_as_under_batch_statistics(
    model_spec: Callable[..., ModelSpec],
) -> None:
    """19b. Running statistics that mix real and generated pictures lose codes."""
    losses = {"game": NonSaturating(), "information": MutualInformation()}
    model = build(model_spec(codes={"digit": Categorical(n=4)}, losses=losses)).train()
    optimizers = make_optimizers(model, d_lr=1e-2, g_lr=1e-2, betas=(0.5, 0.999))
    seeded = torch.Generator().manual_seed(0)
    for step in range(160):
        bright = 0.9 + 0.1 * torch.rand(32, 1, 8, 8, generator=seeded)
        latent = model.latents.sample(32, generator=seeded)
        training_step(Objective(model), optimizers, bright, latent, torch.tensor(step))
    digits = torch.arange(100) % 4
    pictures = model.sample(100, seed=0, digit=digits)
    alone = [model.infer(picture)["digit"].guess[0] for picture in pictures.split(1)]
    with torch.no_grad():
        together = model.discriminator.train()(model._to_network(pictures), "fake").params.argmax(dim=1)
    right_alone, right_together = (torch.as_tensor(read) == digits for read in (alone, together))
    assert right_together.float().mean() > 0.95, "the model has not learnt enough for this test"
    assert right_alone.float().mean() > 0.95


def test_batch_norm_has_the_usual_epsilon_and_nothing_drops_out() -> None:
    """20. `BatchNorm2d(c, 0.8)` is an epsilon of 0.8; dropout makes Q noisy."""
    for name in ("mnist", "mnist-table", "mnist-openai"):
        networks = dry_run(recipe(name))
        norms = [m for network in networks for m in network.modules() if "BatchNorm" in type(m).__name__]
        assert len(norms) == 6
        assert all((norm.eps, norm.momentum) == (1e-5, 0.1) for norm in norms)
        assert not [m for network in networks for m in network.modules() if "Dropout" in type(m).__name__]


@pytest.mark.parametrize("game", [Minimax(), NonSaturating()])
def test_the_game_needs_no_labels_of_the_right_type(game: Any, model: InfoGAN) -> None:
    """21. Integer labels for a binary cross entropy."""
    view = view_of(model, phase="d")
    for dtype in (torch.bfloat16, torch.float32, torch.float64):
        cast = replace(view, real_logit=view.real_logit.to(dtype), fake_logit=view.fake_logit.to(dtype))
        for loss in (game.d_loss(cast), game.g_loss(cast)):
            assert loss.dtype == dtype
            assert loss.isfinite()


def test_the_entropy_is_that_of_the_prior_and_is_added() -> None:
    """22. The entropy of a one-hot vector is 0; a blind Q has no information, a perfect one has all."""
    latents = latents_of(digit=Categorical(n=10))
    latent = latents.sample(1000, generator=torch.Generator().manual_seed(0))
    assert latents.entropy["digit"] == pytest.approx(math.log(10))
    assert latents.information(torch.zeros(1000, 10), latent)["digit"].item() == pytest.approx(0, abs=1e-6)
    assert latents.information(100 * latent[:, 2:], latent)["digit"].item() == pytest.approx(math.log(10), abs=1e-6)


@pytest.mark.parametrize("code", [Uniform(), Normal(), Categorical(n=3), Bernoulli()])
def test_every_picture_counts(code: Any) -> None:
    """23. Rows taken for columns use one sample only."""
    seeded = torch.Generator().manual_seed(0)
    params, value = torch.randn(6, code.n_params, generator=seeded).requires_grad_(), code.sample(6, generator=seeded)
    latents = latents_of(only=code)
    latents.information(params, latents.join(torch.zeros(6, 2), {"only": value}))["only"].backward()
    assert (params.grad.abs().sum(dim=1) > 0).all()
    shuffled = torch.tensor([3, 1, 5, 0, 2, 4])
    assert torch.allclose(code.log_prob(params, value)[shuffled], code.log_prob(params[shuffled], value[shuffled]))


def test_the_paper_weighs_the_digit_by_one_and_continuous_codes_by_less() -> None:
    """24. The two weights the wrong way round."""
    information = recipe("mnist").losses["information"]
    weights = {name: information.weight * information.codes.get(name, 1.0) for name in recipe("mnist").codes}
    assert weights == {"digit": 1.0, "slant": 0.1, "stroke": 0.1}


@pytest.mark.parametrize("game", [Minimax(), NonSaturating()])
@pytest.mark.parametrize("size", [100.0, 1e4])
def test_a_d_that_is_sure_has_a_finite_loss_and_gradient(game: Any, size: float, model: InfoGAN) -> None:
    """25. The logarithm of a sigmoid saturates, and the 1e-8 that hides it is nothing in half precision."""
    for sign in (-1.0, 1.0):
        logits = torch.full((2, 4), sign * size, requires_grad=True)
        loss = game.d_loss(replace(view_of(model, phase="d"), real_logit=logits[0], fake_logit=logits[1]))
        (gradient,) = torch.autograd.grad(loss, logits)
        assert loss.item() == pytest.approx(size, rel=1e-6)
        assert gradient[0 if sign < 0 else 1].abs().sum().item() == pytest.approx(1), "who is wrong is told so in full"
    logits = torch.full((4,), -size, requires_grad=True)
    loss = NonSaturating().g_loss(replace(view_of(model), fake_logit=logits))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert loss.item() == pytest.approx(size, rel=1e-6)
    assert gradient.sum().item() == pytest.approx(-1)


def test_the_papers_preset_and_the_codes_differ_where_paper_and_code_do() -> None:
    """26. "Faithful" is ambiguous: leak and std."""
    paper, code = recipe("mnist-table"), recipe("mnist-openai")
    assert (paper.body.leak, paper.head.leak, code.body.leak, code.head.leak) == (0.1, 0.1, 0.01, 0.01)
    for name in ("slant", "stroke"):
        assert (paper.codes[name].q_std, code.codes[name].q_std) == ("learned", 1.0)
    assert paper.losses == code.losses
    assert paper.generator == code.generator
    assert paper.noise == code.noise == UniformNoise(size=62)
