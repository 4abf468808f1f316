"""Proofs that nothing is lost: python benchmarks/interrupted_runs.py [PROOF ...] [--count N]. POSIX only: it forks.

A tiny run is killed, signalled, starved of disk, or has its checkpoints damaged, and then gone on with; it has to end
with tensors whose SHA-256 is the uninterrupted run's. The tests run each proof with a smaller ``--count``.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from harness.damage import DAMAGES

from infogan import Data, ImageShape, ModelSpec, RunSpec
from infogan.core.data import Images, Split
from infogan.files import disk
from infogan.files.disk import DiskFull, FailPoint
from infogan.files.storage import StorageError
from infogan.plugins.codes import Categorical, Uniform
from infogan.plugins.dcgan import DcganBody, DcganGenerator
from infogan.plugins.heads import Linear
from infogan.plugins.losses import MutualInformation, NonSaturating
from infogan.plugins.noises import NormalNoise
from infogan.training.checkpoint import State, restore_newest
from infogan.training.loop import initial_state, train
from infogan.training.run import TrainingSpec
from infogan.training.stopping import Stopped

IMAGE = ImageShape(channels=1, height=8, width=8)
EVERY = 4
"""Steps between two checkpoints."""

TAKING_NO_ROOM: set[FailPoint] = {"folder renamed for removal", "folder removed"}
"""Steps of writing that a full disk does not hinder."""


class Shades(Data):
    """Gray squares of random shades."""

    kind: Literal["shades"] = "shades"

    @property
    def image(self) -> ImageShape:
        return IMAGE

    def load(self, split: Split) -> Images:
        shade = torch.randint(256, (64, 1, 1, 1), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
        return Images(shade.expand(-1, *IMAGE.dims).contiguous())


def tiny(steps: int) -> RunSpec:
    """A run of some steps, which reports after each."""
    model = ModelSpec(
        image=IMAGE,
        noise=NormalNoise(size=3),
        codes={"digit": Categorical(n=4), "slant": Uniform()},
        generator=DcganGenerator(width=4),
        body=DcganBody(width=4, hidden=8),
        head=Linear(),
        losses={"adversarial": NonSaturating(), "information": MutualInformation()},
    )
    training = TrainingSpec(
        steps=steps, batch_size=8, log_every=1, picture_every=1000, checkpoint_every=EVERY, device="cpu"
    )
    return RunSpec(model=model, data=Shades(), training=training)


class Uninterrupted:
    """A run of some steps that nothing happens to, and what it ends with."""

    def __init__(self, folder: Path, steps: int) -> None:
        self.spec, self.folder = tiny(steps), folder
        train(self.spec, folder)
        self.sums = sums(folder)

    def is_reached_from(self, run: Path) -> None:
        """Go on with ``run`` to its end, and compare: a run that was stopped may keep a checkpoint of its own."""
        train(self.spec, run, resume=True)
        found, last = sums(run), f"checkpoints/step-{self.spec.training.steps:06d}/weights.safetensors"
        common = found.keys() & self.sums.keys()
        assert {last, "model/weights.safetensors", "log"} <= common, f"{run}: has {sorted(found)}"
        different = [name for name in common if found[name] != self.sums[name]]
        assert not different, f"{run}: not as in the uninterrupted run: {different}"
        left = [path for path in run.rglob("*") if path.name.startswith((disk.NEW, disk.OLD))]
        assert not left, f"{run}: left over: {left}"


def sums(run: Path) -> dict[str, str]:
    """The SHA-256 of each checkpoint's tensors and of the model's, and the steps of the log."""
    files = sorted(run.rglob("weights.safetensors"))
    found = {str(file.relative_to(run)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    return {**found, "log": str([json.loads(line)["step"] for line in (run / "log.jsonl").read_text().splitlines()])}


def forked(work: Callable[[], None]) -> int:
    """A process of its own that does the work; its number. It ends with 0, or 1 after an error."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def kills(folder: Path, count: int) -> str:
    """SIGKILL at random moments: the same end, and at most one save interval is lost."""
    whole, drawn = Uninterrupted(folder / "whole", steps=24), random.Random(0)
    killed, most_lost = 0, 0
    for number in range(count):
        run = folder / f"killed-{number}"
        child = forked(lambda run=run: train(whole.spec, run))
        at_random(run, whole, drawn)
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        lost = logged(run) - restorable(whole.spec, run)
        assert lost <= EVERY, f"{run}: {lost} steps lost"
        most_lost = max(most_lost, lost)
        whole.is_reached_from(run)
        shutil.rmtree(run)
    assert killed > count / 2, f"only {killed} of {count} runs were killed before their end"
    return f"{killed} of {count} killed before their end, all of them ended alike; {most_lost} steps lost at most"


