"""A model frozen for inference answers as the model does."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

import infogan
from infogan import InfoGAN, ModelSpec, build
from infogan.model.discriminator import DomainBatchNorm, DomainSwitch
from infogan.model.fold import folded


def unsettle(network: nn.Module, seed: int = 0) -> nn.Module:
    """Give every batch norm statistics and weights that matter."""
    seeded = torch.Generator().manual_seed(seed)
    for norm in network.modules():
        if isinstance(norm, _BatchNorm | DomainBatchNorm):
            norm.running_mean.copy_(torch.randn(norm.running_mean.shape, generator=seeded))
            norm.running_var.copy_(torch.rand(norm.running_var.shape, generator=seeded) + 0.3)
            if norm.weight is not None:
                nn.init.normal_(norm.weight, 1.0, 0.5, generator=seeded)
                nn.init.normal_(norm.bias, 0.0, 0.5, generator=seeded)
    return network.eval()


def norms(network: nn.Module) -> list[nn.Module]:
    return [m for m in network.modules() if isinstance(m, _BatchNorm | DomainBatchNorm)]


class TiedToOriginal(nn.Module):
    """Uses what a layer's weight is computed from as another one's."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(spectral_norm(nn.Linear(4, 4)), nn.BatchNorm1d(4))
        self.last = nn.Linear(4, 4)
        self.last.weight = self.first[0].parametrizations["weight"].original
        nn.init.eye_(self.last.weight).data.mul_(3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x))


CHAINS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU()), (5, 4)),
    "no bias": (lambda: nn.Sequential(nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6), nn.LeakyReLU(0.1)), (5, 4)),
    "no scale": (lambda: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6, affine=False)), (5, 4)),
    "convolution": (lambda: nn.Sequential(nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ELU()), (5, 2, 7, 7)),
    "grouped": (lambda: nn.Sequential(nn.Conv2d(4, 6, 3, groups=2), nn.BatchNorm2d(6)), (5, 4, 7, 7)),
    "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU()), (5, 2, 7, 7)),
    "nested": (lambda: nn.Sequential(nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)), nn.ReLU()), (5, 2, 7, 7)),
    "spectral norm": (lambda: nn.Sequential(spectral_norm(nn.Linear(4, 6)), nn.BatchNorm1d(6), nn.ReLU()), (5, 4)),
    "weight norm": (lambda: nn.Sequential(weight_norm(nn.Conv2d(2, 6, 3)), nn.BatchNorm2d(6)), (5, 2, 7, 7)),
    "a weight that another one is computed from": (TiedToOriginal, (5, 4)),
    "two in a row": (lambda: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.BatchNorm1d(6)), (5, 4)),
}


@pytest.mark.parametrize("name", CHAINS)
@torch.no_grad()
def test_a_folded_chain_computes_the_same_without_batch_norm(name: str) -> None:
    make, shape = CHAINS[name]
    network = unsettle(make()).double()
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    fast = folded(network, (x,))
    before = x.clone()
    assert torch.allclose(fast(x), network(x), atol=1e-10)
    assert torch.equal(x, before), "the input is left as it is"
    assert not norms(fast)
    assert norms(network), "the original is left as it is"
    assert not any(weight.requires_grad for weight in fast.parameters())
    assert not any("parametrizations" in name for name in fast.state_dict())


def shared_layer() -> nn.Module:
    layer = nn.Linear(4, 4)
    return nn.Sequential(layer, nn.BatchNorm1d(4), nn.ReLU(), layer)


def shared_norm() -> nn.Module:
    norm = nn.BatchNorm1d(4)
    return nn.Sequential(nn.Linear(4, 4), norm, nn.ReLU(), nn.Linear(4, 4), norm)


def watched() -> nn.Module:
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    network[0].register_forward_hook(lambda module, given, made: made * 2)
    return network


class Doubled(nn.Linear):
    """A linear layer of a type of its own."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


class Clamped(nn.BatchNorm1d):
    """A batch norm of a type of its own."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).clamp(-0.1, 0.1)


class Skipping(nn.Module):
    """Takes its chain apart: what its layers say on the way counts too."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        said = []
        for layer in self.layers:
            x = layer(x)
            said.append(x)
        return torch.cat(said, dim=1)


class Residual(nn.Module):
    """Needs what an activation would have overwritten."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 4), nn.LeakyReLU(0.1))
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x: Tensor) -> Tensor:
        first = self.layers[0](x)
        return self.norm(self.layers[1](first) + first)


class Tied(nn.Module):
    """Uses a layer's weight beside the layer."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.encoder(x) @ self.encoder[0].weight


class OverSequences(nn.Module):
    """Batch norm over axis 1 behind a linear layer on axis 2, of the same length."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.unsqueeze(1).expand(-1, 4, -1))


CHECKPOINTS_KEPT: dict[str, Callable[[], nn.Module]] = {
    "a layer used twice": shared_layer,
    "a norm used twice": shared_norm,
    "a watched layer": watched,
    "a layer of another type": lambda: nn.Sequential(Doubled(4, 4), nn.BatchNorm1d(4)),
    "a norm before its layer": lambda: nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 4)),
    "a norm of another type": lambda: nn.Sequential(nn.Linear(4, 4), Clamped(4)),
    "a chain taken apart": Skipping,
    "an input that is needed again": Residual,
    "a weight that is used elsewhere": Tied,
    "a norm over another axis": OverSequences,
    "a norm over another number": lambda: nn.Sequential(
        nn.Linear(4, 3), nn.Unflatten(1, (1, 3)), nn.Linear(3, 3), nn.BatchNorm1d(1)
    ),
    "an activation between": lambda: nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.BatchNorm1d(4)),
}


