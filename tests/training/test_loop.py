"""The loop: from a run spec to a run folder that can be gone on with."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from infogan import InfoGAN, LossTerm, ModelSpec, Registry, RunSpec, load, train
from infogan.core.loss import Part, Phase, StepView
from infogan.plugins.codes import Categorical, Uniform
from infogan.plugins.losses import NonSaturating
from infogan.training.log import Report
from infogan.training.loop import TrainingError
from infogan.training.spec_text import read_run

MakeRun = Callable[..., RunSpec]
Equal = Callable[..., bool]


def log(run: Path) -> list[dict[str, Any]]:
    """The lines of a log, without the clock."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def checkpoints(run: Path) -> dict[str, bytes]:
    return {f.name: (f / "weights.safetensors").read_bytes() for f in sorted((run / "checkpoints").glob("step-*"))}


# --- what a run leaves


def test_a_run_folder_has_the_spec_the_log_the_checkpoints_and_the_model(
    run_spec: MakeRun, tmp_path: Path, registry: Registry, equal_weights: Equal
) -> None:
    spec = run_spec()
    model = train(spec, tmp_path / "run")
    assert sorted(f.name for f in (tmp_path / "run").iterdir()) == [
        ".lock",
        "checkpoints",
        "log.jsonl",
        "model",
        "run.yaml",
    ]
    assert read_run(tmp_path / "run" / "run.yaml", registry=registry) == spec
    assert [line["step"] for line in log(tmp_path / "run")] == [2, 4, 6]
    assert list(checkpoints(tmp_path / "run")) == ["step-000003", "step-000006"]
    assert equal_weights(load(tmp_path / "run" / "model", registry=registry), model)


def test_the_returned_model_is_ready_for_use(run_spec: MakeRun, tmp_path: Path) -> None:
    model = train(run_spec(steps=1), tmp_path)
    assert not any(module.training for module in model.modules())
    assert all(weight.requires_grad and weight.grad is None for weight in model.parameters())


