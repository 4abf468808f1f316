"""From a spec to a model: first a dry run on the meta device, then real weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..core.network import Body
from .discriminator import Discriminator
from .spec import ModelSpec

WEIGHTS_LIMIT = 2**30
"""Weights and buffers of a whole model: 4 GiB in float32."""


class PartError(ValueError):
    """A part that does not fit the model; ``part`` is its key in the model spec."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part

    def __str__(self) -> str:
        return f"{self.part}: {self.args[0]}"


def dry_run(spec: ModelSpec) -> tuple[nn.Module, Discriminator]:
    """G and D/Q on the meta device, after a batch of 2 went through every part; nothing is allocated.

    Raises PartError naming the part that cannot be built, or whose output has the wrong shape, and the largest
    one of a model that has more than `WEIGHTS_LIMIT`.
    """
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        generator, discriminator = _assemble(spec)
        _check_size(spec, generator, discriminator)
        latent, images = torch.empty(2, spec.latents.width), torch.empty(2, *spec.image.dims)
        _same_shape("generator", spec, generator, latent, tuple(images.shape))
        _same_shape("body", spec, discriminator.body, images, (2, spec.body.features))
        if discriminator.q_body is not None:
            _same_shape("q_body", spec, discriminator.q_body, images, (2, _read_body(spec).features))
        read = torch.empty(2, _read_body(spec).features)
        _same_shape("head", spec, discriminator.q_head, read, (2, spec.latents.n_params))
    return generator, discriminator


def networks(spec: ModelSpec, seed: int) -> tuple[nn.Module, Discriminator]:
    """Freshly initialised G and D/Q; the global random state is as it was afterwards."""
    dry_run(spec)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU too
        return _assemble(spec)


def _assemble(spec: ModelSpec) -> tuple[nn.Module, Discriminator]:
    """Every part built and put together. D's head is one fully connected layer."""
    generator = _built("generator", lambda: spec.generator.build(spec.latents.width, spec.image))
    body = _built("body", lambda: spec.body.build(spec.image))
    d_head = nn.Linear(spec.body.features, 1)
    nn.init.normal_(d_head.weight, 0.0, 0.02)
    nn.init.zeros_(d_head.bias)
    q_head = _built("head", lambda: spec.head.build(_read_body(spec).features, spec.latents.n_params))
    q_body = None if spec.q_body is None else _built("q_body", lambda: _read_body(spec).build(spec.image))
    return generator, Discriminator(body, d_head, q_head, q_body, apart=spec.batch_norm == "apart")


def _read_body(spec: ModelSpec) -> Body:
    """The body that Q reads."""
    return spec.body if spec.q_body is None else spec.q_body


def _built(part: str, build: Callable[[], nn.Module]) -> nn.Module:
    try:
        return build()
    except Exception as error:  # whatever a plugin raises, the part is the one to name
        raise PartError(part, str(error) or type(error).__name__) from error


def _check_size(spec: ModelSpec, generator: nn.Module, discriminator: Discriminator) -> None:
    modules = {"generator": generator, "body": discriminator.body, "head": discriminator.q_head}
    modules |= {} if discriminator.q_body is None else {"q_body": discriminator.q_body}
    sizes = {part: sum(tensor.numel() for tensor in module.state_dict().values()) for part, module in modules.items()}
    if sum(sizes.values()) > WEIGHTS_LIMIT:
        part = max(sizes, key=lambda part: sizes[part])
        raise PartError(
            part, f"{getattr(spec, part).kind!r} has {sizes[part]:,} weights; a whole model may have {WEIGHTS_LIMIT:,}"
        )


def _same_shape(part: str, spec: ModelSpec, module: nn.Module, given: Tensor, expected: tuple[int, ...]) -> None:
    kind = getattr(spec, part).kind
    try:
        got = module(given)
    except Exception as error:
        raise PartError(part, f"{kind!r} fails on input of shape {tuple(given.shape)}: {error}") from error
    if tuple(got.shape) != expected:
        raise PartError(part, f"{kind!r} makes {tuple(got.shape)} of {tuple(given.shape)}, but {expected} is needed")
