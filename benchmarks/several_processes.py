"""Proofs that several processes train the model that one would: python benchmarks/several_processes.py [PROOF ...].

Each starts two processes with torchrun, on this machine's CPU.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

import torch
from interrupted_runs import IMAGE, logged, restorable, sums, tiny
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from infogan import Generator, ImageShape, ModelSpec, build, train
from infogan.plugins.codes import Categorical, Uniform
from infogan.plugins.dcgan import DcganBody, DcganGenerator
from infogan.plugins.heads import Linear, Mlp
from infogan.plugins.losses import MutualInformation, NonSaturating
from infogan.plugins.noises import NormalNoise
from infogan.plugins.penalties import GradientPenalty
from infogan.training.group import Group, join, leave
from infogan.training.run import TrainingSpec
from infogan.training.step import Objective, make_optimizers, training_step
from infogan.training.stopping import Stopped
from infogan.training.sync_batch_norm import synchronised

BATCH = 16


class PlainGenerator(Generator):
    """FC, ReLU, FC, sigmoid: each picture by itself, without batch norm."""

    kind: Literal["plain"] = "plain"

    @property
    def range(self) -> tuple[float, float]:
        return 0.0, 1.0

    def build(self, latent_width: int, image: ImageShape) -> nn.Module:
        pixels = image.height * image.width
        layers = [nn.Linear(latent_width, 16), nn.ReLU(), nn.Linear(16, pixels), nn.Sigmoid()]
        return nn.Sequential(*layers, nn.Unflatten(1, image.dims))


def trained(group: Group, steps: int, *, norms: bool) -> Iterator[dict[str, Tensor]]:
    """The weights after each step of a model in float64: with batch norm over the whole batch, or without any."""
    spec = ModelSpec(
        image=IMAGE,
        noise=NormalNoise(size=3),
        codes={"digit": Categorical(n=4), "slant": Uniform()},
        generator=DcganGenerator(width=4) if norms else PlainGenerator(),
        body=DcganBody(width=4, hidden=8, norm="batch" if norms else "none"),
        head=Mlp(hidden=6) if norms else Linear(),
        losses={"game": NonSaturating(), "information": MutualInformation(), "penalty": GradientPenalty(weight=1.0)},
    )
    model = build(spec, seed=0).double().train()
    optimizers = make_optimizers(model, d_lr=1e-3, g_lr=1e-3, betas=(0.5, 0.999), average=group.average)
    objective = Objective(model, random=torch.Generator(), shard=group.shard)
    for step in range(steps):
        seeded = torch.Generator().manual_seed(step)
        real = torch.rand(BATCH, *IMAGE.dims, generator=seeded).double()
        latent = model.latents.sample(BATCH, generator=seeded).double()
        objective.random.manual_seed(step)
        shown = group.shard.of(real), group.shard.of(latent)
        with synchronised(model) if group.shard.size > 1 else nullcontext():
            training_step(objective, optimizers, *shown, torch.tensor(step))
        yield {name: weight.detach() for name, weight in model.named_parameters()}


def launched(*arguments: str) -> subprocess.Popen[str]:
    """Two processes of this script, each as `rank` with the arguments."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*torchrun, __file__, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


def finished(*arguments: str) -> str:
    """What two processes said that ended well."""
    job = launched(*arguments)
    said, _ = job.communicate(timeout=300)
    assert job.returncode == 0, said
    return said


def rank(work: str, folder: Path, steps: int) -> None:
    """What each of the processes does."""
    torch.set_num_threads(1)
    if work == "equal":
        group = join(TrainingSpec(device="cpu", batch_size=BATCH))
        for norms in (False, True):
            weights: dict[str, Tensor] = {}
            for weights in trained(group, steps, norms=norms):
                assert all(same_in_all(group, weight) for weight in weights.values()), "the processes' weights differ"
            if group.leads:
                save_file({name: weight.contiguous() for name, weight in weights.items()}, folder / f"{norms}")
        leave()
        assert not any("gloo" in name for name in threads()), "a thread of the connections is left"
        return
    folder.mkdir(exist_ok=True)
    (folder / f"process-{os.environ['RANK']}").write_text(str(os.getpid()))
    try:
        train(tiny(steps), folder, resume=True)
    except Stopped as stop:
        sys.exit(128 + stop.signal)