def test_a_seed_gives_the_run_and_another_seed_another(run_spec: MakeRun, tmp_path: Path, equal_weights: Equal) -> None:
    one, again, other = (train(run_spec(seed=seed), tmp_path / name) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert equal_weights(one, again)
    assert log(tmp_path / "a") == log(tmp_path / "b")
    assert not equal_weights(one, other)


def test_training_draws_nothing_from_the_global_generator(
    run_spec: MakeRun, parts: SimpleNamespace, tmp_path: Path
) -> None:
    before = torch.get_rng_state()
    train(run_spec(), tmp_path / "memory")
    train(run_spec(data=parts.data(streamed=True), steps=2), tmp_path / "streamed")
    assert torch.equal(torch.get_rng_state(), before)


def test_how_data_are_read_and_what_is_written_when_changes_no_weight(
    run_spec: MakeRun, parts: SimpleNamespace, tmp_path: Path, equal_weights: Equal
) -> None:
    plain = train(run_spec(), tmp_path / "plain")
    streamed = train(run_spec(data=parts.data(streamed=True)), tmp_path / "streamed")
    chatty = train(
        run_spec(log_every=1, picture_every=1, checkpoint_every=1),
        tmp_path / "chatty",
        on_model=lambda m, *_: m.sample(1),
    )
    assert equal_weights(plain, streamed)
    assert equal_weights(plain, chatty)


def test_the_saved_generator_is_the_running_mean(run_spec: MakeRun, tmp_path: Path) -> None:
    """With decay 0 it is the last one; with another decay the mean that the recursion gives."""
    seen: dict[float, list[Tensor]] = {}
    for decay in (0.0, 0.5):
        weights: list[Tensor] = []
        train(
            run_spec(steps=3, ema=decay, picture_every=1),
            tmp_path / str(decay),
            on_model=lambda model, *_: weights.append(model.generator[0].weight.detach().clone()),  # noqa: B023
        )
        seen[decay] = weights
    raw, mean = seen[0.0], seen[0.5]
    assert torch.allclose(mean[1], 0.5 * mean[0] + 0.5 * raw[1], atol=1e-6)
    assert torch.allclose(mean[2], 0.5 * mean[1] + 0.5 * raw[2], atol=1e-6)
    assert not torch.allclose(mean[2], raw[2], atol=1e-6)


def test_a_report_is_the_mean_over_its_steps(run_spec: MakeRun, tmp_path: Path) -> None:
    reports: dict[int, list[Report]] = {1: [], 3: []}
    for every, seen in reports.items():
        train(run_spec(log_every=every, seed=4), tmp_path / str(every), on_report=seen.append)
    assert [report.step for report in reports[3]] == [3, 6]
    for name in ("d_loss", "information/digit", "g/adversarial"):
        means = [sum(r.values[name] for r in reports[1][i : i + 3]) / 3 for i in (0, 3)]
        assert [r.values[name] for r in reports[3]] == pytest.approx(means, abs=1e-6)
    assert reports[3][0].entropy == {"digit": math.log(4), "slant": math.log(2)}
    assert log(tmp_path / "3") == [{"step": r.step, **r.values} for r in reports[3]]


def test_callbacks_come_when_they_are_due_and_at_the_end(run_spec: MakeRun, tmp_path: Path) -> None:
    reports: list[int] = []
    models: list[tuple[int, Path]] = []
    train(
        run_spec(steps=5, log_every=2, picture_every=3, checkpoint_every=4),
        tmp_path,
        on_report=lambda report: reports.append(report.step),
        on_model=lambda model, step, out: models.append((step, out)),
    )
    assert reports == [2, 4, 5]
    assert models == [(3, tmp_path), (5, tmp_path)]
    assert list(checkpoints(tmp_path)) == ["step-000004", "step-000005"]


def test_the_model_of_a_callback_is_the_one_that_is_saved(
    run_spec: MakeRun, tmp_path: Path, equal_weights: Equal
) -> None:
    models: list[InfoGAN] = []
    returned = train(run_spec(), tmp_path, on_model=lambda model, step, out: models.append(model))
    assert equal_weights(models[-1], returned)


def test_a_data_set_of_a_batch_and_a_bit_is_enough(run_spec: MakeRun, parts: SimpleNamespace, tmp_path: Path) -> None:
    """The odd picture is left out of the calibration too: one picture has no batch statistics."""
    assert train(run_spec(data=parts.data(size=9), steps=1), tmp_path).sample(1).isfinite().all()


def test_bf16_trains(run_spec: MakeRun, tmp_path: Path) -> None:
    model = train(run_spec(precision="bf16", steps=2), tmp_path)
    assert all(weight.dtype == torch.float32 and weight.isfinite().all() for weight in model.parameters())
    assert all(math.isfinite(value) for line in log(tmp_path) for value in line.values())


# --- going on


@pytest.mark.parametrize("streamed", [False, True])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
    run_spec: MakeRun, parts: SimpleNamespace, tmp_path: Path, equal_weights: Equal, streamed: bool
) -> None:
    data = parts.data(streamed=streamed)
    whole = train(run_spec(data=data, log_every=1), tmp_path / "whole")
    train(run_spec(data=data, log_every=1, steps=3), tmp_path / "parts")
    resumed = train(run_spec(data=data, log_every=1), tmp_path / "parts", resume=True)
    assert equal_weights(resumed, whole)
    assert checkpoints(tmp_path / "parts") == checkpoints(tmp_path / "whole")
    assert log(tmp_path / "parts") == log(tmp_path / "whole")


class Interrupt(Exception):
    """A power cut."""


def test_a_run_cut_between_two_checkpoints_goes_on_from_the_last(
    run_spec: MakeRun, tmp_path: Path, equal_weights: Equal
) -> None:
    def cut(report: Report) -> None:
        if report.step == 5:
            raise Interrupt

    whole = train(run_spec(log_every=1), tmp_path / "whole")
    with pytest.raises(Interrupt):
        train(run_spec(log_every=1), tmp_path / "cut", on_report=cut)
    assert [line["step"] for line in log(tmp_path / "cut")] == [1, 2, 3, 4, 5]
    with (tmp_path / "cut" / "log.jsonl").open("a") as file:
        file.write('{"step": 6, "d_lo')
    assert equal_weights(train(run_spec(log_every=1), tmp_path / "cut", resume=True), whole)
    assert log(tmp_path / "cut") == log(tmp_path / "whole")