def at_random(run: Path, whole: Uninterrupted, drawn: random.Random, *, first: int = 0) -> None:
    """Wait until a run comes to some step, or is about to begin, and a little longer."""
    step, deadline = drawn.randrange(first, whole.spec.training.steps), time.monotonic() + 60
    while logged(run) < step:
        assert time.monotonic() < deadline, f"{run}: never came to step {step}"
        time.sleep(0.001)
    time.sleep(drawn.expovariate(100))


def logged(run: Path) -> int:
    """The last step that a run has logged."""
    log = run / "log.jsonl"
    whole = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")] if log.exists() else []
    return json.loads(whole[-1])["step"] if whole else 0


def restorable(spec: RunSpec, run: Path) -> int:
    return restore_newest(run, initial_state(spec, torch.device("cpu")))


def passed_points(spec: RunSpec, run: Path) -> list[str]:
    """Every step of writing of a run, in their order."""
    points: list[str] = []
    with_fail_point(points.append, lambda: train(spec, run))
    return points


def with_fail_point(fail_point: Callable[[str], None], work: Callable[[], Any]) -> None:
    before, disk.fail_point = disk.fail_point, fail_point  # type: ignore[assignment]
    try:
        work()
    finally:
        disk.fail_point = before


def moments(points: list[str], count: int) -> list[int]:
    """Which passings to break at: each point's last one, and evenly spread ones up to ``count`` in all."""
    last = {point: index for index, point in enumerate(points)}
    spread = [round(k * (len(points) - 1) / max(1, count - 1)) for k in range(count)]
    assert last.keys() == set(disk.FAIL_POINTS), f"never passed: {set(disk.FAIL_POINTS) - last.keys()}"
    return sorted({*last.values(), *spread[: max(0, count - len(last))]})


def points(folder: Path, count: int) -> str:
    """SIGKILL after every step of writing."""
    whole = Uninterrupted(folder / "whole", steps=3 * EVERY)
    passed = passed_points(whole.spec, folder / "passed")
    chosen = moments(passed, count)
    for moment in chosen:
        run = folder / f"killed-{moment}"
        child = forked(lambda run=run, moment=moment: with_fail_point(killer(moment), lambda: train(whole.spec, run)))
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), f"{run}: was not killed after {passed[moment]!r}"
        lost = logged(run) - restorable(whole.spec, run)
        assert lost <= EVERY, f"{run}: {lost} steps lost after {passed[moment]!r}"
        whole.is_reached_from(run)
        shutil.rmtree(run)
    return (
        f"{len(chosen)} of {len(passed)} steps of writing, all {len(disk.FAIL_POINTS)} kinds of them; all ended alike"
    )


def killer(moment: int) -> Callable[[str], None]:
    """Kills the process the ``moment``-th time that it is called, from 0."""
    left = iter(range(moment, -1, -1))

    def fail_point(point: str) -> None:
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return fail_point


def full_disk(folder: Path, count: int) -> str:
    """No room left, at every step of writing and as the system has it: one error, and the checkpoints before stay."""
    whole = Uninterrupted(folder / "whole", steps=3 * EVERY)
    passed = passed_points(whole.spec, folder / "passed")
    chosen = [moment for moment in moments(passed, count) if passed[moment] not in TAKING_NO_ROOM]
    for moment in chosen:
        run = folder / f"full-{moment}"
        left = iter(range(moment, -1, -1))

        def fill(point: str, left: Any = left) -> None:
            if next(left, 1) == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        said = ""
        try:
            with_fail_point(fill, lambda run=run: train(whole.spec, run))
        except DiskFull as error:
            said = str(error)
        for part in (str(run), "no space left", "bytes are needed"):
            assert part in said, f"after {passed[moment]!r}: {said or 'it went on'}"
        assert logged(run) - restorable(whole.spec, run) <= EVERY
        whole.is_reached_from(run)
    limit_of_files(folder, whole)
    return f"{len(chosen)} of {len(passed)} steps of writing, and a limit on the size of files; all ended alike"


def limit_of_files(folder: Path, whole: Uninterrupted) -> None:
    """The system itself refuses to write a checkpoint whole."""
    run, said = folder / "limited", folder / "said"

    def limited() -> None:
        size = (whole.folder / "checkpoints" / f"step-{EVERY * 3:06d}" / "weights.safetensors").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, size - 1))
        try:
            train(whole.spec, run)
        except DiskFull as error:
            said.write_text(str(error))

    assert os.waitpid(forked(limited), 0)[1] == 0
    assert "file too large" in said.read_text(), said.read_text()
    assert f"step-{EVERY:06d}" in said.read_text()
    whole.is_reached_from(run)


