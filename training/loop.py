"""The loop: from a run spec to a run folder."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..core.build import networks
from ..core.data import Images
from ..core.model import InfoGAN
from ..core.storage import write_text
from .calibrate import calibrate
from .checkpoint import State, restore_newest, write_checkpoint
from .feed import batches_from, some_pictures
from .randomness import generator
from .run import RunSpec, TrainingSpec
from .spec_text import dump_yaml, read_run
from .step import players, training_step

CALIBRATION_BATCHES = 16


class TrainingError(RuntimeError):
    """A run that cannot go on; the message says at which step and why."""


@dataclass(frozen=True)
class Report:
    """What a run says of itself every ``log_every`` steps; each value is a mean over them."""

    step: int
    """Steps finished."""
    steps: int
    """Steps in all."""
    values: dict[str, float]
    """``d_loss``, ``g_loss``, ``d/TERM``, ``g/TERM``, ``information/CODE`` (nats)."""
    entropy: dict[str, float]
    """H(c) of each code in nats."""
    images_per_second: float
    """Real pictures learnt from."""


def train(
    spec: RunSpec,
    out: str | Path,
    *,
    resume: bool = False,
    on_report: Callable[[Report], None] = lambda report: None,
    on_model: Callable[[InfoGAN, int, Path], None] = lambda model, step, folder: None,
) -> InfoGAN:
    """Train a model and leave a run folder.

    ``out/run.yaml`` is the whole spec, ``log.jsonl`` one line per report, ``checkpoints/`` the state to
    resume from, ``model/`` the model as it stands at the last checkpoint: G with the running mean of its
    weights, and batch norm statistics that fit it.

    Args:
        spec: What to train.
        out: The run folder.
        resume: Go on from the newest checkpoint in ``out``, or start where there is none. On a CPU the
            result is bit for bit that of an uninterrupted run.
        on_report: Called every ``log_every`` steps.
        on_model: Called every ``picture_every`` steps and at the end, with the model as it would be
            saved, the steps finished, and ``out``.

    Raises FileExistsError where ``out`` has a run that is not to be resumed, TrainingError where a loss
    is not finite or the run in ``out`` has another spec.
    """
    out = Path(out)
    _claim(out, spec, resume)
    t = spec.training
    device = torch.device(_device(t.device))
    data = spec.data.load("train")
    state = _state(spec, device)
    start = restore_newest(out, state) if resume else 0
    feed = batches_from(data, spec.data.range, batch_size=t.batch_size, seed=t.seed, start=start, device=device)
    export = _Exporter(spec, state, data, device)
    log = _Log(out / "log.jsonl", spec, start)
    state.model.train()
    for step in range(start, t.steps):
        latent = state.model.latents.sample(t.batch_size, generator=generator(t.seed, "latent", step, device), device=device)
        log.add(training_step(state.model, state.players, feed(step), latent, step, precision=t.precision))
        _average(state.ema, state.model.generator, t.ema)
        done = step + 1
        if done % t.log_every == 0 or done == t.steps:
            on_report(log.write(done))
        if done % t.picture_every == 0 or done == t.steps:
            on_model(export(), done, out)
        if done % t.checkpoint_every == 0 or done == t.steps:
            write_checkpoint(out, done, state)
            export().save(out / "model")
    return export()


def _claim(out: Path, spec: RunSpec, resume: bool) -> None:
    """Make the run folder, or see that the one that is there may be gone on with."""
    settings = out / "run.yaml"
    if settings.exists():
        if not resume:
            raise FileExistsError(f"{out} has a run already; resume it, or choose another folder")
        before, now = (s.model_copy(update={"training": _lasting(s.training)}) for s in (read_run(settings), spec))
        if before != now:
            raise TrainingError(f"{settings} is of another run than the one asked for; choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    write_text(settings, dump_yaml(spec))


def _lasting(training: TrainingSpec) -> TrainingSpec:
    """The settings that decide a run's numbers: not how long it goes on, nor what it writes when."""
    free = {"steps": 1, "log_every": 1, "picture_every": 1, "checkpoint_every": 1, "device": "auto"}
    return training.model_copy(update=free)


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def _state(spec: RunSpec, device: torch.device) -> State:
    t = spec.training
    model = InfoGAN(spec.model, *networks(spec.model, t.seed)).to(device)
    sides = players(model, d_lr=t.d_lr, g_lr=t.g_lr, betas=t.betas)
    return State(model, copy.deepcopy(model.generator).requires_grad_(False), sides)


@torch.no_grad()
def _average(ema: nn.Module, network: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(list(ema.parameters()), list(network.parameters()), 1 - decay)


class _Exporter:
    """The model as it would be saved now: a copy, with G's averaged weights and fitting statistics."""

    def __init__(self, spec: RunSpec, state: State, data: object, device: torch.device) -> None:
        t = spec.training
        self.state, self.device = state, device
        count = CALIBRATION_BATCHES * t.batch_size
        self.real = some_pictures(data, spec.data.range, count=count, seed=t.seed).split(t.batch_size)
        latents = state.model.latents
        self.latents = [
            latents.sample(t.batch_size, generator=generator(t.seed, "calibration", k)) for k in range(CALIBRATION_BATCHES)
        ]

    def __call__(self) -> InfoGAN:
        model = copy.deepcopy(self.state.model)
        model.generator = copy.deepcopy(self.state.ema)
        calibrate(model, [b.to(self.device) for b in self.real], [b.to(self.device) for b in self.latents])
        return model.requires_grad_(True)


class _Log:
    """Sums on the device, read once per report; lines of ``log.jsonl``."""

    def __init__(self, path: Path, spec: RunSpec, start: int) -> None:
        self.path, self.spec, self.since = path, spec, start
        self.entropy = spec.model.latents.entropy
        self.sums: dict[str, Tensor] = {}
        self.clock = time.perf_counter()
        lines = path.read_text().splitlines() if path.exists() and start else []
        write_text(path, "".join(f"{line}\n" for line in lines if json.loads(line)["step"] <= start))

    def add(self, values: dict[str, Tensor]) -> None:
        if not self.sums:
            self.sums = {name: value.clone() for name, value in values.items()}
        else:
            torch._foreach_add_(list(self.sums.values()), list(values.values()))

    def write(self, step: int) -> Report:
        count = step - self.since
        numbers = (torch.stack(list(self.sums.values())) / count).tolist()
        values = dict(zip(self.sums, numbers, strict=True))
        for name, value in values.items():
            if not math.isfinite(value):
                raise TrainingError(f"{name} became {value} between steps {self.since} and {step}")
        seconds = time.perf_counter() - self.clock
        rate = count * self.spec.training.batch_size / seconds
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, **values, "seconds": round(seconds, 3)}) + "\n")
        self.sums, self.since, self.clock = {}, step, time.perf_counter()
        return Report(step, self.spec.training.steps, values, self.entropy, rate)
