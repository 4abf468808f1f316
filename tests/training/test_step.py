"""One step of training: the fused step is a plain GAN step, only faster."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Literal

import pytest
import torch
from pydantic import PrivateAttr
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import infogan
from infogan import InfoGAN, LossTerm, ModelSpec, build
from infogan.core.loss import Reach, StepView
from infogan.model.discriminator import DomainBatchNorm
from infogan.plugins.dcgan import DcganBody
from infogan.plugins.heads import Linear
from infogan.plugins.losses import Minimax, MutualInformation, NonSaturating
from infogan.plugins.penalties import R1, GradientPenalty
from infogan.training.step import Objective, make_optimizers, training_step

RATES = {"d_lr": 2e-3, "g_lr": 5e-3, "betas": (0.5, 0.999)}
START = torch.tensor(0)


def batch(model: InfoGAN, step: int, n: int = 8, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Real pictures and latents of a step."""
    seeded = torch.Generator().manual_seed(step)
    real = torch.rand(n, 1, 8, 8, generator=seeded) * 0.5
    return real.to(dtype), model.latents.sample(n, generator=seeded).to(dtype)


class PlainNorm(nn.Module):
    """Batch statistics in, running statistics out, written out."""

    def __init__(self, norm: DomainBatchNorm) -> None:
        super().__init__()
        self.weight, self.bias, self.eps, self.momentum = norm.weight, norm.bias, norm.eps, norm.momentum
        self.mean, self.var = norm.running_mean.clone(), norm.running_var.clone()
        self.row = 0

    def forward(self, x: Tensor) -> Tensor:
        axes = [i for i in range(x.ndim) if i != 1]
        shape = [-1 if i == 1 else 1 for i in range(x.ndim)]
        mean, var = x.mean(dim=axes), x.var(dim=axes, unbiased=False)
        with torch.no_grad():
            self.mean[self.row].lerp_(mean, self.momentum)
            self.var[self.row].lerp_(x.var(dim=axes, unbiased=True), self.momentum)
        normal = (x - mean.reshape(shape)) / (var.reshape(shape) + self.eps).sqrt()
        return normal * self.weight.reshape(shape) + self.bias.reshape(shape)


class PlainInfoGAN:
    """The paper's update as one would first write it: every pass on its own, its own graph, plain Adam."""

    def __init__(self, model: InfoGAN, information: MutualInformation, *, saturating: bool) -> None:
        self.latents, self.information, self.saturating = model.latents, information, saturating
        self.g = copy.deepcopy(model.generator).train()
        d = copy.deepcopy(model.discriminator).train()
        norms = {name: norm for name, norm in d.named_modules() if isinstance(norm, DomainBatchNorm)}
        self.norms = {name: PlainNorm(norm) for name, norm in norms.items()}
        for name, norm in self.norms.items():
            d.set_submodule(name, norm)
        self.body, self.d_head, self.q_head = d.body, d.d_head, d.q_head
        self.routing = information.routing
        d_weights = [*self.body.parameters(), *self.d_head.parameters()]
        g_weights = [*self.g.parameters()]
        (g_weights if self.routing == "generator" else d_weights).extend(self.q_head.parameters())
        self.d_adam = torch.optim.Adam(d_weights, lr=RATES["d_lr"], betas=RATES["betas"], foreach=False)
        self.g_adam = torch.optim.Adam(g_weights, lr=RATES["g_lr"], betas=RATES["betas"], foreach=False)

    def judge(self, images: Tensor, row: int) -> tuple[Tensor, Tensor]:
        for norm in self.norms.values():
            norm.row = row
        features = self.body(images)
        return self.d_head(features)[:, 0], features

    def negative_bound(self, features: Tensor, latent: Tensor) -> Tensor:
        params = self.q_head(features)
        digit = latent[:, 3:7].argmax(dim=1)
        cross_entropy = F.cross_entropy(params[:, :4], digit)
        mean, std = params[:, 4], F.elu(params[:, 5]) + 1.01
        likelihood = torch.distributions.Normal(mean, std).log_prob(latent[:, 7]).mean()
        weights = self.information.codes
        entropy = self.latents.entropy
        return (
            -(
                weights.get("digit", 1.0) * (entropy["digit"] - cross_entropy)
                + weights.get("slant", 1.0) * (entropy["slant"] + likelihood)
            )
            * self.information.weight
        )

    def step(self, real: Tensor, latent: Tensor) -> tuple[float, float]:
        ones, zeros = torch.ones_like(latent[:, 0]), torch.zeros_like(latent[:, 0])
        bce = F.binary_cross_entropy_with_logits
        fake = self.g(latent).detach()
        real_logit, _ = self.judge(real, 0)
        fake_logit, features = self.judge(fake, 1)
        taught = torch.zeros(())  # with G, Q rests here
        if self.routing != "generator":
            taught = self.negative_bound(features.detach() if self.routing == "reading" else features, latent)
        d_loss = bce(real_logit, ones) + bce(fake_logit, zeros) + taught
        self.update(d_loss, self.d_adam)

        for module in self.g.modules():  # generating again must not count twice in running statistics
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = 0.0
        fake_logit, features = self.judge(self.g(latent), 1)
        for module in self.g.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = 0.1
        fooled = -bce(fake_logit, zeros) if self.saturating else bce(fake_logit, ones)
        read = self.negative_bound(features, latent)  # to be logged, whoever learns from it
        g_loss = fooled if self.routing == "reading" else fooled + read
        self.update(g_loss, self.g_adam)
        return d_loss.item(), g_loss.item()

    def update(self, loss: Tensor, adam: torch.optim.Adam) -> None:
        for module in (self.g, self.body, self.d_head, self.q_head):
            module.zero_grad()
        loss.backward()
        adam.step()


