"""From a spec to a model: first a dry run on the meta device, then real weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .discriminator import Discriminator
from .spec import ModelSpec


class PartError(ValueError):
    """A part that does not fit the model; ``part`` is its key in the model spec."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part

    def __str__(self) -> str:
        return f"{self.part}: {self.args[0]}"


def dry_run(spec: ModelSpec) -> tuple[nn.Module, Discriminator]:
    """Build every part on the meta device and send a batch of 2 through it; nothing is allocated.

    Raises PartError naming the part that cannot be built, or whose output has the wrong shape.
    """
    dims, latents = spec.image.dims, spec.latents
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        latent, images = torch.empty(2, latents.width), torch.empty(2, *dims)
        generator = _built("generator", lambda: spec.generator.build(latents.width, spec.image))
        _same_shape("generator", spec, generator, latent, (2, *dims))
        body = _built("body", lambda: spec.body.build(spec.image))
        _same_shape("body", spec, body, images, (2, spec.body.features))
        read = spec.body
        q_body = None
        if spec.q_body is not None:
            read = spec.q_body
            q_body = _built("q_body", lambda: read.build(spec.image))
            _same_shape("q_body", spec, q_body, images, (2, read.features))
        head = _built("head", lambda: spec.head.build(read.features, latents.n_params))
        _same_shape("head", spec, head, torch.empty(2, read.features), (2, latents.n_params))
        return generator, Discriminator(body, nn.Linear(spec.body.features, 1), head, q_body)


def networks(spec: ModelSpec, seed: int) -> tuple[nn.Module, Discriminator]:
    """Freshly initialised G and D/Q; the global random state is as it was afterwards."""
    dry_run(spec)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed every GPU too
        generator = spec.generator.build(spec.latents.width, spec.image)
        body = spec.body.build(spec.image)
        d_head = nn.Linear(spec.body.features, 1)
        nn.init.normal_(d_head.weight, 0.0, 0.02)
        nn.init.zeros_(d_head.bias)
        read = spec.body if spec.q_body is None else spec.q_body
        q_head = spec.head.build(read.features, spec.latents.n_params)
        q_body = None if spec.q_body is None else spec.q_body.build(spec.image)
    return generator, Discriminator(body, d_head, q_head, q_body)


def _built(part: str, build: Callable[[], nn.Module]) -> nn.Module:
    try:
        return build()
    except (ValueError, TypeError, RuntimeError) as error:
        raise PartError(part, str(error)) from error


def _same_shape(part: str, spec: ModelSpec, module: nn.Module, given: Tensor, expected: tuple[int, ...]) -> None:
    kind = getattr(spec, part).kind
    try:
        got = module(given)
    except Exception as error:  # whatever a plugin's forward raises, the part is the one to name
        raise PartError(part, f"{kind!r} fails on input of shape {tuple(given.shape)}: {error}") from error
    if tuple(got.shape) != expected:
        raise PartError(part, f"{kind!r} makes {tuple(got.shape)} of {tuple(given.shape)}, but {expected} is needed")
