"""The fused D/Q pass beside D alone and beside two separate networks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cache

import pytest
import torch
from harness.clock import now, take_turns
from harness.limits import count, emulates_bf16, machine
from harness.modes import in_mode

import infogan
from infogan.model.fold import folded
from infogan.training.precision import inner_products

WAYS = ("d_alone", "fused", "separate")
ARCHITECTURES = ("mnist", "sprites")
BATCHES = (1, 64, 128, 1024, 4096)


@dataclass(frozen=True)
class Case:
    """One measurement."""

    device: str
    architecture: str
    batch: int
    precision: str
    mode: str
    backward: bool
    way: str

    def __str__(self) -> str:
        passes = "forward+backward" if self.backward else "forward"
        return "-".join(map(str, (*list(asdict(self).values())[:5], passes, self.way)))


def cases() -> Iterator[Case]:
    """On a GPU every combination; on a CPU all batches in fp32, and a twin of each other precision and mode."""
    axes = (ARCHITECTURES, BATCHES, ("fp32", "tf32", "bf16"), ("eager", "compiled", "graph"), (False, True), WAYS)
    for architecture, batch, precision, mode, backward, way in itertools.product(*axes):
        if batch == 1 and backward:
            continue  # batch norm has no statistics of a single picture
        case = Case("cuda", architecture, batch, precision, mode, backward, way)
        yield case
        plain, small = precision == "fp32" and mode == "eager", batch == 64 and architecture == "sprites"
        twin = (precision == "bf16" and mode == "eager") or (precision == "fp32" and mode == "compiled")
        if plain or (twin and small):
            yield Case("cpu", *list(asdict(case).values())[1:])


@cache
def models(architecture: str, device: str) -> tuple[infogan.InfoGAN, infogan.InfoGAN]:
    """Two models of one architecture."""
    spec = infogan.read_run(architecture).model
    return infogan.build(spec, seed=0, device=device), infogan.build(spec, seed=1, device=device)


def ways(architecture: str, device: str, *, training: bool) -> dict[str, Callable[[torch.Tensor], tuple]]:
    """The three ways to D's logit, with the last two to Q's parameters too."""
    one, two = models(architecture, device)
    d, other = one.discriminator.train(training), two.discriminator.train(training)
    return {
        "d_alone": lambda images: (d.logit(images),),
        "fused": lambda images: tuple(d(images)),
        "separate": lambda images: (d.logit(images), other.q_head(other.body(images))),
    }


def weights(way: str, architecture: str, device: str) -> list[torch.nn.Parameter]:
    """What a way's backward pass has gradients for."""
    one, two = (model.discriminator for model in models(architecture, device))
    own = [*one.body.parameters(), *one.d_head.parameters()]
    return (
        own
        + {
            "d_alone": [],
            "fused": list(one.q_head.parameters()),
            "separate": [*two.body.parameters(), *two.q_head.parameters()],
        }[way]
    )


def with_backward(forward: Callable, parameters: list) -> Callable:
    """Forward, and the gradients of a loss on everything that came out."""

    def run(images: torch.Tensor) -> tuple:
        return torch.autograd.grad(sum(said.square().mean() for said in forward(images)), parameters)

    return run


def pictures(architecture: str, batch: int, device: str, copies: int = 4) -> list[torch.Tensor]:
    """More than one batch, so that no pass finds its data in a cache that it warmed itself."""
    image = models(architecture, device)[0].spec.image
    return [torch.rand(batch, *image.dims, device=device) for _ in range(copies)]


def function(case: Case) -> Callable[[torch.Tensor], tuple]:
    """What a case measures."""
    forward = ways(case.architecture, case.device, training=case.batch > 1)[case.way]
    parameters = weights(case.way, case.architecture, case.device)
    whole = with_backward(forward, parameters) if case.backward else forward
    cast = torch.autocast(case.device, torch.bfloat16) if case.precision == "bf16" else nullcontext()

    def run(images: torch.Tensor) -> tuple:
        with cast, torch.set_grad_enabled(case.backward):
            return whole(images)

    return run