def test_a_run_with_a_damaged_newest_checkpoint_goes_on_from_the_one_before(
    run_spec: MakeRun, tmp_path: Path, equal_weights: Equal
) -> None:
    whole = train(run_spec(steps=8, log_every=1), tmp_path / "whole")
    train(run_spec(log_every=1), tmp_path / "damaged")
    weights = tmp_path / "damaged" / "checkpoints" / "step-000006" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.warns(RuntimeWarning, match="damaged checkpoint passed over: .*step-000006"):
        resumed = train(run_spec(steps=8, log_every=1), tmp_path / "damaged", resume=True)
    assert equal_weights(resumed, whole)
    assert log(tmp_path / "damaged") == log(tmp_path / "whole")


@pytest.mark.parametrize("named", ["step-000001", "step-000009"])
def test_a_run_goes_on_though_latest_names_a_checkpoint_that_never_was(
    run_spec: MakeRun, tmp_path: Path, equal_weights: Equal, named: str
) -> None:
    """As a flipped bit may have it; where it is a later one, that is missed with a warning."""
    whole = train(run_spec(steps=8), tmp_path / "whole")
    train(run_spec(), tmp_path / "parts")
    (tmp_path / "parts" / "checkpoints" / "latest").write_text(f"{named}\n")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        resumed = train(run_spec(steps=8), tmp_path / "parts", resume=True)
    assert equal_weights(resumed, whole)
    assert [named in str(warning.message) for warning in said] == [True] * (named == "step-000009")


def test_resuming_in_an_empty_folder_starts(run_spec: MakeRun, tmp_path: Path, equal_weights: Equal) -> None:
    assert equal_weights(train(run_spec(), tmp_path / "new", resume=True), train(run_spec(), tmp_path / "plain"))


def test_resuming_a_finished_run_gives_its_model(
    run_spec: MakeRun, tmp_path: Path, registry: Registry, equal_weights: Equal
) -> None:
    """Also where it was cut between its last checkpoint and its model."""
    finished = train(run_spec(), tmp_path)
    for file in (tmp_path / "model").iterdir():
        file.unlink()
    before = log(tmp_path)
    assert equal_weights(train(run_spec(), tmp_path, resume=True), finished)
    assert equal_weights(load(tmp_path / "model", registry=registry), finished)
    assert log(tmp_path) == before


def test_a_run_is_not_overwritten(run_spec: MakeRun, tmp_path: Path) -> None:
    train(run_spec(steps=1), tmp_path)
    before = checkpoints(tmp_path)
    with pytest.raises(FileExistsError, match="has a run already"):
        train(run_spec(steps=1, seed=1), tmp_path)
    assert checkpoints(tmp_path) == before


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ({"seed": 1}, r"training\.seed"),
        ({"g_lr": 0.5}, r"training\.g_lr"),
        ({"precision": "bf16"}, r"training\.precision"),
    ],
)
def test_a_run_of_other_settings_is_refused(
    run_spec: MakeRun, tmp_path: Path, training: dict[str, Any], said: str
) -> None:
    train(run_spec(steps=1), tmp_path)
    with pytest.raises(TrainingError, match=f"run.yaml is of another run: it has another {said}"):
        train(run_spec(**training), tmp_path, resume=True)


def test_a_run_of_another_model_or_other_data_is_refused(
    run_spec: MakeRun, model_spec: Callable[..., ModelSpec], parts: SimpleNamespace, tmp_path: Path
) -> None:
    train(run_spec(steps=1), tmp_path)
    swapped = model_spec(codes={"slant": Uniform(), "digit": Categorical(n=4)})
    for other, said in (
        (run_spec(data=parts.data(size=39)), r"data\.size"),
        (
            run_spec(model=model_spec(codes={"digit": Categorical(n=4), "slant": Uniform(high=2.0)})),
            r"model\.codes\.slant\.high",
        ),
        (run_spec(model=swapped), "order of its parts"),
    ):
        with pytest.raises(TrainingError, match=said):
            train(other, tmp_path, resume=True)


# --- what stops a run


class Poison(LossTerm):
    """Finite until a step, then not."""

    kind: Literal["poison"] = "poison"
    at: int = 0

    def reach(self, phase: Phase) -> frozenset[Part]:
        return frozenset({"d_body"} if phase == "d" else ())

    def d_loss(self, view: StepView) -> Tensor:
        assert view.real_logit is not None
        return view.real_logit.mean() * (math.nan if view.step >= self.at else 0.0)


def poisoned(run_spec: MakeRun, model_spec: Callable[..., ModelSpec], at: int, **training: Any) -> RunSpec:
    losses = {**model_spec().losses, "poison": Poison(at=at)}
    return run_spec(model=model_spec(losses=losses), **training)