@pytest.mark.parametrize("routing", ["official", "generator", "reading"])
@pytest.mark.parametrize("saturating", [False, True])
def test_the_fused_step_is_the_plain_step(model_spec: Callable[..., ModelSpec], routing: str, saturating: bool) -> None:
    """Weights, running statistics and losses over several steps, in float64."""
    information = MutualInformation(weight=1.5, codes={"slant": 0.1}, routing=routing)
    game = Minimax() if saturating else NonSaturating()
    model = build(model_spec(losses={"game": game, "information": information})).double().train()
    plain = PlainInfoGAN(model, information, saturating=saturating)
    optimizers = make_optimizers(model, **RATES)
    for step in range(5):
        real, latent = batch(model, step, dtype=torch.float64)
        values = training_step(Objective(model), optimizers, real, latent, torch.tensor(step))
        d_loss, g_loss = plain.step(real, latent)
        assert values["d_loss"].item() == pytest.approx(d_loss, abs=1e-10)
        assert values["g_loss"].item() == pytest.approx(g_loss, abs=1e-10)
    d = model.discriminator
    for fused, reference in (
        (model.generator, plain.g),
        (d.body, plain.body),
        (d.d_head, plain.d_head),
        (d.q_head, plain.q_head),
    ):
        weights = dict(reference.named_parameters())
        for name, weight in fused.named_parameters():
            assert torch.allclose(weight, weights[name], atol=1e-9, rtol=0), name
    assert len(plain.norms) == 3
    for name, reference in plain.norms.items():
        norm = d.get_submodule(name)
        assert torch.allclose(norm.running_mean, reference.mean, atol=1e-9)
        assert torch.allclose(norm.running_var, reference.var, atol=1e-9)
    (g_norm,) = (m for m in model.generator.modules() if isinstance(m, nn.BatchNorm1d))
    (reference,) = (m for m in plain.g.modules() if isinstance(m, nn.BatchNorm1d))
    assert torch.allclose(g_norm.running_mean, reference.running_mean, atol=1e-9)


@pytest.mark.parametrize("routing", ["official", "generator", "reading"])
def test_a_batch_in_pieces_gives_the_step_of_the_whole(model_spec: Callable[..., ModelSpec], routing: str) -> None:
    """Where each picture is treated by itself, in float64: weights and reported values."""
    information = MutualInformation(routing=routing)
    spec = model_spec(
        body=DcganBody(width=4, hidden=8, norm="none"),
        head=Linear(),
        losses={"game": NonSaturating(), "information": information},
    )
    ends: list[tuple[dict[str, Tensor], dict[str, Tensor]]] = []
    for micro_batches in (1, 2, 4):
        model = build(spec, seed=0).double().train()
        model.generator[1] = nn.Identity()  # its batch norm
        optimizers = make_optimizers(model, **RATES)
        for step in range(3):
            real, latent = batch(model, step, dtype=torch.float64)
            values = training_step(
                Objective(model), optimizers, real, latent, torch.tensor(step), micro_batches=micro_batches
            )
        ends.append((dict(model.named_parameters()), values))
    (whole, said), *others = ends
    for weights, values in others:
        assert all(torch.allclose(weights[name], whole[name], rtol=0, atol=1e-10) for name in whole)
        assert values.keys() == said.keys()
        assert all(torch.allclose(values[name], said[name], rtol=0, atol=1e-10) for name in said)


