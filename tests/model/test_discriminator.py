"""The fused D/Q pass, and batch norm that keeps real and generated pictures apart."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from infogan import InfoGAN, ModelSpec, build
from infogan.model.discriminator import Discriminator, DomainBatchNorm, DomainSwitch, separate_domains


def pictures(n: int, seed: int = 0) -> Tensor:
    return torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def discriminator(model: InfoGAN) -> Discriminator:
    return model.discriminator.double().train()


def test_one_pass_over_both_halves_is_two_passes(discriminator: Discriminator) -> None:
    """Outputs, running statistics and gradients, exactly."""
    apart = copy.deepcopy(discriminator)
    real, fake = pictures(6, 1), pictures(6, 2) * 0.3
    together = discriminator(torch.cat([real, fake]), "both")
    of_real, of_fake = apart(real, "real"), apart(fake, "fake")
    assert torch.allclose(together.logit, torch.cat([of_real.logit, of_fake.logit]), atol=1e-12)
    assert torch.allclose(together.params, of_fake.params, atol=1e-12)

    weight = torch.randn(12, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    ((together.logit * weight).sum() + together.params.square().sum()).backward()
    judged = torch.cat([of_real.logit, of_fake.logit])
    ((judged * weight).sum() + of_fake.params.square().sum()).backward()
    for one, two in zip(discriminator.parameters(), apart.parameters(), strict=True):
        assert one.grad is not None
        assert two.grad is not None
        assert torch.allclose(one.grad, two.grad, atol=1e-12)

    q_head_reads_real_only_apart = {name for name, _ in apart.named_buffers() if name.startswith("q_head")}
    for (name, one), two in zip(discriminator.named_buffers(), apart.buffers(), strict=True):
        rows = slice(1, 2) if name in q_head_reads_real_only_apart else slice(None)
        assert torch.allclose(one[rows], two[rows], atol=1e-12)


def test_q_reads_no_real_picture_in_a_joint_pass(discriminator: Discriminator) -> None:
    fake = pictures(4, 2)
    one = discriminator(torch.cat([pictures(4, 1), fake]), "both").params
    other = discriminator(torch.cat([pictures(4, 9), fake]), "both").params
    assert torch.equal(one, other)


def test_statistics_of_one_domain_do_not_touch_the_other(discriminator: Discriminator) -> None:
    norms = [m for m in discriminator.modules() if isinstance(m, DomainBatchNorm)]
    assert len(norms) == 3, "two in the body, one in Q's head"
    before = [norm.running_mean[0].clone() for norm in norms]
    discriminator(pictures(6), "fake")
    assert all(torch.equal(norm.running_mean[0], mean) for norm, mean in zip(norms, before, strict=True))
    assert all(norm.running_mean[1].abs().max() > 0 for norm in norms)


def test_running_statistics_are_those_of_an_ordinary_batch_norm() -> None:
    ordinary = nn.BatchNorm2d(3, eps=1e-3, momentum=0.2).double()
    nn.init.normal_(ordinary.weight)
    domain = DomainBatchNorm(copy.deepcopy(ordinary), DomainSwitch("real"))
    x = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    domain.double()
    for _ in range(3):
        assert torch.equal(domain(x), ordinary(x))
    ordinary.eval()
    domain.eval()
    assert torch.allclose(domain(x), ordinary(x), atol=1e-12)


def test_a_batch_norm_used_twice_is_separated_in_both_places() -> None:
    norm = nn.BatchNorm1d(2)
    network = separate_domains(
        nn.Sequential(nn.Linear(2, 2), norm, nn.Sequential(nn.Linear(2, 2), norm)), DomainSwitch()
    )
    assert network[1] is network[2][1]
    assert isinstance(network[1], DomainBatchNorm)
    assert not [m for m in network.modules() if isinstance(m, nn.BatchNorm1d)]


def test_a_batch_norm_with_a_way_of_its_own_stays() -> None:
    class Clamped(nn.BatchNorm1d):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x).clamp(-1, 1)

    assert isinstance(separate_domains(Clamped(2), DomainSwitch()), Clamped)


def test_a_bare_batch_norm_is_separated_too() -> None:
    assert isinstance(separate_domains(nn.BatchNorm1d(2, affine=False), DomainSwitch()), DomainBatchNorm)


def test_separating_keeps_the_weights() -> None:
    norm = nn.BatchNorm1d(4)
    nn.init.normal_(norm.weight)
    assert DomainBatchNorm(norm, DomainSwitch()).weight is norm.weight


def test_d_alone_is_the_logit_of_the_joint_pass(discriminator: Discriminator) -> None:
    discriminator.eval()
    for domain in ("real", "fake"):
        assert torch.equal(discriminator.logit(pictures(3), domain), discriminator(pictures(3), domain).logit)


def test_q_with_a_body_of_its_own_reads_that(model: InfoGAN) -> None:
    shared = model.discriminator
    own = Discriminator(shared.body, shared.d_head, shared.q_head, copy.deepcopy(shared.body)).double().eval()
    real, fake = pictures(4, 1), pictures(4, 2)
    whole = own(torch.cat([real, fake]), "both")
    assert whole.logit.shape == (8,)
    assert torch.allclose(whole.params, own(fake, "fake").params)
    whole.params.sum().backward()
    assert all(p.grad is None for p in own.body.parameters())
    assert all(p.grad is not None for p in own.q_body.parameters())
    assert own.parts()["q_body"] is own.q_body
    assert "q_body" not in shared.parts()


def test_a_joint_batch_has_two_equal_halves(discriminator: Discriminator) -> None:
    with pytest.raises(ValueError, match=r"half of the pictures .* 5"):
        discriminator(pictures(5), "both")


def test_mixed_batch_norm_takes_both_halves_for_one_batch(model_spec: Callable[..., ModelSpec]) -> None:
    """By choice: one ordinary batch norm, for which a picture's neighbours of the other half count."""
    with pytest.warns(FutureWarning, match=r"batch_norm: mixed is deprecated: leave it out; it goes with 0\.3"):
        spec = model_spec(batch_norm="mixed")
    d = build(spec).discriminator.double().train()
    norms = [m for m in d.body.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert len(norms) == 2
    real, fake = pictures(6, 1), pictures(6, 2) * 0.3
    judged = d(torch.cat([real, fake]), "both").logit
    plainly = d.d_head(d.body(torch.cat([real, fake])))[:, 0]
    assert torch.allclose(judged, plainly, atol=1e-12)
    assert not torch.allclose(judged[6:], d(fake, "fake").logit, atol=1e-3)