def test_a_loss_that_is_not_finite_stops_the_run_and_is_named(
    run_spec: MakeRun, model_spec: Callable[..., ModelSpec], tmp_path: Path
) -> None:
    with pytest.raises(
        TrainingError, match=r"^d/poison became nan at step 4, and model\.\S+ is not finite.* stays: .*step-000003$"
    ):
        train(poisoned(run_spec, model_spec, 3), tmp_path)
    assert [line["step"] for line in log(tmp_path)] == [2]


def test_no_checkpoint_is_written_from_which_no_run_can_go_on(
    run_spec: MakeRun, model_spec: Callable[..., ModelSpec], tmp_path: Path
) -> None:
    """Though checkpoints come far more often than reports."""
    with pytest.raises(TrainingError, match=r"d/poison became nan at step 4.* stays: .*step-000003$"):
        train(poisoned(run_spec, model_spec, 3, checkpoint_every=1, log_every=6), tmp_path)
    assert list(checkpoints(tmp_path)) == ["step-000002", "step-000003"]


def test_a_lost_run_is_stopped_within_fifty_steps_though_reports_are_far(
    run_spec: MakeRun, model_spec: Callable[..., ModelSpec], tmp_path: Path
) -> None:
    spec = poisoned(run_spec, model_spec, 7, steps=1000, log_every=1000, checkpoint_every=1000, picture_every=1000)
    with pytest.raises(TrainingError, match=r"d/poison became nan at step 8, .* after step 50; .* stays: none yet"):
        train(spec, tmp_path)


class Steep(LossTerm):
    """Always 0, with a gradient that is not a number."""

    kind: Literal["steep"] = "steep"

    def reach(self, phase: Phase) -> frozenset[Part]:
        return frozenset({"generator"} if phase == "g" else ())

    def g_loss(self, view: StepView) -> Tensor:
        return (view.fake_logit - view.fake_logit).abs().sqrt().mean()


def test_weights_that_are_not_finite_stop_the_run_though_the_loss_was(
    run_spec: MakeRun, model_spec: Callable[..., ModelSpec], tmp_path: Path
) -> None:
    model = model_spec(losses={"game": NonSaturating(), "steep": Steep()})
    with pytest.raises(TrainingError, match=r"model\.generator\.\S+ is not finite after step 1"):
        train(run_spec(model=model, checkpoint_every=1, log_every=1), tmp_path)
    assert not (tmp_path / "checkpoints").exists()


def test_data_that_are_missing_leave_no_run_behind(
    run_spec: MakeRun, parts: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(self: object, split: str) -> None:
        raise FileNotFoundError("no such data")

    monkeypatch.setattr(parts.data, "load", missing)
    with pytest.raises(FileNotFoundError, match="no such data"):
        train(run_spec(), tmp_path / "run")
    monkeypatch.undo()
    train(run_spec(steps=1), tmp_path / "run")


def test_too_small_a_data_set_is_named(run_spec: MakeRun, parts: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a batch of 8 needs at least as many pictures; the data set has 7"):
        train(run_spec(data=parts.data(size=7)), tmp_path)


def test_an_objective_without_information_trains_a_plain_gan(
    run_spec: MakeRun, model_spec: Callable[..., ModelSpec], tmp_path: Path
) -> None:
    train(run_spec(model=model_spec(losses={"game": NonSaturating()}), steps=2), tmp_path)
    assert "information/digit" in log(tmp_path)[0], "how much Q knows is measured all the same"


def test_pieces_that_do_not_fit_the_batch_are_refused(run_spec: MakeRun) -> None:
    for micro_batches in (3, 8):
        with pytest.raises(
            ValueError, match=f"a batch of 8 cannot be cut into {micro_batches} equal ones of 2 pictures"
        ):
            run_spec(micro_batches=micro_batches)


def test_several_processes_need_a_batch_for_each_and_devices_of_their_own(
    run_spec: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(ValueError, match="batch_size is 8; 3 processes x 1 micro-batches need a multiple of 3, with 2"):
        train(run_spec(), tmp_path)
    with pytest.raises(ValueError, match=r"training\.device is 'cuda:1', which is one; auto gives each of 3 its own"):
        train(run_spec(device="cuda:1"), tmp_path)
