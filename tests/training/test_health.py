"""What a run says of G's pictures: the figures are right, and asking for them changes nothing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from infogan import RunSpec, train
from infogan.training.health import FEWEST, MOST, Health
from infogan.training.loop import initial_state

CPU = torch.device("cpu")
MakeRun = Callable[..., RunSpec]

FIGURES = ["pictures/mean", "pictures/spread", "pictures/noise", "data/mean", "data/spread"]


class Formula(nn.Module):
    """Flat gray pictures of a latent: three numbers of noise, a digit of four values, a slant in [-1, 1]."""

    def __init__(self, gray: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.gray = gray

    def forward(self, latent: Tensor) -> Tensor:
        noise, digit, slant = latent[:, 0], latent[:, 3:7].argmax(dim=1), latent[:, 7]
        return self.gray(noise, digit, slant).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)


def real_pictures() -> list[Tensor]:
    """Half of them black, half of them with a white left side."""
    pictures = torch.zeros(64, 1, 8, 8)
    pictures[::2, :, :, :4] = 1.0
    return [pictures]


def figures_of(network: nn.Module, run_spec: MakeRun) -> dict[str, float]:
    return Health(run_spec(batch_size=512, steps=1), network, real_pictures(), CPU)(network)


def test_the_figures_are_those_of_the_pictures(run_spec: MakeRun) -> None:
    """In [-1, 1], though this G makes [0, 1]: 0.2 z + 0.2 c - 0.5 has the variance 0.04 + 0.04 / 3."""
    found = figures_of(Formula(lambda noise, digit, slant: 0.25 + 0.1 * noise + 0.1 * slant), run_spec)
    assert list(found) == [*FIGURES, "effect/digit", "effect/slant"]
    assert found["pictures/mean"] == pytest.approx(-0.5, abs=0.06)
    assert found["pictures/spread"] == pytest.approx(0.0533**0.5, rel=0.25)
    assert found["pictures/noise"] == pytest.approx(0.2, rel=0.25)
    assert found["effect/slant"] == pytest.approx(0.25, abs=0.12)
    assert found["effect/digit"] == 0.0


def test_those_of_the_data_are_of_the_same_kind(run_spec: MakeRun) -> None:
    """The left half of the pixels is black or white, with the variance 1; the right half is black."""
    found = figures_of(Formula(lambda noise, digit, slant: noise), run_spec)
    assert found["data/mean"] == pytest.approx(-0.5)
    assert found["data/spread"] == pytest.approx(0.5**0.5, rel=0.02)


def test_a_generator_of_one_picture_has_no_spread_and_no_effects(run_spec: MakeRun) -> None:
    found = figures_of(Formula(lambda noise, digit, slant: 0 * noise + 1), run_spec)
    assert [found[name] for name in FIGURES[:3]] == [1.0, 0.0, 0.0]
    assert found["effect/digit"] == found["effect/slant"] == 0.0


def test_noise_that_is_not_heeded_leaves_pictures_of_the_same_codes_alike(run_spec: MakeRun) -> None:
    found = figures_of(Formula(lambda noise, digit, slant: digit / 4), run_spec)
    assert found["pictures/noise"] == 0.0
    assert found["pictures/spread"] > 0.3
    assert found["effect/digit"] == pytest.approx(1.0, abs=0.3)


def test_pictures_are_those_that_d_sees_by_the_statistics_of_their_batch(run_spec: MakeRun) -> None:
    spec = run_spec()
    network = initial_state(spec, CPU).model.generator
    health = Health(spec, network, real_pictures(), CPU)
    before = health(network)
    network[1].running_mean.fill_(100.0)
    assert health(network) == before


def test_the_network_that_is_measured_stays_what_it_is(run_spec: MakeRun, equal_weights: Callable[..., bool]) -> None:
    spec, drawn = run_spec(), torch.get_rng_state()
    network = initial_state(spec, CPU).model.generator.train()
    before = copy.deepcopy(network)
    Health(spec, network, real_pictures(), CPU)(network)
    assert equal_weights(network, before)
    assert all(module.training for module in network.modules())
    assert all(weight.requires_grad for weight in network.parameters())
    assert torch.equal(torch.get_rng_state(), drawn)


@pytest.mark.parametrize(
    ("batch_size", "micro_batches", "made"), [(8, 1, 5 * FEWEST), (64, 1, 125), (64, 2, 60), (4096, 1, MOST // 5 * 5)]
)
def test_a_report_costs_no_more_than_two_batches(
    run_spec: MakeRun, batch_size: int, micro_batches: int, made: int
) -> None:
    seen: list[int] = []
    network = Formula(lambda noise, digit, slant: (seen.append(len(noise)), noise)[1])
    Health(run_spec(batch_size=batch_size, micro_batches=micro_batches), network, real_pictures(), CPU)(network)
    assert seen == [made]


def test_a_report_says_the_same_however_often_there_is_one(run_spec: MakeRun, tmp_path: Path) -> None:
    lines = {}
    for every in (1, 3):
        train(run_spec(log_every=every), tmp_path / str(every))
        read = map(json.loads, (tmp_path / str(every) / "log.jsonl").read_text().splitlines())
        lines[every] = {line["step"]: {name: line[name] for name in [*FIGURES, "effect/digit"]} for line in read}
    assert lines[3] == {step: lines[1][step] for step in (3, 6)}
