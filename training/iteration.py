"""One iteration of a run on the device: plain, compiled, or captured as a CUDA graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn

from ..core.shard import WHOLE_BATCH, Shard
from .checkpoint import State
from .feed import scaled
from .randomness import reseed
from .run import RunSpec
from .schedule import adjust
from .step import Function, Objective, plain, training_step
from .sync_batch_norm import synchronised

Iterate = Callable[[int, Tensor], dict[str, Tensor]]
"""``(step, pixels) -> values``: one iteration on a batch ``(batch, channels, height, width)`` of uint8 pixels on the
device; what `training_step` reports."""

WARM_UP = 3
"""Iterations before a capture, in which libraries allocate what they need once."""

MODES = {"default": "default", "max": "max-autotune-no-cudagraphs"}
"""`torch.compile`'s modes by the spec's names; graphs are captured by `Captured`, which takes the whole iteration."""


class Iteration:
    """Draw latents, update D and Q, then G, then the running mean of G's weights.

    All that changes from one iteration to the next lies in tensors and one generator, so that `run`
    can be captured. Nothing in it waits for the device.
    """

    def __init__(
        self,
        spec: RunSpec,
        state: State,
        device: torch.device,
        *,
        shard: Shard = WHOLE_BATCH,
        wrap: Callable[[Function], Function] = plain,
    ) -> None:
        self.spec, self.state, self.device, self.shard = spec, state, device, shard
        self.step = torch.zeros((), dtype=torch.int64, device=device)
        self.random = torch.Generator(device)
        precision = spec.training.precision
        self.objective = Objective(state.model, precision=precision, random=self.random, shard=shard, wrap=wrap)

    def __call__(self, step: int, pixels: Tensor) -> dict[str, Tensor]:
        self.seek(step)
        return self.run(pixels)

    def seek(self, step: int) -> None:
        """Make `run` the iteration after ``step`` steps."""
        self.step.fill_(step)
        adjust(self.state.optimizers, self.spec.training, step)
        reseed(self.random, self.spec.training.seed, "latent", step)

    def run(self, pixels: Tensor) -> dict[str, Tensor]:
        """The iteration that was sought, on this process's shard of a batch of uint8 pixels."""
        state, training = self.state, self.spec.training
        whole = state.model.latents.sample(training.batch_size, generator=self.random, device=self.device)
        real = scaled(pixels, self.spec.data.range)
        latent = self.shard.of(whole)
        together = training.sync_batch_norm and self.shard.size > 1
        with synchronised(state.model) if together else nullcontext():
            values = training_step(
                self.objective, state.optimizers, real, latent, self.step, micro_batches=training.micro_batches
            )
        _average(state.ema, state.model.generator, training.ema)
        return values


class Captured:
    """A whole iteration as one CUDA graph: a single launch in place of hundreds.

    Made on the tensors of ``iteration``, which have to stay where they are: restore a state in place.
    """

    def __init__(self, iteration: Iteration) -> None:
        self.iteration = iteration
        self.pixels = _blank(iteration)
        iteration.seek(0)
        with torch.cuda.device(iteration.device):
            computing, side_stream = torch.cuda.current_stream(), torch.cuda.Stream()
            self.graph = torch.cuda.CUDAGraph()
            self.graph.register_generator_state(iteration.random)
            side_stream.wait_stream(computing)
            try:
                with torch.cuda.stream(side_stream):
                    for _ in range(WARM_UP):
                        iteration.run(self.pixels)
                computing.wait_stream(side_stream)
                # "thread_local": a data loader's thread may pin memory meanwhile.
                with torch.cuda.graph(self.graph, stream=side_stream, capture_error_mode="thread_local"):
                    self.values = iteration.run(self.pixels)
            finally:
                torch.cuda.set_stream(computing)  # a capture that fails leaves its own stream in force

    def __call__(self, step: int, pixels: Tensor) -> dict[str, Tensor]:
        self.pixels.copy_(pixels)
        self.iteration.seek(step)
        self.graph.replay()
        return self.values


def fastest(spec: RunSpec, state: State, device: torch.device, shard: Shard = WHOLE_BATCH) -> Iterate:
    """The iteration, compiled and captured as the spec asks.

    Each is tried on blank pictures before it is used, and the state is as it was afterwards. What fails
    is left out, with one warning that says why.
    """
    training = spec.training
    iteration = Iteration(spec, state, device, shard=shard)
    if training.compile != "eager":
        mode = MODES[training.compile]
        compiled = Iteration(spec, state, device, shard=shard, wrap=lambda function: torch.compile(function, mode=mode))
        with _trial("compile", state):
            compiled(0, _blank(compiled))
            iteration = compiled
    if training.cuda_graph and device.type != "cuda":
        warnings.warn("training.cuda_graph is left out: there is no CUDA device", RuntimeWarning, stacklevel=2)
    elif training.cuda_graph and shard.size > 1:
        warnings.warn("training.cuda_graph is left out: several processes train", RuntimeWarning, stacklevel=2)
    elif training.cuda_graph:
        with _trial("cuda_graph", state):
            return Captured(iteration)
        return Iteration(spec, state, device)  # a new one: what a failed capture used may be unfit
    return iteration


@contextmanager
def _trial(setting: str, state: State) -> Iterator[None]:
    """Try a faster way; afterwards the state is as before, and an error has become a warning."""
    before = {name: tensor.clone() for name, tensor in state.tensors().items()}
    try:
        yield
    except Exception as error:  # whatever a compiler raises, the plain way goes on
        cause = error.__context__ or error  # ending a capture that failed raises an error of its own
        reason = next(iter(str(cause).strip().splitlines()), "")
        message = f"training.{setting} is left out: {type(cause).__name__}: {reason}"
        warnings.warn(message, RuntimeWarning, stacklevel=5)
    finally:
        state.restore(before)


def _blank(iteration: Iteration) -> Tensor:
    """A batch of black pixels."""
    spec = iteration.spec
    shape = spec.training.batch_size // iteration.shard.size, *spec.model.image.dims
    return torch.zeros(shape, dtype=torch.uint8, device=iteration.device)


@torch.no_grad()
def _average(ema: nn.Module, network: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(list(ema.parameters()), list(network.parameters()), 1 - decay)
