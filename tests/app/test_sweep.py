"""The same run over seeds."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import infogan
from infogan import RunSpec
from infogan.app import sweep as module
from infogan.app.command_line import app
from infogan.app.sweep import Seed, spread, spreads, sweep, threads_of_each
from infogan.training.loop import TrainingError

TINY = ["data.n=200", "data.n_test=100", "training.batch_size=32", "training.steps=4", "training.checkpoint_every=2"]


@pytest.fixture
def spec() -> RunSpec:
    return infogan.read_run("sprites", TINY)


def test_each_seed_is_trained_and_measured(spec: RunSpec, tmp_path: Path) -> None:
    seen: list[int] = []
    found = sweep(spec, tmp_path, [0, 1], on_seed=lambda seed: seen.append(seed.seed))
    assert [seed.seed for seed in found] == seen == [0, 1]
    assert {"error/shape/shape", "information/angle", "explained/x"} <= found[0].measures.keys()
    assert found[0].measures != found[1].measures
    lines = [json.loads(line) for line in (tmp_path / "sweep.jsonl").read_text().splitlines()]
    assert [Seed(**line) for line in lines] == found
    alone = infogan.read_run("sprites", [*TINY, "training.seed=1"])
    model = infogan.train(alone, tmp_path / "alone")
    assert module.measures(infogan.evaluation.evaluate(model.frozen(), alone.data)) == found[1].measures


def test_a_finished_seed_is_not_run_again_and_one_that_was_cut_off_goes_on(
    spec: RunSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sweep(spec, tmp_path / "whole", [0, 1, 2])
    sweep(spec, tmp_path / "cut", [0])
    shorter = spec.model_copy(update={"training": spec.training.model_copy(update={"steps": 2, "seed": 1})})
    infogan.train(shorter, tmp_path / "cut" / "seed-1")
    ran: list[str] = []
    run_one = module._run_one
    monkeypatch.setattr(module, "_run_one", lambda text, folder: ran.append(folder[-6:]) or run_one(text, folder))
    found = sweep(spec, tmp_path / "cut", [0, 1, 2])
    assert ran == ["seed-1", "seed-2"]
    assert [seed.measures for seed in found] == [seed.measures for seed in whole]


def test_two_at_a_time_find_the_same(spec: RunSpec, tmp_path: Path) -> None:
    """With as many threads, since another number of them rounds otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(threads_of_each(2))
    try:
        one_by_one = sweep(spec, tmp_path / "1", [0, 1])
    finally:
        torch.set_num_threads(threads)
    for one, other in zip(sweep(spec, tmp_path / "2", [0, 1], jobs=2), one_by_one, strict=True):
        assert one.seed == other.seed
        assert one.measures == pytest.approx(other.measures, abs=1e-6)


def test_a_sweep_of_another_spec_is_refused(spec: RunSpec, tmp_path: Path) -> None:
    sweep(spec, tmp_path, [0])
    other = infogan.read_run("sprites", [*TINY, "training.g_lr=0.01"])
    with pytest.raises(TrainingError, match=r"another training\.g_lr"):
        sweep(other, tmp_path, [0])


def test_the_interval_holds_the_mean_of_its_law() -> None:
    """95 % of samples of five from a normal law have its mean in their interval."""
    samples = torch.randn(4000, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 + 7
    held = [low <= 7 <= high for low, high in (spread(sample.tolist()).interval for sample in samples)]
    assert sum(held) / len(held) == pytest.approx(0.95, abs=0.015)


def test_one_seed_says_nothing_of_others() -> None:
    found = spread([0.5])
    assert (found.mean, found.std, found.interval) == (0.5, 0.0, (-math.inf, math.inf))


def test_each_measure_has_its_spread() -> None:
    found = spreads([Seed(0, {"a": 1.0, "b": 5.0}, 1.0), Seed(1, {"a": 3.0, "b": 5.0}, 1.0)])
    assert (found["a"].mean, found["a"].least, found["a"].most) == (2.0, 1.0, 3.0)
    assert found["b"].std == 0.0


def test_on_the_command_line(tmp_path: Path) -> None:
    settings = [word for setting in TINY for word in ("--set", setting)]
    arguments = ["sweep", "sprites", "--seeds", "2", "--out", str(tmp_path), *settings]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "seed 1: " in result.stderr
    assert "information/angle" in result.stdout
    again = CliRunner().invoke(app, [*arguments, "--json"])
    assert "seed" not in again.stderr, "nothing was left to do"
    lines = [json.loads(line) for line in (tmp_path / "sweep.jsonl").read_text().splitlines()]
    mean = sum(line["measures"]["information/angle"] for line in lines) / 2
    assert json.loads(again.stdout)["information/angle"]["mean"] == pytest.approx(mean)
