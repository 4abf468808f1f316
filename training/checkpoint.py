"""A run's state on disk, from which it goes on bit for bit: ``checkpoints/step-000500/``."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..core.model import InfoGAN
from ..core.storage import StorageError, read_manifest, read_tensors, write_folder
from .step import Players

MANIFEST = "state.json"
KEPT = 2
"""Checkpoints that stay; older ones are removed."""


@dataclass(frozen=True)
class State:
    """Everything that a step changes."""

    model: InfoGAN
    ema: nn.Module
    """G with the running mean of its weights."""
    players: Players

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name; Adam's moments are zero before its first step."""
        named = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        named |= {f"ema.{name}": tensor for name, tensor in self.ema.state_dict().items()}
        for side, optimizer in self._optimizers().items():
            for index, weight in enumerate(_weights(optimizer)):
                for key, value in _moments(optimizer, weight).items():
                    named[f"{side}.{index}.{key}"] = value
        return named

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take over the values of a checkpoint, in place: a CUDA graph goes on with the tensors that it knows."""
        for optimizer in self._optimizers().values():
            _give_moments(optimizer)
        for name, tensor in self.tensors().items():
            tensor.copy_(tensors[name])

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"d_adam": self.players.d_optimizer, "g_adam": self.players.g_optimizer}


def write_checkpoint(run: Path, step: int, state: State) -> None:
    """Write the state after ``step`` steps, and remove all but the newest checkpoints."""
    write_folder(run / "checkpoints" / f"step-{step:06d}", MANIFEST, {"step": step}, state.tensors())
    for old in _checkpoints(run)[KEPT:]:
        shutil.rmtree(old)


def restore_newest(run: Path, state: State) -> int:
    """Restore the newest sound checkpoint of a run; returns its step, or 0 where there is none.

    A damaged one is passed over with a warning. StorageError, naming what is wrong with each, where
    none is sound.
    """
    wrong: list[str] = []
    for folder in _checkpoints(run):
        try:
            manifest = read_manifest(folder, MANIFEST)
            step = manifest.get("step")
            if not isinstance(step, int) or folder.name != f"step-{step:06d}":
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


def _checkpoints(run: Path) -> list[Path]:
    """Folders of checkpoints, the newest first; whatever else lies beside them is left alone."""
    folders = [folder for folder in (run / "checkpoints").glob("step-*") if folder.name[5:].isdecimal()]
    return sorted(folders, key=lambda folder: int(folder.name[5:]), reverse=True)


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