def damage(folder: Path, count: int) -> str:
    """Checkpoints damaged at random: noticed, with the one before or an error in its place; or nothing was lost."""
    whole, drawn = Uninterrupted(folder / "whole", steps=3 * EVERY), random.Random(0)
    good = {step: state_of(whole, step) for step in (2 * EVERY, 3 * EVERY)}
    outcomes: Counter[str] = Counter()
    for number in range(count):
        run = folder / f"damaged-{number}"
        shutil.copytree(whole.folder, run)
        done = DAMAGES[number % len(DAMAGES)](run / "checkpoints", drawn)
        outcomes[outcome(whole.spec, run, good, done)] += 1
        shutil.rmtree(run)
    return f"{count} damages: " + ", ".join(f"{how} {times}" for how, times in sorted(outcomes.items()))


def outcome(spec: RunSpec, run: Path, good: dict[int, dict[str, torch.Tensor]], done: str) -> str:
    state = initial_state(spec, torch.device("cpu"))
    untouched = tensors_of(state)
    step, refused = 0, ""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            step = restore_newest(run, state)
        except StorageError as error:
            refused = str(error)
    if refused:
        assert str(run) in refused, f"{done}: the error names no file: {refused}"
        assert equal(tensors_of(state), untouched), f"{done}: a state was touched that could not be restored"
        return "none sound and an error"
    assert step in good, f"{done}: started anew"
    assert equal(tensors_of(state), good[step]), f"{done}: restored something else at step {step}"
    if step == max(good):
        return "nothing lost"
    assert said, f"{done}: the newest checkpoint was passed over in silence"
    return "the one before and a warning"


def state_of(whole: Uninterrupted, step: int) -> dict[str, torch.Tensor]:
    """What an uninterrupted run of ``step`` steps ends with."""
    run = whole.folder.with_name(f"good-{step}")
    train(tiny(step), run)
    state = initial_state(whole.spec, torch.device("cpu"))
    assert restore_newest(run, state) == step
    return tensors_of(state)


def tensors_of(state: State) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in state.tensors().items()}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def signals(folder: Path, count: int) -> str:
    """SIGINT and SIGTERM at random moments: saved, and gone within 10 s; a second one ends the process at once."""
    whole, drawn, slowest = Uninterrupted(folder / "whole", steps=40), random.Random(0), 0.0
    stopped = 0
    for number in range(count):
        run, number_of = folder / f"signalled-{number}", drawn.choice([signal.SIGINT, signal.SIGTERM])

        def work(run: Path = run) -> None:
            try:
                train(whole.spec, run)
            except Stopped as stop:
                os._exit(128 + stop.signal)

        child = forked(work)
        at_random(run, whole, drawn, first=1)
        asked = time.perf_counter()
        os.kill(child, number_of)
        status = os.waitpid(child, 0)[1]
        slowest = max(slowest, time.perf_counter() - asked)
        if os.WEXITSTATUS(status):
            assert os.WEXITSTATUS(status) == 128 + number_of, f"{run}: left with {status}"
            assert restorable(whole.spec, run) == logged(run), f"{run}: a step was lost"
            stopped += 1
        whole.is_reached_from(run)
    assert slowest < 10, f"{slowest:.1f} s to save and leave"
    assert stopped > count / 2, f"only {stopped} of {count} runs were stopped before their end"
    second(folder / "second", whole.spec)
    return (
        f"{stopped} of {count} stopped before their end, after {slowest:.2f} s at most; a second signal ended at once"
    )


def second(run: Path, spec: RunSpec) -> None:
    """A second signal while the first one's checkpoint is being written, by a disk that takes a minute."""

    def slow(point: str) -> None:
        if point == "folder made":
            (run / "saving").touch()
            time.sleep(60)

    child = forked(lambda: with_fail_point(slow, lambda: train(spec, run)))
    while not (run / "saving").exists():
        time.sleep(0.01)
    for _ in range(2):
        os.kill(child, signal.SIGTERM)
        time.sleep(0.2)
    asked = time.perf_counter()
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status), f"left with {status}"
    assert time.perf_counter() - asked < 5, "the second signal had to wait"


PROOFS: dict[str, tuple[Callable[[Path, int], str], int]] = {
    "kills": (kills, 200),
    "points": (points, 1000),
    "full-disk": (full_disk, 1000),
    "damage": (damage, 300),
    "signals": (signals, 50),
}
"""Each proof, and its full count."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("proofs", nargs="*", metavar="PROOF", help=f"of {', '.join(PROOFS)}; all unless given")
    parser.add_argument("--count", type=int, help="how many cases; each proof's own number unless given")
    arguments = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    torch.set_num_threads(1)  # a forked process has none of the threads that its parent computed with
    for name in arguments.proofs or PROOFS:
        proof, count = PROOFS[name]
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            said = proof(Path(folder), arguments.count or count)
            print(f"{name}: {said} ({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