def test_a_step_reports_the_terms_that_make_up_each_loss(model: InfoGAN) -> None:
    optimizers = make_optimizers(model.train(), **RATES)
    values = training_step(Objective(model), optimizers, *batch(model, 0), START)
    assert list(values) == [
        "d_loss",
        "g_loss",
        "d/adversarial",
        "d/information",
        "g/adversarial",
        "g/information",
        "information/digit",
        "information/slant",
    ]
    assert all(
        value.shape == () and not value.requires_grad and value.dtype == torch.float32 for value in values.values()
    )
    assert values["d_loss"] == values["d/adversarial"] + values["d/information"]
    weighted = values["information/digit"] + 0.1 * values["information/slant"]
    assert values["g/information"].item() == pytest.approx(-weighted.item(), abs=1e-6)


class Watching(LossTerm):
    """Keeps what it is shown."""

    kind: Literal["watching"] = "watching"
    _seen: dict[str, StepView] = PrivateAttr(default_factory=dict)

    def d_loss(self, view: StepView) -> None:
        self._seen["d"] = view

    def g_loss(self, view: StepView) -> None:
        self._seen["g"] = view


def test_a_term_is_shown_the_step_and_in_ds_phase_nothing_that_leads_to_g(model_spec: Callable[..., ModelSpec]) -> None:
    term = Watching()
    model = build(model_spec(losses={**model_spec().losses, "watching": term})).train()
    real, latent = batch(model, 7)
    training_step(Objective(model), make_optimizers(model, **RATES), real, latent, torch.tensor(7))
    d, g = term._seen["d"], term._seen["g"]
    assert torch.equal(d.fake, g.fake)
    assert not d.fake.requires_grad
    assert g.fake.requires_grad
    assert d.real_logit is not None
    assert g.real_logit is None
    assert d.fake_logit.shape == g.fake_logit.shape == (8,)
    assert d.params.shape == g.params.shape == (8, model.latents.n_params)
    for view in (d, g):
        assert view.step == 7
        assert torch.equal(view.real, real)
        assert torch.equal(view.latent, latent)
        assert view.generator(latent).shape == real.shape
        assert view.discriminator(real, "real")[0].shape == (8,)


def test_every_weight_is_stepped_by_one_optimiser(model_spec: Callable[..., ModelSpec], parts: SimpleNamespace) -> None:
    for spec in (
        model_spec(),
        model_spec(q_body=parts.body()),
        model_spec(losses={"game": NonSaturating(), "information": MutualInformation(routing="generator")}),
    ):
        model = build(spec)
        optimizers = make_optimizers(model, **RATES)
        stepped = [id(weight) for weight in (*optimizers.d_weights, *optimizers.g_weights)]
        assert sorted(stepped) == sorted(id(weight) for weight in model.parameters())
        for optimiser, weights, rate in (
            (optimizers.d_optimizer, optimizers.d_weights, 2e-3),
            (optimizers.g_optimizer, optimizers.g_weights, 5e-3),
        ):
            assert [group["lr"] for group in optimiser.param_groups] == [rate]
            assert [id(w) for group in optimiser.param_groups for w in group["params"]] == [id(w) for w in weights]


def test_the_weights_of_an_optimiser_have_an_order_that_no_process_changes(
    model_spec: Callable[..., ModelSpec], parts: SimpleNamespace
) -> None:
    """Checkpoints count them; sets of names have another order in each process."""
    model = build(model_spec(q_body=parts.body()))
    d = model.discriminator
    in_order = [weight for part in (d.body, d.d_head, d.q_head, d.q_body) for weight in part.parameters()]
    assert [id(weight) for weight in make_optimizers(model, **RATES).d_weights] == [id(weight) for weight in in_order]


def test_q_moves_with_d_and_at_its_rate_unless_it_is_routed_with_g(model_spec: Callable[..., ModelSpec]) -> None:
    for routing, with_g in (("official", False), ("reading", False), ("generator", True)):
        model = build(model_spec(losses={"game": NonSaturating(), "information": MutualInformation(routing=routing)}))
        optimizers = make_optimizers(model, **RATES)
        of_g = {id(weight) for weight in optimizers.g_weights}
        assert all((id(weight) in of_g) == with_g for weight in model.discriminator.q_head.parameters())


