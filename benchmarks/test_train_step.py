"""The whole training step: what it costs, what each trick saves, how near it is to the machine's limit."""

from __future__ import annotations

import copy
import itertools
import json
import subprocess
import sys
from dataclasses import asdict, replace

import pytest
import torch
from harness.clock import now, take_turns
from harness.limits import count, emulates_bf16, machine
from harness.steps import LADDER, RATES, HandWritten, PlainStep, convolutional, step_of

import infogan
from infogan import RunSpec
from infogan.core.data import Images
from infogan.training.feed import batches_from
from infogan.training.group import Group
from infogan.training.iteration import Iteration, fastest
from infogan.training.log import Log
from infogan.training.loop import initial_state
from infogan.training.precision import inner_products
from infogan.training.step import Objective, make_optimizers, training_step

BATCH = 128
WAYS = {
    "eager": (),
    "compiled": ("training.compile=default",),
    "bf16": ("training.precision=bf16",),
    "tf32": ("training.precision=tf32",),
    "captured": ("training.cuda_graph=true",),
    "captured, bf16": ("training.cuda_graph=true", "training.precision=bf16"),
    "captured, compiled, bf16": (
        "training.cuda_graph=true",
        "training.compile=default",
        "training.precision=bf16",
    ),
}
GPU_ONLY = {"tf32", "captured", "captured, bf16", "captured, compiled, bf16"}


def spec_of(recipe: str, *settings: str) -> RunSpec:
    return infogan.read_run(recipe, [f"training.batch_size={BATCH}", *settings])


