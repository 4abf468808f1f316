"""What the checks of all roles share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from ..core.component import Component

ROWS = 96
"""Settings of Q's parameters, and values, that a code is looked at on."""


def require(condition: bool, component: Component, message: str) -> None:
    """AssertionError with ``message``, naming the part, unless the condition holds."""
    if not condition:
        raise AssertionError(f"{type(component).__name__} (kind {component.kind!r}): {message}")


def check_options(component: Component) -> None:
    """The options go to JSON and back, which is how specs are saved; the kind is a literal."""
    default = type(component).model_fields["kind"].default
    require(component.kind == default, component, f"its class has the kind {default!r}; write it as a Literal")
    text = component.model_dump_json()
    again = type(component).model_validate_json(text)
    require(again == component, component, f"its options do not survive JSON: {text} came back as {again!r}")


def seeded(seed: int) -> torch.Generator:
    """A generator on the CPU."""
    return torch.Generator().manual_seed(seed)


@contextmanager
def untouched_global_state(component: Component, what: str) -> Iterator[None]:
    """Requires that torch's global random state is afterwards what it was."""
    before = torch.get_rng_state()
    yield
    require(
        torch.equal(before, torch.get_rng_state()), component, f"{what} uses torch's global random state; it must not"
    )


def check_tensor(component: Component, what: str, tensor: object, shape: tuple[int, ...]) -> Tensor:
    """``tensor`` is a finite float32 tensor of that shape."""
    require(isinstance(tensor, Tensor), component, f"{what} has to be a tensor, not {type(tensor).__name__}")
    assert isinstance(tensor, Tensor)
    require(tuple(tensor.shape) == shape, component, f"{what} has to be of shape {shape}, not {tuple(tensor.shape)}")
    require(tensor.dtype == torch.float32, component, f"{what} has to be float32, not {tensor.dtype}")
    require(bool(tensor.isfinite().all()), component, f"{what} has values that are not finite")
    return tensor