@pytest.mark.parametrize("case", list(cases()), ids=str)
@pytest.mark.benchmark(group="D/Q pass", timer=now)
@pytest.mark.filterwarnings("ignore")  # the compiler's own
def test_pass(benchmark, case):
    if case.device == "cuda" and not torch.cuda.is_available():
        pytest.skip("no GPU on this machine")
    device = torch.device(case.device)
    if case.precision == "bf16" and emulates_bf16(device):
        pytest.skip("this CPU has no arithmetic in bf16")
    run, inputs = function(case), pictures(case.architecture, case.batch, case.device)
    with inner_products(case.precision):
        work = count(lambda: run(inputs[0]))
        if case.mode == "compiled":
            work = replace(work, launches=0)  # how many are left is the compiler's secret
        limit = machine(device, case.precision, graph=case.mode == "graph").limit(work)
        measured, rotating = in_mode(run, case.mode, inputs[0]), itertools.cycle(inputs)
        benchmark(lambda: measured(next(rotating)))
    benchmark.extra_info.update(asdict(case), pictures=case.batch, work=asdict(work), limit=asdict(limit))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("batch", [128, 1024])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "forward+backward"])
@pytest.mark.benchmark(group="ratios", timer=now)
def test_the_fused_pass_is_as_cheap_as_d_alone(benchmark, device, turns, architecture, batch, backward):
    """The bounds are loose, since machines are shared: a second body would cost twice."""
    where, inputs = device.type, itertools.cycle(pictures(architecture, batch, device.type))
    forwards = ways(architecture, where, training=True)
    runs = {
        way: with_backward(forward, weights(way, architecture, where)) if backward else forward
        for way, forward in forwards.items()
    }
    measured = take_turns({way: lambda run=run: run(next(inputs)) for way, run in runs.items()}, turns)
    over_d, over_two = (measured.ratio("fused", other) for other in ("d_alone", "separate"))
    benchmark.extra_info["ratios"] = {"fused / D alone": asdict(over_d), "fused / two networks": asdict(over_two)}
    benchmark.pedantic(lambda: runs["fused"](next(inputs)), rounds=2)
    assert over_d.median < 1.35, f"the fused pass costs {over_d} x D alone"
    assert over_two.median < 0.75, f"the fused pass costs {over_two} x two networks"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("batch", [128, 1024])
@pytest.mark.benchmark(group="ratios", timer=now)
@torch.inference_mode()
def test_a_frozen_pass_is_as_cheap_as_plain_d_alone(benchmark, device, turns, architecture, batch):
    """Evaluation mode: both heads with batch norm folded into the weights, beside D as it is."""
    model = models(architecture, device.type)[0].eval()
    frozen, inputs = model.frozen().discriminator, itertools.cycle(pictures(architecture, batch, device.type))
    runs = {
        "frozen": lambda: frozen(next(inputs)),
        "d_alone": lambda: model.discriminator.logit(next(inputs)),
        "fused": lambda: model.discriminator(next(inputs)),
    }
    measured = take_turns(runs, turns)
    over_d, over_fused = (measured.ratio("frozen", other) for other in ("d_alone", "fused"))
    benchmark.extra_info["ratios"] = {"frozen / D alone": asdict(over_d), "frozen / fused": asdict(over_fused)}
    benchmark.pedantic(runs["frozen"], rounds=2)
    assert over_d.median < 1.3, f"a frozen pass costs {over_d} x D alone"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@torch.no_grad()
def test_the_ways_say_the_same(architecture):
    """The fast ways give what the plain one gives."""
    (images,) = pictures(architecture, 8, "cpu", copies=1)
    d = models(architecture, "cpu")[0].discriminator.eval()
    fused = d(images)
    torch.testing.assert_close(fused.logit, d.logit(images))
    torch.testing.assert_close(fused.params, d.q_head(d.body(images)))
    torch.testing.assert_close(folded(d, (images,))(images).params, fused.params, atol=1e-5, rtol=1e-4)
