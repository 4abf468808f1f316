"""The loop: from a run spec to a run folder."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from ..core.data import Images
from ..files.disk import write_text
from ..files.strict_yaml import parse, read_text
from ..files.writer import sole_writer
from ..model.build import networks
from ..model.infogan import InfoGAN
from .beginning import begin_from
from .calibrate import calibrate
from .checkpoint import (
    State,
    checkpoint_folder,
    last_checkpoint,
    remove_superseded,
    restore_newest,
    write_checkpoint,
)
from .feed import batches_from, some_pictures
from .group import Group, join
from .health import Health
from .iteration import fastest
from .log import Log, Report, lines_until
from .precision import inner_products
from .randomness import generator
from .run import RunSpec, TrainingSpec
from .schedule import make_adjustable
from .spec_text import RUN, by_path, dump_run
from .step import Average, alone, make_optimizers
from .stopping import Stopped, asked_of, signals_heeded
from .tracking import check_trackers, tracked
from .watch import Watch

CALIBRATION_BATCHES = 16
"""Batches over which batch norm statistics are estimated anew before a model is saved or shown."""

CHECKED_EVERY = 50
"""Steps, at most, after which the losses are looked at: a run that is lost goes on that much longer at most."""

FREE = frozenset(
    f"training.{key}"
    for key in [
        "steps",
        "log_every",
        "picture_every",
        "checkpoint_every",
        "trackers",
        "device",
        "compile",
        "cuda_graph",
    ]
)
"""Settings that a resumed run may change; not the steps where rates end with them."""


class TrainingError(RuntimeError):
    """A run that cannot go on; the message says at which step and why."""


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

    Started by ``torchrun``, each process trains on its shard of every batch, and the first one writes and calls back
    (docs/operations.md).

    Args:
        spec: What to train.
        out: The run folder.
        resume: Go on from the newest checkpoint in ``out``, or start where there is none. On a CPU the
            result is bit for bit that of an uninterrupted run, unless a network or a data set draws
            random numbers itself, as dropout does.
        on_report: Called every ``log_every`` steps.
        on_model: Called every ``picture_every`` steps and at the end, with the model as it would be
            saved, the steps finished, and ``out``.

    Raises FileExistsError where ``out`` has a run that is not to be resumed; TrainingError where a loss or a weight
    is not finite, at most `CHECKED_EVERY` steps later, or the run in ``out`` has another spec; StorageError where
    another process writes ``out``, or none of its checkpoints is sound; DiskFull; and Stopped, a KeyboardInterrupt,
    where SIGINT or SIGTERM asked it to stop after the running step: then its state is saved.
    """
    out, group = Path(out), join(spec.training)
    if not group.leads:
        on_report, on_model = (lambda report: None), (lambda model, step, folder: None)
    with inner_products(spec.training.precision), sole_writer(out) if group.leads else nullcontext():
        return _train(spec, out, group, resume, on_report, on_model)


def _train(
    spec: RunSpec,
    out: Path,
    group: Group,
    resume: bool,
    on_report: Callable[[Report], None],
    on_model: Callable[[InfoGAN, int, Path], None],
) -> InfoGAN:
    t = spec.training
    check_trackers(t.trackers)
    if group.leads:
        check_folder(out, spec, resume)
    data = spec.data.load("train")
    state = initial_state(spec, group.device, group.average)
    start = _begin(out, spec, state, group, resume)
    feed = batches_from(
        data,
        batch_size=t.batch_size,
        seed=t.seed,
        start=start,
        device=group.device,
        shard=group.shard,
        augment=spec.data.augment,
    )
    export = _Exporter(spec, state, data, group.device)
    if group.leads:
        _write_settings(out, spec)
    state.model.train()
    if start >= t.steps:  # the run was finished; whether its model was saved before it ended is not known
        model = export()
        if group.leads:
            model.save(out / "model")
        return model
    iterate = fastest(spec, state, group.device, group.shard)
    log = Log(out / "log.jsonl", spec, start, group)
    health = Health(spec, state.model.generator, export.real, group.device) if group.leads else None
    watch = Watch(spec.model, lines_until(start, log.path) if group.leads else ())
    with closing(feed), tracked(spec, out) as track, signals_heeded() as stop:
        for done in range(start + 1, t.steps + 1):
            log.add(iterate(done - 1, feed(done - 1)))
            log_now, picture, checkpoint, check = (
                done % every == 0 or done == t.steps
                for every in (t.log_every, t.picture_every, t.checkpoint_every, CHECKED_EVERY)
            )
            asked = asked_of(group, stop, done)
            save = picture or checkpoint or asked is not None
            if log_now or save or check:
                _check_finite(log, state, out, done, weights=save)
            if log_now:
                report = log.write(health(state.model.generator) if health else {})
                track(report)
                for message in watch.look({"step": done, **report.values}):
                    warnings.warn(message, RuntimeWarning, stacklevel=3)
                on_report(report)
            if asked is not None:
                raise Stopped(asked, _keep(out, done, state, group))
            if not save:
                continue
            model = export()
            if checkpoint:
                _keep(out, done, state, group)
                if group.leads:
                    model.save(out / "model")
            if picture:
                on_model(model, done, out)
    return model