def trained(spec: ModelSpec, steps: int = 4) -> InfoGAN:
    """A model after a few steps on the same pictures and latents."""
    model = build(spec).train()
    optimizers, objective = make_optimizers(model, **RATES), Objective(model)
    for step in range(steps):
        training_step(objective, optimizers, *batch(model, step), torch.tensor(step))
    return model


@pytest.mark.parametrize("own_body", [False, True])
def test_a_gan_that_is_read_is_the_gan_that_is_not(
    model_spec: Callable[..., ModelSpec], parts: SimpleNamespace, equal_weights: Callable[..., bool], own_body: bool
) -> None:
    """The paper's regular GAN: weights and statistics of G and D are bit for bit those without the term."""
    q_body = parts.body() if own_body else None

    def after(**terms: LossTerm) -> InfoGAN:
        return trained(model_spec(losses={"game": NonSaturating(), **terms}, q_body=q_body))

    read, weightless = (after(information=MutualInformation(routing="reading", weight=w)) for w in (1.0, 0.0))
    alone, taught = after(), after(information=MutualInformation())
    for other in (weightless, alone):
        assert equal_weights(read.generator, other.generator)
        assert equal_weights(read.discriminator.body, other.discriminator.body)
        assert equal_weights(read.discriminator.d_head, other.discriminator.d_head)
        assert not equal_weights(read.discriminator.q_head, other.discriminator.q_head)
        assert not own_body or not equal_weights(read.discriminator.q_body, other.discriminator.q_body)
    assert not equal_weights(read.generator, taught.generator)


@pytest.mark.parametrize("routing", ["official", "generator", "reading"])
@pytest.mark.parametrize("own_body", [False, True])
def test_a_term_moves_the_parts_within_its_reach_and_no_other(
    model_spec: Callable[..., ModelSpec], parts: SimpleNamespace, routing: str, own_body: bool
) -> None:
    """Whatever other terms there are: gradients of one step, with the term and without its weight."""
    grown = []
    for weight in (1.0, 0.0):
        losses = {"game": NonSaturating(), "information": MutualInformation(routing=routing, weight=weight)}
        model = build(model_spec(losses=losses, q_body=parts.body() if own_body else None)).train()
        objective, (real, latent) = Objective(model), batch(model, 0)
        fake = objective.generate(latent)
        d_loss = sum(objective.d_losses(real, fake.detach(), latent, START).values())
        g_loss = sum(objective.g_losses(real, fake, latent, START)[0].values())
        grown.append({})
        modules = {"generator": model.generator, **model.discriminator.parts()}
        for phase, loss in (("d", d_loss), ("g", g_loss)):
            for part in (part for part, when in model.spec.phases().items() if when == phase):
                weights = list(modules[part].parameters())
                gradients = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
                grown[-1][part] = [torch.zeros(()) if g is None else g for g in gradients]
    term = MutualInformation(routing=routing)
    reach = term.parts("d", shared=not own_body) | term.parts("g", shared=not own_body)
    moved = {part for part in grown[0] if not all(map(torch.equal, grown[0][part], grown[1][part]))}
    assert moved == reach


def test_one_code_may_be_taught_while_another_is_only_read(
    model_spec: Callable[..., ModelSpec], equal_weights: Callable[..., bool]
) -> None:
    """Then Q's head is asked twice, and what is only read reaches the body as little as ever."""
    taught = MutualInformation(codes={"digit": 0.0})

    def after(weight: float) -> InfoGAN:
        read = MutualInformation(codes={"slant": 0.0}, routing="reading", weight=weight)
        losses = {"read": read, "game": NonSaturating(), "taught": taught}
        return trained(model_spec(losses=losses), steps=1)

    one, other = after(1.0), after(0.0)
    assert equal_weights(one.discriminator.body, other.discriminator.body)
    assert not equal_weights(one.discriminator.q_head, other.discriminator.q_head)


def test_a_q_body_of_its_own_learns(model_spec: Callable[..., ModelSpec], parts: SimpleNamespace) -> None:
    model = build(model_spec(q_body=parts.body())).train()
    before = copy.deepcopy(model.discriminator.q_body)
    training_step(Objective(model), make_optimizers(model, **RATES), *batch(model, 0), START)
    changed = [
        not torch.equal(a, b) for a, b in zip(before.parameters(), model.discriminator.q_body.parameters(), strict=True)
    ]
    assert all(changed)


