"""The loop: from a run spec to a run folder."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..core.build import networks
from ..core.data import Images
from ..core.model import InfoGAN
from ..core.storage import write_text
from .calibrate import calibrate
from .checkpoint import State, restore_newest, write_checkpoint
from .feed import batches_from, some_pictures
from .iteration import fastest
from .precision import inner_products
from .randomness import generator
from .run import RunSpec
from .spec_text import dump_run
from .step import players
from .strict_yaml import parse, read_text

CALIBRATION_BATCHES = 16
"""Batches over which batch norm statistics are estimated anew before a model is saved or shown."""

FREE = frozenset(
    f"training.{key}"
    for key in ("steps", "log_every", "picture_every", "checkpoint_every", "device", "compile", "cuda_graph")
)
"""Settings that a resumed run may change."""


class TrainingError(RuntimeError):
    """A run that cannot go on; the message says at which step and why."""


@dataclass(frozen=True)
class Report:
    """What a run says of itself every ``log_every`` steps; each value is a mean over them.

    The first report after a resume is a mean over the steps since.
    """

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
            result is bit for bit that of an uninterrupted run, unless a network or a data set draws
            random numbers itself, as dropout does.
        on_report: Called every ``log_every`` steps.
        on_model: Called every ``picture_every`` steps and at the end, with the model as it would be
            saved, the steps finished, and ``out``.

    Raises FileExistsError where ``out`` has a run that is not to be resumed, TrainingError where a loss
    or a weight is not finite or the run in ``out`` has another spec.
    """
    with inner_products(spec.training.precision):
        return _train(spec, Path(out), resume, on_report, on_model)


def _train(
    spec: RunSpec,
    out: Path,
    resume: bool,
    on_report: Callable[[Report], None],
    on_model: Callable[[InfoGAN, int, Path], None],
) -> InfoGAN:
    check_folder(out, spec, resume)
    t = spec.training
    device = torch.device(_device(t.device))
    data = spec.data.load("train")
    state = initial_state(spec, device)
    start = restore_newest(out, state) if resume else 0
    feed = batches_from(data, batch_size=t.batch_size, seed=t.seed, start=start, device=device)
    export = _Exporter(spec, state, data, device)
    _write_settings(out, spec)
    state.model.train()
    if start >= t.steps:  # the run was finished; whether its model was saved before it ended is not known
        model = export()
        model.save(out / "model")
        return model
    iterate = fastest(spec, state, device)
    log = _Log(out / "log.jsonl", spec, start)
    for step in range(start, t.steps):
        log.add(iterate(step, feed(step)))
        done = step + 1
        report, picture, checkpoint = (
            done % every == 0 or done == t.steps for every in (t.log_every, t.picture_every, t.checkpoint_every)
        )
        if report:
            on_report(log.write(done))
        if not (picture or checkpoint):
            continue
        log.check(done)
        _check_finite(state, done)
        model = export()
        if checkpoint:
            write_checkpoint(out, done, state)
            model.save(out / "model")
        if picture:
            on_model(model, done, out)
    return model


def check_folder(out: Path, spec: RunSpec, resume: bool) -> None:
    """See that ``out`` has no run, or one that may be gone on with."""
    settings = out / "run.yaml"
    if not settings.exists():
        return
    if not resume:
        raise FileExistsError(f"{out} has a run already; resume it, or choose another folder")
    # As text, not as specs: a part that Python code passed by hand has a kind that no registry knows.
    written = parse(read_text(settings), str(settings)).values
    before, now = _lasting(written), _lasting(spec.model_dump(mode="json"))
    if list(before.items()) != list(now.items()):
        different = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
        what = ", ".join(different[:5]) or "order of its parts"
        raise TrainingError(f"{settings} is of another run: it has another {what}; choose another folder")


def _write_settings(out: Path, spec: RunSpec) -> None:
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "run.yaml", dump_run(spec))


def _lasting(values: Any, path: str = "") -> dict[str, Any]:
    """The settings that decide a run's numbers, by path: not how long it goes on, nor what it writes when."""
    if not isinstance(values, dict) or not values:
        return {} if path in FREE else {path: values}
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _lasting(value, f"{path}.{key}" if path else key)
    return found


def _check_finite(state: State, step: int) -> None:
    """Raise TrainingError rather than let a checkpoint take a sound one's place from which no run can go on."""
    for name, tensor in state.tensors().items():
        if not tensor.isfinite().all():
            raise TrainingError(f"{name} is not finite after step {step}")


def _device(name: str) -> str:
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def initial_state(spec: RunSpec, device: torch.device) -> State:
    """Before the first step: weights drawn from the run's seed, moments 0, the running mean at G's weights."""
    t = spec.training
    model = InfoGAN(spec.model, *networks(spec.model, t.seed)).to(device)
    capturable = t.cuda_graph and device.type == "cuda"
    sides = players(model, d_lr=t.d_lr, g_lr=t.g_lr, betas=t.betas, capturable=capturable)
    return State(model, copy.deepcopy(model.generator).requires_grad_(False), sides)


class _Exporter:
    """The model as it would be saved now: a copy, with G's averaged weights and fitting statistics."""

    def __init__(self, spec: RunSpec, state: State, data: Images | Dataset[Any], device: torch.device) -> None:
        t = spec.training
        self.state, self.device = state, device
        whole = min(CALIBRATION_BATCHES, len(data) // t.batch_size)  # type: ignore[arg-type]
        self.real = some_pictures(data, spec.data.range, count=whole * t.batch_size, seed=t.seed).split(t.batch_size)
        latents = state.model.latents
        self.latents = [
            latents.sample(t.batch_size, generator=generator(t.seed, "calibration", k))
            for k in range(CALIBRATION_BATCHES)
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
        write_text(path, "".join(f"{line}\n" for line in _lines_until(start, path)))

    def add(self, values: dict[str, Tensor]) -> None:
        if not self.sums:
            self.sums = {name: value.clone() for name, value in values.items()}
        else:
            torch._foreach_add_(list(self.sums.values()), list(values.values()))

    def check(self, step: int) -> dict[str, float]:
        """The means since the last line. TrainingError names those that are not finite."""
        if not self.sums:
            return {}
        numbers = (torch.stack(list(self.sums.values())) / (step - self.since)).tolist()
        values = dict(zip(self.sums, numbers, strict=True))
        lost = ", ".join(f"{name} became {value}" for name, value in values.items() if not math.isfinite(value))
        if lost:
            raise TrainingError(f"{lost} between steps {self.since} and {step}")
        return values

    def write(self, step: int) -> Report:
        """A line with the means since the last one."""
        values, count = self.check(step), step - self.since
        seconds = time.perf_counter() - self.clock
        rate = count * self.spec.training.batch_size / seconds
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, **values, "seconds": round(seconds, 3)}) + "\n")
        self.sums, self.since, self.clock = {}, step, time.perf_counter()
        return Report(step, self.spec.training.steps, values, self.entropy, rate)


def _lines_until(step: int, path: Path) -> list[str]:
    """The lines of a log up to a step. What was logged after it, or cut off by a crash, is left out."""
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except ValueError:
            continue
    return kept
