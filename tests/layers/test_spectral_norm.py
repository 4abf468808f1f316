"""Spectral norm: what it is, and that everything else here gets on with it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from infogan import ImageShape, InfoGAN, ModelSpec, Registry, RunSpec, build, load, train
from infogan.layers.spectral_norm import SpectralNorm, apply_spectral_norm
from infogan.plugins.dcgan import DcganBody
from infogan.plugins.losses import Hinge, MutualInformation
from infogan.plugins.penalties import R1, GradientPenalty
from infogan.plugins.resnet import ResnetBody
from infogan.training.loop import initial_state
from infogan.training.step import Objective

SMALL = ImageShape(channels=1, height=8, width=8)
BODIES = {"dcgan": DcganBody(width=3, hidden=10, norm="spectral"), "resnet": ResnetBody(width=8)}
LOSSES = {"adversarial": Hinge(), "information": MutualInformation()}


def normalised(layer: nn.Module) -> nn.Module:
    return apply_spectral_norm(layer.double())


@pytest.mark.parametrize("layer", [nn.Linear(5, 9), nn.Linear(9, 5), nn.Conv2d(3, 4, 3)], ids=str)
def test_a_weight_is_divided_by_its_largest_singular_value(layer: nn.Module) -> None:
    layer = normalised(copy.deepcopy(layer))
    original = layer.parametrizations["weight"].original
    for _ in range(500):
        weight = layer.weight
    largest = torch.linalg.svdvals(original.flatten(1))[0]
    assert torch.allclose(weight, original / largest, atol=1e-6)


def test_the_estimate_is_never_too_large_and_grows_in_training_alone() -> None:
    layer = normalised(nn.Linear(40, 30, bias=False))
    assert isinstance(layer.parametrizations["weight"][0], SpectralNorm)
    norms = [torch.linalg.matrix_norm(layer.weight, 2).item() for _ in range(20)]
    assert norms == sorted(norms, reverse=True)
    assert norms[0] > norms[-1] > 1
    layer.eval()
    assert torch.equal(layer.weight, layer.weight)


def test_the_gradient_is_that_of_torchs_own_spectral_norm() -> None:
    """Which keeps both singular vectors; where both have converged the two are one."""
    ours, theirs = nn.Linear(6, 4).double(), nn.Linear(6, 4).double()
    theirs.load_state_dict(ours.state_dict())
    ours, theirs = apply_spectral_norm(ours), parametrizations.spectral_norm(theirs)
    x, gradients = torch.randn(7, 6, dtype=torch.float64), []
    for layer in (ours, theirs):
        for _ in range(500):
            made = layer(x)
        made.square().sum().backward()
        gradients.append(layer.parametrizations["weight"].original.grad)
    assert torch.allclose(*gradients, atol=1e-9)


def test_a_second_pass_before_the_first_ones_gradient_does_not_disturb_it() -> None:
    layer = normalised(nn.Linear(6, 4))
    twin, x = copy.deepcopy(layer), torch.randn(3, 6, dtype=torch.float64)
    weight = layer.parametrizations["weight"].original
    (alone,) = torch.autograd.grad(twin(x).square().sum(), twin.parametrizations["weight"].original)
    first = layer(x).square().sum()
    layer(x)
    (gradient,) = torch.autograd.grad(first, weight)
    assert torch.equal(gradient, alone)


@pytest.fixture(params=BODIES)
def spec(request: pytest.FixtureRequest, model_spec: Callable[..., ModelSpec]) -> ModelSpec:
    return model_spec(body=BODIES[request.param], losses=LOSSES)


@pytest.fixture
def settled(spec: ModelSpec) -> InfoGAN:
    """After some passes in training mode, so that no estimate is what it was at first."""
    model = build(spec, seed=1).train()
    for _ in range(5):
        model.discriminator(torch.rand(8, *SMALL.dims), "both")
    return model.eval()


def test_frozen_for_inference_a_model_has_plain_weights_and_answers_as_before(settled: InfoGAN) -> None:
    frozen, pictures = settled.frozen(), settled.sample(6, seed=0)
    assert any("parametrizations" in name for name in settled.state_dict())
    assert not any("parametrizations" in name for name in frozen.state_dict())
    for domain in ("real", "fake"):
        assert torch.allclose(frozen.read(pictures, domain=domain), settled.read(pictures, domain=domain), atol=1e-5)


def test_a_saved_model_is_the_same_when_it_is_loaded(settled: InfoGAN, tmp_path: Path, registry: Registry) -> None:
    settled.save(tmp_path / "model")
    again, pictures = load(tmp_path / "model", registry=registry), settled.sample(4, seed=0)
    assert torch.equal(again.read(pictures), settled.read(pictures))


@pytest.mark.parametrize(("body", "precision"), [("dcgan", "fp32"), ("dcgan", "bf16"), ("resnet", "fp32")])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
    body: str,
    precision: str,
    model_spec: Callable[..., ModelSpec],
    run_spec: Callable[..., RunSpec],
    tmp_path: Path,
    equal_weights: Callable[..., bool],
) -> None:
    """With penalties, for which D is called, and differentiated, twice more in a step."""
    model = model_spec(body=BODIES[body], losses={**LOSSES, "r1": R1(), "slope": GradientPenalty()})
    settings = {"model": model, "precision": precision, "checkpoint_every": 2, "picture_every": 2}
    whole = train(run_spec(**settings, steps=4), tmp_path / "whole")
    train(run_spec(**settings, steps=2), tmp_path / "parts")
    resumed = train(run_spec(**settings, steps=4), tmp_path / "parts", resume=True)
    assert equal_weights(resumed, whole)


def test_a_step_moves_the_weights_of_d_in_its_own_phase_only(spec: ModelSpec, run_spec: Callable[..., RunSpec]) -> None:
    """In G's phase D's estimates go on improving, and its weights stand still."""
    model = initial_state(run_spec(model=spec), torch.device("cpu")).model.train()
    objective = Objective(model)
    latent, step = model.latents.sample(8), torch.tensor(0)
    before = {name: tensor.clone() for name, tensor in model.discriminator.body.state_dict().items()}
    objective.g_losses(torch.rand(8, *SMALL.dims), objective.generate(latent), latent, step)
    moved = {name for name, tensor in model.discriminator.body.state_dict().items() if not tensor.equal(before[name])}
    assert {name for name in moved if not name.endswith(("running_mean", "running_var"))} == {
        name for name in before if name.endswith(".u")
    }


@pytest.mark.filterwarnings("default")  # the compiler's own
def test_a_pass_is_compiled_whole_and_gives_the_same_numbers() -> None:
    body = BODIES["dcgan"].build(SMALL).double().train()
    twin, pictures = copy.deepcopy(body), torch.rand(8, *SMALL.dims, dtype=torch.float64)
    for network, forward in ((body, body), (twin, torch.compile(twin, backend="aot_eager", fullgraph=True))):
        for _ in range(2):
            forward(pictures).square().sum().backward()
        assert all(weight.grad is not None for weight in network.parameters())
    for (name, one), other in zip(body.named_parameters(), twin.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-10), name
    for one, other in zip(body.buffers(), twin.buffers(), strict=True):
        assert torch.allclose(one, other, atol=1e-10)


def test_a_dry_run_allocates_nothing(spec: ModelSpec) -> None:
    with torch.device("meta"):
        body = spec.body.build(SMALL)
    assert all(tensor.is_meta for tensor in body.state_dict().values())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert body(torch.empty(2, *SMALL.dims, device="meta")).shape == (2, spec.body.features)