def test_bf16_keeps_losses_weights_and_moments_in_fp32(model: InfoGAN) -> None:
    optimizers = make_optimizers(model.train(), **RATES)
    for step in range(2):
        values = training_step(Objective(model, precision="bf16"), optimizers, *batch(model, step), torch.tensor(step))
        assert all(value.dtype == torch.float32 and value.isfinite() for value in values.values())
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    moments = [
        t
        for optimizer in (optimizers.d_optimizer, optimizers.g_optimizer)
        for s in optimizer.state.values()
        for t in s.values()
    ]
    assert {moment.dtype for moment in moments} == {torch.float32}


def test_bf16_is_used_and_is_close_to_fp32(model: InfoGAN) -> None:
    other = copy.deepcopy(model)
    results = []
    for network, precision in ((model, "fp32"), (other, "bf16")):
        objective = Objective(network.train(), precision=precision)
        results.append(training_step(objective, make_optimizers(network, **RATES), *batch(network, 0), START))
    assert results[0]["d_loss"] != results[1]["d_loss"]
    assert results[0]["d_loss"].item() == pytest.approx(results[1]["d_loss"].item(), abs=0.05)


class Again(LossTerm):
    """Calls D again on what G made, and mixes it with real pictures."""

    kind: Literal["again"] = "again"

    def reach(self, phase: Literal["d", "g"]) -> frozenset[Reach]:
        return frozenset({"d_body", "d_head"} if phase == "d" else ())

    def d_loss(self, view: StepView) -> Tensor:
        assert view.fake.dtype == view.real.dtype
        assert view.generator(view.latent).dtype == view.real.dtype
        logit, params = view.discriminator(view.real.lerp(view.fake, 0.5), "fake")
        assert logit.dtype == params.dtype == view.fake_logit.dtype == torch.float32
        return logit.square().mean()


def test_bf16_shows_terms_fp32_alone(model_spec: Callable[..., ModelSpec]) -> None:
    """Also those that differentiate twice."""
    losses = {**model_spec().losses, "again": Again(), "r1": R1(), "mixture": GradientPenalty()}
    model = build(model_spec(losses=losses)).train()
    values = training_step(
        Objective(model, precision="bf16"), make_optimizers(model, **RATES), *batch(model, 0), torch.tensor(0)
    )
    for name in losses.keys() - {"information", "adversarial"}:
        assert values[f"d/{name}"].isfinite()
        assert values[f"d/{name}"] > 0


def test_a_step_draws_nothing_from_the_global_generator(model: InfoGAN) -> None:
    before = torch.get_rng_state()
    training_step(Objective(model.train()), make_optimizers(model, **RATES), *batch(model, 0), START)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("routing", ["official", "generator", "reading"])
def test_a_step_does_no_work_that_nobody_uses(routing: str) -> None:
    """Its floating-point operations are those of the weights and pictures that learn, counted by hand.

    Each layer costs F forward and F for each gradient, of its weight and of its input. Neither latents nor D's
    pictures in its own phase have a gradient to take, nor has what Q reads where the body is not to feel it; in
    G's phase D's weights have none.
    """
    information = MutualInformation(routing=routing)
    spec = infogan.read_run("mnist").model.model_copy(
        update={"losses": {"game": NonSaturating(), "information": information}}
    )
    model, n = build(spec).train(), 4
    g_first, g = 2 * 74 * 1024, 2 * (1024 * 6272 + 128 * 64 * 16 * 49 + 64 * 16 * 196)
    d_first, d = 2 * 64 * 16 * 196, 2 * (64 * 128 * 16 * 49 + 6272 * 1024 + 1024)
    q_first, q_last = 2 * 1024 * 128, 2 * 128 * 14
    q = q_first + q_last
    expected = (2 * g_first + 3 * g) + 2 * (2 * d_first + 3 * d) + 2 * (d_first + d)
    expected += {"official": (3 + 2) * q, "generator": 3 * q, "reading": 2 * q_first + 3 * q_last + q}[routing]
    real, latent = torch.rand(n, 1, 28, 28), model.latents.sample(n)
    with FlopCounterMode(display=False) as counter:
        training_step(Objective(model), make_optimizers(model, **RATES), real, latent, START)
    assert counter.get_total_flops() == n * expected