@pytest.mark.parametrize("name", CHECKPOINTS_KEPT)
@torch.no_grad()
def test_what_cannot_be_folded_stays(name: str) -> None:
    network = unsettle(CHECKPOINTS_KEPT[name]()).double()
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    fast = folded(network, (x,))
    assert torch.allclose(fast(x), network(x), atol=1e-12)
    assert len(norms(fast)) == len(norms(network))


@torch.no_grad()
def test_grouped_transposed_convolutions_stay() -> None:
    network = unsettle(nn.Sequential(nn.ConvTranspose2d(4, 4, 3, groups=2), nn.BatchNorm2d(4))).double()
    x = torch.randn(2, 4, 5, 5, dtype=torch.float64)
    assert torch.equal(folded(network, (x,))(x), network(x))


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.LeakyReLU(0.1), nn.LeakyReLU(-0.5), nn.ELU(-1.0), nn.SiLU()])
def test_a_gradient_passes_through_a_folded_chain(activation: nn.Module) -> None:
    """`InfoGAN.edit` descends through a generator."""
    network = unsettle(nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), activation)).double()
    x = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    fast = folded(network, (x.detach(),))
    slopes = [torch.autograd.grad(n(x).square().sum(), x)[0] for n in (network, fast)]
    assert torch.allclose(*slopes, atol=1e-10)


def test_a_layer_that_a_backward_hook_watches_stays() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.BatchNorm1d(4))
    seen: list[int] = []
    network[0].register_full_backward_hook(lambda module, into, out: seen.append(len(out)))
    fast = folded(network, (torch.randn(5, 4),))
    fast(torch.randn(5, 4, requires_grad=True)).sum().backward()
    assert seen == [1]


@torch.no_grad()
def test_an_activation_overwrites_no_input_that_someone_else_has() -> None:
    """Neither the network's own input, nor that of a chain in a chain."""
    inner = nn.Sequential(nn.ReLU(), nn.Linear(4, 4))
    for network in (inner, nn.Sequential(nn.Identity(), inner), nn.Sequential(nn.Linear(4, 4), inner)):
        x = torch.randn(5, 4)
        before = x.clone()
        assert torch.allclose(folded(network, (x,))(x), network(x), atol=1e-6)
        assert torch.equal(x, before)


def test_each_domain_is_folded_with_its_own_statistics() -> None:
    network = nn.Sequential(nn.Linear(4, 6), DomainBatchNorm(nn.BatchNorm1d(6), DomainSwitch()))
    unsettle(network)
    x = torch.randn(5, 4)
    network[1].switch.now = "real"
    fast = folded(network, (x,), "real")
    assert torch.allclose(fast(x), network(x), atol=1e-5)
    assert not norms(fast)
    network[1].switch.now = "fake"
    assert not torch.allclose(fast(x), network(x), atol=1e-1)


@pytest.mark.parametrize("recipe", ["mnist", "sprites"])
def test_a_frozen_model_answers_as_the_model(recipe: str) -> None:
    model = build(infogan.read_run(recipe).model, seed=1)
    unsettle(model)
    frozen = model.frozen()
    assert not norms(frozen), "every batch norm of the built-in networks is folded"
    pictures = model.sample(6, seed=0)
    assert torch.allclose(frozen.sample(6, seed=0), pictures, atol=1e-4)
    for domain in ("real", "fake"):
        assert torch.allclose(frozen.read(pictures, domain=domain), model.read(pictures, domain=domain), atol=1e-4)
    assert torch.allclose(frozen.edit(pictures, fit_steps=1).error, model.edit(pictures, fit_steps=1).error, atol=1e-3)


def test_q_with_a_body_of_its_own_is_frozen_too(model_spec: Callable[..., ModelSpec], parts) -> None:
    model = build(model_spec(q_body=parts.body()))
    unsettle(model)
    pictures = model.sample(4, seed=0)
    assert torch.allclose(model.frozen().read(pictures), model.read(pictures), atol=1e-5)


def test_a_frozen_model_stands_alone(model: InfoGAN) -> None:
    """Training goes on with the model; the frozen one stays what it was."""
    frozen, pictures = model.frozen(), model.sample(4, seed=0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(1.0)
    assert torch.allclose(frozen.sample(4, seed=0), pictures, atol=1e-5)
    assert copy.deepcopy(frozen).sample(4, seed=0).equal(frozen.sample(4, seed=0))
    assert frozen.frozen() is frozen


def test_what_a_frozen_model_refuses(model: InfoGAN, tmp_path: Path) -> None:
    frozen = model.frozen()
    with pytest.raises(ValueError, match=r"cannot be saved .*save the one that it was made from"):
        frozen.save(tmp_path / "model")
    with pytest.raises(ValueError, match="cannot be trained"):
        frozen.train()
    with pytest.raises(ValueError, match="not both in one batch"):
        frozen.discriminator(torch.rand(2, 1, 8, 8), "both")
    assert not (tmp_path / "model").exists()
