"""A run's state on disk, from which it goes on bit for bit: ``checkpoints/step-000500/``."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..files.disk import remove_folder, write_text
from ..files.storage import StorageError, read_manifest, read_tensors, write_folder
from ..model.infogan import InfoGAN
from .step import Optimizers

MANIFEST = "state.json"
LATEST = "latest"
"""A text file with the name of the checkpoint that was written last."""

CHECKPOINTS_KEPT = 2
"""Checkpoints that stay; older ones are removed."""


@dataclass(frozen=True)
class State:
    """Everything that a step changes."""

    model: InfoGAN
    ema: nn.Module
    """G with the running mean of its weights."""
    optimizers: Optimizers

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name; Adam's moments are zero before its first step."""
        named = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        named |= {f"ema.{name}": tensor for name, tensor in self.ema.state_dict().items()}
        for name, optimizer in self._adams().items():
            for index, weight in enumerate(_weights(optimizer)):
                for key, value in _moments(optimizer, weight).items():
                    named[f"{name}.{index}.{key}"] = value
        return named

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take over the values of a checkpoint, in place: a CUDA graph goes on with the tensors that it knows."""
        self.prepare()
        for name, tensor in self.tensors().items():
            tensor.copy_(tensors[name])

    def prepare(self) -> None:
        """Give Adam its moments, so that `tensors` has those that it goes on with."""
        for optimizer in self._adams().values():
            _give_moments(optimizer)

    def _adams(self) -> dict[str, torch.optim.Optimizer]:
        return {"d_adam": self.optimizers.d_optimizer, "g_adam": self.optimizers.g_optimizer}


def write_checkpoint(run: Path, step: int, state: State) -> Path:
    """Write the state after ``step`` steps, name it in ``latest``, and remove all but the newest checkpoints.

    Returns its folder. DiskFull where there is no room; the checkpoints before are as they were.
    """
    folder = checkpoint_folder(run, step)
    write_folder(folder, MANIFEST, {"step": step}, state.tensors())
    write_text(run / "checkpoints" / LATEST, f"{folder.name}\n")
    remove_superseded(run, step)
    return folder


def remove_superseded(run: Path, step: int) -> None:
    """Remove all but the last `CHECKPOINTS_KEPT` checkpoints up to ``step``, from which a run goes on.

    Later ones are damaged, or it would have gone on from them; they must not count as those that are kept.
    """
    there = [folder for folder in _checkpoints(run) if folder.is_dir() and int(folder.name[5:]) <= step]
    for old in there[CHECKPOINTS_KEPT:]:
        remove_folder(old)


def restore_newest(run: Path, state: State) -> int:
    """Restore the newest sound checkpoint of a run; returns its step, or 0 where there is none.

    A damaged one is passed over with a warning, and so is one that ``latest`` names and that is gone.
    StorageError, naming what is wrong with each, where none is sound.
    """
    wrong: list[str] = []
    for folder in _checkpoints(run):
        try:
            manifest = read_manifest(folder, MANIFEST)
            step = manifest.get("step")
            if not isinstance(step, int) or folder != checkpoint_folder(run, step):
                raise StorageError(f"{folder / MANIFEST}: is of step {step}")
            state.restore(read_tensors(folder, manifest, state.tensors()))
        except StorageError as error:
            wrong.append(str(error))
        else:
            for message in wrong:
                warnings.warn(f"damaged checkpoint passed over: {message}", RuntimeWarning, stacklevel=2)
            return step
    if wrong:
        raise StorageError("no checkpoint is sound: " + "; ".join(wrong))
    return 0


def last_checkpoint(run: Path) -> str:
    """The newest checkpoint's folder, for people."""
    return next(map(str, _checkpoints(run)), "none yet")


def checkpoint_folder(run: Path, step: int) -> Path:
    """Where the state after ``step`` steps lies."""
    return run / "checkpoints" / f"step-{step:06d}"


def _checkpoints(run: Path) -> list[Path]:
    """Folders of checkpoints, the newest first, with the one that was written last even if it is gone.

    Whatever else lies beside them is left alone.
    """
    found = {folder.name for folder in (run / "checkpoints").glob("step-*")} | _latest(run / "checkpoints" / LATEST)
    numbers = (int(name[5:]) for name in found if name.startswith("step-") and name[5:].isdecimal())
    folders = [checkpoint_folder(run, number) for number in sorted(numbers, reverse=True)]
    return [folder for folder in folders if folder.name in found]


def _latest(path: Path) -> set[str]:
    """What ``latest`` names: nothing before the first checkpoint, nor where it is damaged."""
    try:
        with path.open("rb") as file:
            return {file.read(32).decode("ascii").strip()}
    except (OSError, UnicodeDecodeError):
        return set()


def _weights(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def _moments(optimizer: torch.optim.Optimizer, weight: Tensor) -> dict[str, Tensor]:
    state = optimizer.state.get(weight, {})
    return {
        "step": state.get("step", torch.zeros(())),
        "exp_avg": state.get("exp_avg", torch.zeros_like(weight)),
        "exp_avg_sq": state.get("exp_avg_sq", torch.zeros_like(weight)),
    }


def _give_moments(optimizer: torch.optim.Optimizer) -> None:
    """Let an optimiser that has not stepped yet have its moments, all 0."""
    if optimizer.state:
        return
    packed = optimizer.state_dict()
    packed["state"] = {i: _moments(optimizer, weight) for i, weight in enumerate(_weights(optimizer))}
    optimizer.load_state_dict(packed)