def _begin(out: Path, spec: RunSpec, state: State, group: Group, resume: bool) -> int:
    """The step to go on from. All processes begin with the first one's state, which alone has to see the folders."""
    start = restore_newest(out, state) if resume and group.leads else 0
    if group.leads:
        remove_superseded(out, start)
        if spec.training.init is not None and start == 0:
            begin_from(Path(spec.training.init).expanduser(), state)
    if group.shard.size > 1:
        start = group.maximum(start)
        state.prepare()
        group.broadcast(state.tensors().values())
    return start


def _keep(out: Path, step: int, state: State, group: Group) -> Path:
    """The first process writes a checkpoint; the others wait, since a launcher ends all once one has ended."""
    folder = write_checkpoint(out, step, state) if group.leads else checkpoint_folder(out, step)
    group.maximum(0)
    return folder


def check_folder(out: Path, spec: RunSpec, resume: bool) -> None:
    """See that ``out`` has no run, or one that may be gone on with."""
    settings = out / RUN
    if not settings.exists():
        return
    if not resume:
        raise FileExistsError(f"{out} has a run already; resume it, or choose another folder")
    # As text, not as specs: a part that Python code passed by hand has a kind that no registry knows.
    written = parse(read_text(settings), str(settings)).values
    if isinstance(written.get("training"), dict):  # an older one has fewer settings
        written["training"] = TrainingSpec().model_dump(mode="json") | written["training"]
    before, now = _lasting(written, spec), _lasting(spec.model_dump(mode="json"), spec)
    if list(before.items()) != list(now.items()):
        different = sorted(key for key in before.keys() | now.keys() if before.get(key) != now.get(key))
        what = ", ".join(different[:5]) or "order of its parts"
        raise TrainingError(f"{settings} is of another run: it has another {what}; choose another folder")


def _write_settings(out: Path, spec: RunSpec) -> None:
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / RUN, dump_run(spec))


def _lasting(values: Any, spec: RunSpec) -> dict[str, Any]:
    """The settings that decide a run's numbers, by path: not how long it goes on, nor what it writes when."""
    free = FREE if spec.training.schedule == "constant" else FREE - {"training.steps"}
    return {path: value for path, value in by_path(values).items() if path not in free}


def _check_finite(log: Log, state: State, out: Path, step: int, *, weights: bool) -> None:
    """Raise TrainingError rather than let a checkpoint take a sound one's place from which no run can go on.

    ``weights``: look at them too, though all losses are finite.
    """
    lost = log.read()
    if not lost and not weights:
        return
    tensor = next((name for name, tensor in state.tensors().items() if not tensor.isfinite().all()), None)
    if lost or tensor:
        what = ", and ".join([*([lost] if lost else []), *([f"{tensor} is not finite"] if tensor else [])])
        raise TrainingError(f"{what} after step {step}; the last good checkpoint stays: {last_checkpoint(out)}")


def initial_state(spec: RunSpec, device: torch.device, average: Average = alone) -> State:
    """Before the first step: weights drawn from the run's seed, moments 0, the running mean at G's weights."""
    t = spec.training
    model = InfoGAN(spec.model, *networks(spec.model, t.seed)).to(device)
    capturable = t.cuda_graph and device.type == "cuda"
    optimizers = make_optimizers(model, d_lr=t.d_lr, g_lr=t.g_lr, betas=t.betas, capturable=capturable, average=average)
    if t.schedule != "constant":
        make_adjustable(optimizers, device)
    return State(model, copy.deepcopy(model.generator).requires_grad_(False), optimizers)


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
