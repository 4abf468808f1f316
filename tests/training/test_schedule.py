"""Rates over a run: torch's own, resumed as the uninterrupted ones, and no change where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR

from infogan import RunSpec, train
from infogan.training.iteration import Iteration
from infogan.training.log import Report
from infogan.training.loop import TrainingError, initial_state
from infogan.training.run import TrainingSpec
from infogan.training.schedule import rate_factor

CPU = torch.device("cpu")
MakeRun = Callable[..., RunSpec]
Equal = Callable[..., bool]

TORCHS: dict[str, Callable[[torch.optim.Optimizer], Any]] = {
    "linear": lambda optimizer: LinearLR(optimizer, 1.0, 0.0, total_iters=20),
    "cosine": lambda optimizer: CosineAnnealingLR(optimizer, T_max=20),
}


@pytest.mark.parametrize("schedule", TORCHS)
def test_the_rates_are_those_of_torchs_schedulers(schedule: str) -> None:
    weight = torch.nn.Parameter(torch.ones(()))
    optimizer = torch.optim.Adam([weight], lr=1.0)
    theirs = TORCHS[schedule](optimizer)
    for step in range(21):
        assert rate_factor(TrainingSpec(steps=20, schedule=schedule), step) == pytest.approx(
            theirs.get_last_lr()[0], abs=1e-9
        )
        optimizer.step()
        theirs.step()


def test_a_constant_rate_is_the_number_that_it_was(run_spec: MakeRun) -> None:
    """No tensor, whose 32 bits would round it: a run is bit for bit what it was before there were schedules."""
    state = initial_state(run_spec(), CPU)
    Iteration(run_spec(), state, CPU)(3, torch.zeros(8, 1, 8, 8, dtype=torch.uint8))
    assert [o.param_groups[0]["lr"] for o in (state.optimizers.d_optimizer, state.optimizers.g_optimizer)] == [
        2e-4,
        1e-3,
    ]


@pytest.mark.parametrize("schedule", TORCHS)
def test_an_iteration_steps_both_players_at_the_rates_of_its_step(
    run_spec: MakeRun, equal_weights: Equal, schedule: str
) -> None:
    """As Adam does with these rates, rounded to 32 bits, for numbers."""
    seeded = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (8, 1, 8, 8), generator=seeded, dtype=torch.uint8)
    changing = run_spec(steps=4, schedule=schedule)
    state, by_hand = initial_state(changing, CPU), initial_state(run_spec(steps=4), CPU)
    iterate, plain = Iteration(changing, state, CPU), Iteration(run_spec(steps=4), by_hand, CPU)
    for step in range(4):
        left = rate_factor(changing.training, step)
        by_hand.optimizers.d_optimizer.param_groups[0]["lr"] = torch.tensor(2e-4 * left).item()
        by_hand.optimizers.g_optimizer.param_groups[0]["lr"] = torch.tensor(1e-3 * left).item()
        iterate(step, pixels)
        plain(step, pixels)
    assert equal_weights(state.model, by_hand.model)


@pytest.mark.parametrize("schedule", TORCHS)
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
    run_spec: MakeRun, tmp_path: Path, equal_weights: Equal, schedule: str
) -> None:
    class Cut(Exception):
        pass

    def cut(report: Report) -> None:
        if report.step == 4:
            raise Cut

    spec = run_spec(schedule=schedule, log_every=1)
    whole = train(spec, tmp_path / "whole")
    with pytest.raises(Cut):
        train(spec, tmp_path / "parts", on_report=cut)
    assert equal_weights(train(spec, tmp_path / "parts", resume=True), whole)
    assert lines(tmp_path / "parts") == lines(tmp_path / "whole")
    assert not equal_weights(train(run_spec(log_every=1), tmp_path / "constant"), whole)


def test_rates_stay_in_their_tensors_when_a_state_is_restored(run_spec: MakeRun) -> None:
    """A captured iteration knows these tensors alone."""
    spec = run_spec(schedule="linear")
    state = initial_state(spec, CPU)
    iterate = Iteration(spec, state, CPU)
    iterate(0, torch.zeros(8, 1, 8, 8, dtype=torch.uint8))
    rates = [o.param_groups[0]["lr"] for o in (state.optimizers.d_optimizer, state.optimizers.g_optimizer)]
    state.restore({name: tensor.clone() for name, tensor in state.tensors().items()})
    iterate.seek(3)
    assert [rate.item() for rate in rates] == pytest.approx([1e-4, 5e-4])
    assert all(isinstance(rate, Tensor) and rate.dtype == torch.float32 for rate in rates)


def test_steps_belong_to_a_run_whose_rates_end_with_them(run_spec: MakeRun, tmp_path: Path) -> None:
    train(run_spec(schedule="linear", steps=3), tmp_path / "linear")
    with pytest.raises(TrainingError, match=r"another training\.steps"):
        train(run_spec(schedule="linear", steps=6), tmp_path / "linear", resume=True)
    train(run_spec(steps=3), tmp_path / "constant")
    with pytest.raises(TrainingError, match=r"another training\.schedule"):
        train(run_spec(schedule="cosine", steps=3), tmp_path / "constant", resume=True)


def test_a_run_of_before_there_were_schedules_goes_on(run_spec: MakeRun, tmp_path: Path) -> None:
    train(run_spec(steps=3), tmp_path)
    settings = tmp_path / "run.yaml"
    new = {"  schedule: constant\n", "  init: null\n"}
    text = settings.read_text().splitlines(keepends=True)
    assert new < set(text)
    settings.write_text("".join(line for line in text if line not in new))
    train(run_spec(steps=6), tmp_path, resume=True)
    assert [line["step"] for line in lines(tmp_path)] == [2, 3, 4, 6]


def lines(run: Path) -> list[dict[str, float]]:
    """The lines of a log, without the clock."""
    return [{**json.loads(line), "seconds": 0} for line in (run / "log.jsonl").read_text().splitlines()]
