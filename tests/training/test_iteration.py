"""One iteration: plain, compiled or captured it is the same one, and nothing in it waits."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from infogan import LossTerm, ModelSpec, RunSpec, build, train
from infogan.plugins.losses import Minimax, MutualInformation, NonSaturating
from infogan.plugins.penalties import R1, GradientPenalty
from infogan.training import iteration as module
from infogan.training.checkpoint import State
from infogan.training.iteration import Captured, Iteration, fastest
from infogan.training.loop import initial_state
from infogan.training.step import Objective, make_optimizers, training_step

CPU = torch.device("cpu")
MakeRun = Callable[..., RunSpec]


@pytest.fixture
def pixels() -> list[Tensor]:
    seeded = torch.Generator().manual_seed(0)
    return [torch.randint(256, (8, 1, 8, 8), generator=seeded, dtype=torch.uint8) for _ in range(4)]


def run(iterate: Callable[[int, Tensor], dict[str, Tensor]], pixels: list[Tensor]) -> list[dict[str, float]]:
    return [{k: v.item() for k, v in iterate(step, batch).items()} for step, batch in enumerate(pixels)]


def difference(one: State, other: State) -> float:
    a, b = one.tensors(), other.tensors()
    return max((a[name] - b[name]).abs().max().item() for name in a)


# --- compiled


COMPILERS_OWN = pytest.mark.filterwarnings("ignore")
"""The compiler warns itself, and takes an error for a failure."""


@COMPILERS_OWN
@pytest.mark.parametrize("routing", ["official", "generator"])
@pytest.mark.parametrize("game", [Minimax(), NonSaturating()])
def test_the_step_is_compiled_whole_and_gives_the_same_numbers(
    model_spec: Callable[..., ModelSpec], parts: SimpleNamespace, game: LossTerm, routing: str
) -> None:
    """``fullgraph``: no part of the functions falls back to Python."""
    information = MutualInformation(routing=routing, warmup=10)
    spec = model_spec(losses={"game": game, "information": information}, q_body=parts.body())
    results = []
    for wrap in (lambda f: f, partial(torch.compile, backend="aot_eager", fullgraph=True)):
        model = build(spec).double().train()
        optimizers, objective = (
            make_optimizers(model, d_lr=1e-3, g_lr=1e-3, betas=(0.5, 0.9)),
            Objective(model, wrap=wrap),
        )
        seeded = torch.Generator().manual_seed(0)
        for step in range(3):
            real, latent = torch.rand(8, 1, 8, 8, generator=seeded), model.latents.sample(8, generator=seeded)
            values = training_step(objective, optimizers, real.double(), latent.double(), torch.tensor(step))
        results.append((values, model))
    (values, model), (same_values, same_model) = results
    assert values.keys() == same_values.keys()
    for name, value in values.items():
        assert same_values[name].item() == pytest.approx(value.item(), abs=1e-9), name
    for one, other in zip(model.state_dict().values(), same_model.state_dict().values(), strict=True):
        assert torch.allclose(one, other, atol=1e-9)


@COMPILERS_OWN
def test_a_compiled_run_is_close_to_the_plain_one(run_spec: MakeRun, tmp_path: Path) -> None:
    reports: dict[str, list[dict[str, float]]] = {"eager": [], "default": []}
    for mode, seen in reports.items():
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "training.compile")  # which would say that it was left out
            train(
                run_spec(compile=mode), tmp_path / mode, on_report=lambda report, seen=seen: seen.append(report.values)
            )
    for plain, compiled in zip(*reports.values(), strict=True):
        assert compiled == pytest.approx(plain, abs=1e-5)


@COMPILERS_OWN
def test_a_term_that_differentiates_twice_stays_outside_of_what_is_compiled(
    model_spec: Callable[..., ModelSpec], run_spec: MakeRun, pixels: list[Tensor]
) -> None:
    losses = {"penalty": R1(), "mixture": GradientPenalty(), **model_spec().losses}
    spec = run_spec(model=model_spec(losses=losses))
    states = [initial_state(spec, CPU) for _ in range(2)]
    plain = Iteration(spec, states[0], CPU)
    compiled = Iteration(spec, states[1], CPU, wrap=partial(torch.compile, backend="aot_eager", fullgraph=True))
    one, other = run(plain, pixels), run(compiled, pixels)
    for values, same in zip(one, other, strict=True):
        assert list(values) == list(same)
        assert same == pytest.approx(values, abs=1e-5)
        assert [name for name in values if name.startswith("d/")] == [f"d/{name}" for name in losses]
        assert values["d/penalty"] > 0
        assert values["d/mixture"] > 0
    assert difference(*states) < 1e-4


def failing(function: Any, mode: str) -> Any:
    def compiled(*arguments: Any) -> Any:
        function(*arguments)  # what a compiler does before it fails must not be felt
        raise RuntimeError("no C++ compiler\nand a page of more")

    return compiled


def test_without_a_compiler_a_run_goes_on_as_the_plain_one_and_says_why(
    run_spec: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, equal_weights: Callable[..., bool]
) -> None:
    plain = train(run_spec(), tmp_path / "plain")
    monkeypatch.setattr(torch, "compile", failing)
    with pytest.warns(RuntimeWarning) as caught:
        model = train(run_spec(compile="max"), tmp_path / "compiled")
    assert [str(w.message) for w in caught] == ["training.compile is left out: RuntimeError: no C++ compiler"]
    assert equal_weights(model, plain)


# --- captured


def test_without_a_gpu_nothing_is_captured_and_a_warning_says_so(
    run_spec: MakeRun, tmp_path: Path, equal_weights: Callable[..., bool]
) -> None:
    plain = train(run_spec(), tmp_path / "plain")
    with pytest.warns(RuntimeWarning, match=r"training\.cuda_graph is left out: there is no CUDA device"):
        model = train(run_spec(cuda_graph=True), tmp_path / "captured")
    assert equal_weights(model, plain)


class Replayed:
    """A stand-in for a CUDA graph that runs the work again, on the same tensors, as a replay does."""

    work: Callable[[], dict[str, Tensor]]

    def register_generator_state(self, generator: torch.Generator) -> None:
        self.generator = generator

    def replay(self) -> None:
        for value, new in zip(self.values.values(), self.work().values(), strict=True):
            value.copy_(new)


def test_a_replayed_iteration_needs_only_what_lies_in_its_tensors(
    run_spec: MakeRun, pixels: list[Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same numbers though only pixels, step and generator are set between replays, after the trial was undone."""
    spec = run_spec()
    plain, state = initial_state(spec, CPU), initial_state(spec, CPU)
    where = {name: tensor.data_ptr() for name, tensor in state.model.state_dict().items()}
    for name in ("Stream", "current_stream"):
        monkeypatch.setattr(torch.cuda, name, lambda *_: SimpleNamespace(wait_stream=lambda other: None))
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Replayed)
    for name in ("device", "stream", "set_stream", "graph"):
        monkeypatch.setattr(torch.cuda, name, lambda *_, **__: nullcontext())
    with module._trial("cuda_graph", state):
        captured = Captured(Iteration(spec, state, CPU))
    captured.graph.work = lambda: captured.iteration.run(captured.pixels)
    captured.graph.values = captured.values
    moments = {name: tensor.data_ptr() for name, tensor in state.tensors().items()}
    expected, got = run(Iteration(spec, plain, CPU), pixels), run(captured, pixels)
    assert got == expected
    assert captured.graph.generator is captured.iteration.random
    assert difference(state, plain) == 0.0
    state.restore({name: tensor.clone() for name, tensor in state.tensors().items()})
    assert {name: tensor.data_ptr() for name, tensor in state.tensors().items()} == moments, "a restored state stays"
    assert {name: tensor.data_ptr() for name, tensor in state.model.state_dict().items()} == where


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_captured_run_is_the_plain_one(run_spec: MakeRun, tmp_path: Path, precision: str) -> None:
    """On the same seeds, to 1e-4: a capture may choose other kernels, but draws the same numbers."""
    reports: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for captured, seen in reports.items():
        spec = run_spec(device="cuda", cuda_graph=captured, precision=precision)
        train(spec, tmp_path / str(captured), on_report=lambda report, seen=seen: seen.append(report.values))
    for plain, captured in zip(reports[False], reports[True], strict=True):
        assert captured == pytest.approx(plain, abs=1e-4 if precision == "fp32" else 1e-2)