def threads() -> list[str]:
    """Names of this process's threads; none where the system has no list of them."""
    return [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]


def same_in_all(group: Group, weight: Tensor) -> bool:
    """Bit for bit, by a sum of the bits that depends on their places."""
    bits = weight.contiguous().view(torch.int64).flatten()
    total = int((bits * (2 * torch.arange(len(bits)) + 1)).sum())
    return group.maximum(total) == total


def equal(folder: Path, count: int) -> str:
    """Two processes with half of the batch each, and one with the whole, in float64 for 20 steps."""
    finished("--rank", "equal", "--folder", str(folder), "--steps", "20")
    said = []
    for norms in (False, True):
        two = load_file(folder / f"{norms}")
        first, *_, one = ({n: w.clone() for n, w in weights.items()} for weights in trained(alone(), 20, norms=norms))
        apart, moved = ([(one[name] - other[name]).abs().max().item() for name in one] for other in (two, first))
        assert max(apart) < 1e-6 < 1e-3 < max(moved), f"apart by {max(apart)}, moved by {max(moved)}"
        said.append(f"{max(apart):.1e} {'with batch norm over the whole batch' if norms else 'without batch norm'}")
    return f"weights apart by {' and '.join(said)}; bit-equal in both processes after every step"


def alone() -> Group:
    return Group(torch.device("cpu"))


def killed(folder: Path, count: int) -> str:
    """A process is killed: the job ends, no orphan stays, and a relaunch goes on bit for bit."""
    steps, drawn, slowest = 60, random.Random(0), 0.0
    finished("--rank", "train", "--folder", str(folder / "whole"), "--steps", str(steps))
    for number in range(count):
        run, victim = folder / f"killed-{number}", (number + 1) % 2
        job = launched("--rank", "train", "--folder", str(run), "--steps", str(steps))
        wait_for_step(run, drawn.randrange(5, steps - 10))
        pids = [int((run / f"process-{each}").read_text()) for each in (0, 1)]
        os.kill(pids[victim], signal.SIGKILL)
        asked = time.perf_counter()
        job.communicate(timeout=60)
        slowest = max(slowest, time.perf_counter() - asked)
        assert job.returncode != 0
        assert not any(lives(pid) for pid in pids), "an orphan is left"
        assert logged(run) < steps, "it was killed too late"
        finished("--rank", "train", "--folder", str(run), "--steps", str(steps))
        assert sums(run) == sums(folder / "whole"), "another end than the uninterrupted run's"
    assert slowest < 10, f"{slowest:.1f} s until all had ended"
    return f"all ended {slowest:.1f} s after one was killed, at most; relaunched, they ended alike"


def stopped(folder: Path, count: int) -> str:
    """SIGTERM to the launcher: all stop after the same step, which is saved."""
    steps, run = 400, folder / "stopped"
    job = launched("--rank", "train", "--folder", str(run), "--steps", str(steps))
    wait_for_step(run, 10)
    asked = time.perf_counter()
    job.send_signal(signal.SIGTERM)
    said, _ = job.communicate(timeout=60)
    seconds = time.perf_counter() - asked
    assert logged(run) == restorable(tiny(steps), run) < steps, f"not all was saved: {said}"
    assert seconds < 10, f"{seconds:.1f} s to save and leave"
    return f"saved, and left after {seconds:.1f} s"


def wait_for_step(run: Path, step: int) -> None:
    deadline = time.monotonic() + 120
    while logged(run) < step:
        assert time.monotonic() < deadline, f"{run}: never came to step {step}"
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


PROOFS = {"equal": equal, "killed": killed, "stopped": stopped}
COUNT = 10
"""How many jobs are killed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("proofs", nargs="*", metavar="PROOF", help=f"of {', '.join(PROOFS)}; all unless given")
    parser.add_argument("--count", type=int, default=COUNT, help="how many jobs are killed")
    parser.add_argument("--rank", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rank:
        rank(arguments.rank, arguments.folder, arguments.steps)
        return
    for name in arguments.proofs or PROOFS:
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            said = PROOFS[name](Path(folder), arguments.count)
            print(f"{name}: {said} ({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