def batches(spec: RunSpec, device: torch.device, copies: int = 4) -> list[torch.Tensor]:
    """uint8 pictures; noise costs what digits cost."""
    shape = BATCH, *spec.model.image.dims
    return [torch.randint(256, shape, dtype=torch.uint8, device=device) for _ in range(copies)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("recipe", ["mnist", "sprites"])
@pytest.mark.benchmark(group="step", timer=now)
@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_step(benchmark, device, recipe, way):
    """An iteration of `infogan train`: latents drawn, both phases, Adam, the running mean."""
    if device.type == "cpu" and (way in GPU_ONLY or (way == "compiled" and recipe == "mnist")):
        pytest.skip(f"{way} is for a GPU, or too long to compile for a CPU")
    if way == "bf16" and emulates_bf16(device):
        pytest.skip("this CPU has no arithmetic in bf16")
    spec = spec_of(recipe, *WAYS[way])
    state, inputs = initial_state(spec, device), itertools.cycle(batches(spec, device))
    with inner_products(spec.training.precision):
        plain = Iteration(spec, initial_state(spec, device), device)
        work = count(lambda: plain(0, next(inputs)))
        if spec.training.compile != "eager":
            work = replace(work, launches=0)  # how many are left is the compiler's secret
        graph = spec.training.cuda_graph
        limit = machine(device, spec.training.precision, graph=graph).limit(work)
        iterate = fastest(spec, state, device)
        values = benchmark(lambda: iterate(7, next(inputs)))
    assert values["d_loss"].isfinite()
    benchmark.extra_info.update(
        device=device.type, architecture=recipe, way=way, pictures=BATCH, work=asdict(work), limit=asdict(limit)
    )


@pytest.mark.benchmark(group="ratios", timer=now)
def test_every_trick_counts(benchmark, device, turns):
    """The ladder from the plainest correct step of the MNIST model up to ours, all on the same tensors.

    ``iteration`` is ours with what a run does beside: pixels scaled, latents drawn, the running mean. ``limit`` is
    its floating-point operations at the speed of a matrix product that has its turn between the steps.
    """
    spec = spec_of("mnist", f"training.device={device.type}")
    model = infogan.build(spec.model, device=device).train()
    pixels, zero = itertools.cycle(batches(spec, device)), torch.zeros((), dtype=torch.int64, device=device)
    real = itertools.cycle([batch.float() / 255 for batch in batches(spec, device)])
    latent = model.latents.sample(BATCH, device=device)
    steps = {rung: step_of(model, rung) for rung in LADDER}
    as_convolutions = "plainest, fully connected layers as convolutions"
    steps[as_convolutions] = PlainStep(convolutional(model).to(device), LADDER["plainest"])
    ours = Objective(copy.deepcopy(model))
    optimizers, iteration = make_optimizers(ours.model, **RATES), Iteration(spec, initial_state(spec, device), device)
    runs = {rung: lambda step=step: step(next(real), latent, zero) for rung, step in steps.items()}
    runs["ours"] = lambda: training_step(ours, optimizers, next(real), latent, zero)
    runs["iteration"] = lambda: iteration(7, next(pixels))

    size = 8192 if device.type == "cuda" else 2048
    a, b = torch.randn(size, size, device=device), torch.randn(size, size, device=device)
    product = torch.empty_like(a)
    runs["matrix product"] = lambda: torch.mm(a, b, out=product)
    products = count(runs["iteration"]).flops / (2 * size**3)
    with inner_products("fp32"):
        measured = take_turns(runs, turns)
    ratios = {f"{rung} / ours": asdict(measured.ratio(rung, "ours")) for rung in [*steps, "iteration"]}
    limit = asdict(measured.ratio("matrix product", "iteration"))
    ratios["limit / iteration"] = {key: value * products for key, value in limit.items()}
    benchmark.extra_info.update(ratios=ratios, seconds=measured.median("ours"))
    benchmark.pedantic(runs["ours"], rounds=2)
    assert ratios["plainest / ours"]["median"] > 1.05, f"the plainest step costs {ratios['plainest / ours']} x ours"


@pytest.mark.benchmark(group="ratios", timer=now)
def test_the_librarys_loop_costs_what_a_loop_by_hand_costs(benchmark, device, turns, tmp_path):
    """Feeding, an iteration and logging, beside the same step written for this model alone."""
    spec = spec_of("mnist")
    pixels = torch.randint(256, (6400, 1, 28, 28), dtype=torch.uint8)
    state = initial_state(spec, device)
    iterate = Iteration(spec, state, device)
    feed = batches_from(Images(pixels), batch_size=BATCH, seed=0, start=0, device=device)
    log = Log(tmp_path / "log.jsonl", spec, 0, Group(device))
    hand = HandWritten(copy.deepcopy(state.model).train(), pixels.to(device), BATCH)
    count_library, count_hand = itertools.count(), itertools.count()

    def ours() -> None:
        step = next(count_library)
        log.add(iterate(step, feed(step)))

    measured = take_turns({"ours": ours, "by hand": lambda: hand(next(count_hand))}, 2 * turns)
    ratio = measured.ratio("ours", "by hand")
    benchmark.extra_info["ratios"] = {"our loop / by hand": asdict(ratio)}
    benchmark.pedantic(ours, rounds=2)
    assert ratio.median < 1.15, f"the library's loop costs {ratio} x one written by hand"


PEAK = """
import json, pathlib, sys, torch, infogan
from infogan.training.iteration import Iteration
from infogan.training.loop import initial_state

def peak():
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated()
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))

spec, device = infogan.read_run("mnist", ["training.batch_size=128"]), torch.device(sys.argv[1])
pixels = torch.zeros(128, 1, 28, 28, dtype=torch.uint8, device=device)
torch.mm(torch.ones(64, 64, device=device), torch.ones(64, 64, device=device))  # libraries are loaded at first use
before = peak()
iterate = Iteration(spec, initial_state(spec, device), device)
for step in range(20):
    iterate(step, pixels)
print(json.dumps({"before": before, "peak": peak()}))
"""


@pytest.mark.benchmark(group="memory", timer=now)
def test_peak_memory(benchmark, device):
    """Of 20 iterations on MNIST in a process of its own: weights, moments, running mean, gradients, activations."""

    def measure() -> dict[str, int]:
        command = [sys.executable, "-c", PEAK, device.type]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    found = benchmark.pedantic(measure, rounds=1)
    megabytes = (found["peak"] - found["before"]) / 2**20
    benchmark.extra_info.update(device=device.type, megabytes=megabytes, before=found["before"] / 2**20)
    assert 100 < megabytes < 1000


def test_every_rung_is_the_same_step():
    """In float64 the weights agree whichever tricks are used, and agree with ours."""
    spec = spec_of("mnist", "training.device=cpu")
    model = infogan.build(spec.model).double().train()
    latent = model.latents.sample(8).double()
    real, results = torch.rand(8, 1, 28, 28, dtype=torch.float64), {}
    for rung in LADDER:
        step = step_of(model, rung)
        for count_steps in range(2):
            step(real, latent, torch.tensor(count_steps))
        results[rung] = torch.cat([weight.flatten() for weight in step.model.parameters()])
    ours = Objective(copy.deepcopy(model))
    optimizers = make_optimizers(ours.model, **RATES)
    for count_steps in range(2):
        training_step(ours, optimizers, real, latent, torch.tensor(count_steps))
    weights = torch.cat([weight.flatten() for weight in ours.model.parameters()])
    for rung, others in results.items():
        assert (weights - others).abs().max() < 1e-6, rung