# --- nothing waits, nothing is done for nobody, nothing grows


class Operations(TorchDispatchMode):
    """The names of the operations that run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.overloadpacket._qualified_op_name)
        return func(*args, **(kwargs or {}))


def test_an_iteration_asks_the_device_for_no_number(run_spec: MakeRun, pixels: list[Tensor]) -> None:
    spec = run_spec()
    iterate = Iteration(spec, initial_state(spec, CPU), CPU)
    iterate(0, pixels[0])
    with Operations() as seen:
        iterate(1, pixels[1])
    assert "aten::native_batch_norm" in seen.names or "aten::_native_batch_norm_legit" in seen.names
    assert not {"aten::_local_scalar_dense", "aten::is_nonzero", "aten::nonzero"} & set(seen.names)


@pytest.mark.parametrize(("routing", "readings"), [("official", 2), ("generator", 1)])
def test_q_reads_only_where_someone_learns_from_it(
    model_spec: Callable[..., ModelSpec], run_spec: MakeRun, pixels: list[Tensor], routing: str, readings: int
) -> None:
    losses = {"game": NonSaturating(), "information": MutualInformation(routing=routing)}
    spec = run_spec(model=model_spec(losses=losses))
    state, read = initial_state(spec, CPU), []
    state.model.discriminator.q_head.register_forward_hook(lambda module, given, made: read.append(len(made)))
    Iteration(spec, state, CPU)(0, pixels[0])
    assert read == [8] * readings, "generated pictures only"


def test_a_step_leaves_every_weight_ready_to_learn(run_spec: MakeRun, pixels: list[Tensor]) -> None:
    spec = run_spec()
    state = initial_state(spec, CPU)
    Iteration(spec, state, CPU)(0, pixels[0])
    assert all(weight.requires_grad for weight in state.model.parameters())


def test_memory_does_not_grow(run_spec: MakeRun, pixels: list[Tensor]) -> None:
    """Over 2,000 iterations: not in tensors, and not in the process."""
    spec = run_spec()
    iterate = fastest(spec, initial_state(spec, CPU), CPU)

    def after(steps: range) -> tuple[int, int]:
        for step in steps:
            iterate(step, pixels[step % 4])
        gc.collect()
        tensors = sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())
        resident = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
        return tensors, int(resident.split()[1])

    tensors, kilobytes = after(range(500))
    more_tensors, more_kilobytes = after(range(500, 2500))
    assert more_tensors == tensors
    assert more_kilobytes - kilobytes < 4000, "2 kB an iteration, which is less than one batch"
