"""A run's state on disk."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from infogan import ModelSpec, build
from infogan.files.storage import StorageError
from infogan.training.checkpoint import State, restore_newest, write_checkpoint
from infogan.training.step import Objective, make_optimizers, training_step


@pytest.fixture
def fresh(model_spec: Callable[..., ModelSpec]) -> Callable[[int], State]:
    """Makes a state that has gone a number of steps, from seeds that differ with it."""

    def make(steps: int) -> State:
        model = build(model_spec(), seed=steps).train()
        state = State(
            model, copy.deepcopy(model.generator), make_optimizers(model, d_lr=1e-3, g_lr=1e-3, betas=(0.5, 0.9))
        )
        seeded = torch.Generator().manual_seed(steps)
        for step in range(steps):
            real = torch.rand(8, 1, 8, 8, generator=seeded)
            latent = model.latents.sample(8, generator=seeded)
            training_step(Objective(model), state.optimizers, real, latent, torch.tensor(step))
        return state

    return make


def same(one: State, other: State) -> bool:
    a, b = one.tensors(), other.tensors()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_state_is_weights_statistics_averages_and_moments(fresh: Callable[[int], State]) -> None:
    names = fresh(1).tensors().keys()
    assert {"model.generator.0.weight", "model.discriminator.body.1.running_mean", "ema.0.weight"} <= names
    state = fresh(1)
    weights = len(list(state.model.parameters()))
    for moment in ("step", "exp_avg", "exp_avg_sq"):
        assert sum(name.endswith(f".{moment}") for name in names) == weights


def test_what_is_restored_is_what_was_written(fresh: Callable[[int], State], tmp_path: Path) -> None:
    written, other = fresh(3), fresh(0)
    write_checkpoint(tmp_path, 3, written)
    assert not same(other, written)
    assert restore_newest(tmp_path, other) == 3
    assert same(other, written)


def test_a_restored_state_takes_the_same_next_step(fresh: Callable[[int], State], tmp_path: Path) -> None:
    written, other = fresh(3), fresh(1)
    write_checkpoint(tmp_path, 3, written)
    restore_newest(tmp_path, other)
    real, latent = torch.rand(8, 1, 8, 8), written.model.latents.sample(8)
    for state in (written, other):
        training_step(Objective(state.model.train()), state.optimizers, real, latent, torch.tensor(3))
    assert same(other, written)


def test_without_a_checkpoint_a_run_starts(fresh: Callable[[int], State], tmp_path: Path) -> None:
    assert restore_newest(tmp_path, fresh(0)) == 0


def test_the_last_two_are_kept_and_strangers_left_alone(fresh: Callable[[int], State], tmp_path: Path) -> None:
    state = fresh(1)
    for stranger in ("step-best", "step-", "backup"):
        (tmp_path / "checkpoints" / stranger).mkdir(parents=True)
    for step in (8, 9, 10, 1_000_000):
        write_checkpoint(tmp_path, step, state)
    names = {folder.name for folder in (tmp_path / "checkpoints").iterdir()}
    assert names == {"step-000010", "step-1000000", "latest", "step-best", "step-", "backup"}
    assert restore_newest(tmp_path, fresh(0)) == 1_000_000


def test_a_damaged_checkpoint_is_passed_over_with_a_warning(fresh: Callable[[int], State], tmp_path: Path) -> None:
    older, newer, other = fresh(1), fresh(2), fresh(0)
    write_checkpoint(tmp_path, 1, older)
    write_checkpoint(tmp_path, 2, newer)
    weights = tmp_path / "checkpoints" / "step-000002" / "weights.safetensors"
    blob = bytearray(weights.read_bytes())
    blob[-1] ^= 1
    weights.write_bytes(blob)
    with pytest.warns(
        RuntimeWarning, match=r"damaged checkpoint passed over: .*step-000002.weights\.safetensors: damaged"
    ):
        assert restore_newest(tmp_path, other) == 1
    assert same(other, older)


def test_a_checkpoint_that_was_written_and_is_gone_is_missed(fresh: Callable[[int], State], tmp_path: Path) -> None:
    """``latest`` names it; without, an older one, or a new start, would be taken in silence."""
    for step in (1, 2):
        write_checkpoint(tmp_path, step, fresh(step))
    assert (tmp_path / "checkpoints" / "latest").read_text() == "step-000002\n"
    shutil.rmtree(tmp_path / "checkpoints" / "step-000002")
    with pytest.warns(RuntimeWarning, match=r"passed over: .*step-000002.state\.json: no such file"):
        assert restore_newest(tmp_path, fresh(0)) == 1
    shutil.rmtree(tmp_path / "checkpoints" / "step-000001")
    with pytest.raises(StorageError, match=r"no checkpoint is sound: .*step-000002"):
        restore_newest(tmp_path, fresh(0))


@pytest.mark.parametrize("latest", [b"", b"\xff\xfe", b"nonsense", b"step-", b"../../etc"])
def test_the_folders_are_the_truth_where_latest_is_damaged(
    fresh: Callable[[int], State], tmp_path: Path, latest: bytes
) -> None:
    write_checkpoint(tmp_path, 1, fresh(1))
    (tmp_path / "checkpoints" / "latest").write_bytes(latest)
    assert restore_newest(tmp_path, fresh(0)) == 1


def test_a_later_checkpoint_that_is_damaged_does_not_push_out_a_sound_one(
    fresh: Callable[[int], State], tmp_path: Path
) -> None:
    """A run that went back behind two damaged ones keeps what it writes, until it has passed them."""
    for step in (8, 9):
        write_checkpoint(tmp_path, step, fresh(2))
        (tmp_path / "checkpoints" / f"step-{step:06d}" / "state.json").write_text("{")
    for step in (5, 6, 7):
        write_checkpoint(tmp_path, step, fresh(1))
    kept = {folder.name for folder in (tmp_path / "checkpoints").glob("step-*")}
    assert kept == {f"step-{step:06d}" for step in (6, 7, 8, 9)}
    with pytest.warns(RuntimeWarning, match="passed over"):
        assert restore_newest(tmp_path, fresh(0)) == 7


def test_where_none_is_sound_each_is_named(fresh: Callable[[int], State], tmp_path: Path) -> None:
    other, untouched = fresh(0), fresh(0)
    for step in (1, 2):
        write_checkpoint(tmp_path, step, fresh(step))
    (tmp_path / "checkpoints" / "step-000001" / "state.json").write_text("{")
    (tmp_path / "checkpoints" / "step-000002" / "weights.safetensors").unlink()
    with pytest.raises(StorageError, match=r"no checkpoint is sound: .*step-000002.*; .*step-000001"):
        restore_newest(tmp_path, other)
    assert same(other, untouched)


def test_a_checkpoint_under_another_ones_name_is_no_checkpoint(fresh: Callable[[int], State], tmp_path: Path) -> None:
    write_checkpoint(tmp_path, 1, fresh(1))
    shutil.move(tmp_path / "checkpoints" / "step-000001", tmp_path / "checkpoints" / "step-000005")
    with pytest.raises(StorageError, match="is of step 1"):
        restore_newest(tmp_path, fresh(0))


def test_a_checkpoint_of_another_model_is_refused(
    fresh: Callable[[int], State], model_spec: Callable[..., ModelSpec], tmp_path: Path
) -> None:
    write_checkpoint(tmp_path, 1, fresh(1))
    model = build(
        model_spec(codes={"digit": model_spec().codes["digit"]}, losses={"game": model_spec().losses["adversarial"]})
    )
    other = State(model, copy.deepcopy(model.generator), make_optimizers(model, d_lr=1e-3, g_lr=1e-3, betas=(0.5, 0.9)))
    with pytest.raises(StorageError, match="expected"):
        restore_newest(tmp_path, other)
