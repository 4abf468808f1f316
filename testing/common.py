"""What the checks of all roles share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from ..core.component import Component
from ..core.latent import Code

__tracebackhide__ = True  # pytest shows an author's own frames, and not these

ROWS = 96
"""Settings of Q's parameters, and values, that a code is looked at on."""

SIZES_AGREE = "do width, n_params and what the method reads and makes agree?"


def require(condition: bool, component: Component, message: str) -> None:
    """AssertionError with ``message``, naming the part, unless the condition holds."""
    if not condition:
        raise AssertionError(f"{_named(component)}: {message}")


def check_options(component: Component) -> None:
    """The options go to JSON and back, which is how specs are saved; the kind is a literal."""
    default = type(component).model_fields["kind"].default
    require(component.kind == default, component, f"its class has the kind {default!r}; write it as a Literal")
    advice = "give each option a type that JSON has a word for, Field(strict=False) if it is a tuple or a set, no alias"
    with no_error(component, "saving its options as JSON and reading them", advice):
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


@contextmanager
def no_error(component: Component, what: str, advice: str) -> Iterator[None]:
    """Turns any error that an author's code lets out into an AssertionError that says where, and what to look at."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        cause = str(error).strip().partition("\n")[0]
        raise AssertionError(f"{_named(component)}: {what} raises {type(error).__name__}: {cause}; {advice}") from error


def check_tensor(
    component: Component, what: str, tensor: object, shape: tuple[int, ...], *, shaped: str = "", finite: str = ""
) -> Tensor:
    """``tensor`` is a finite float32 tensor of that shape.

    ``shaped`` and ``finite`` say what to look at where the shape is another, or a value is not finite.
    """
    require(isinstance(tensor, Tensor), component, f"{what} has to be a tensor, not {type(tensor).__name__}")
    assert isinstance(tensor, Tensor)
    got = tuple(tensor.shape)
    require(got == shape, component, f"{what} has to be of shape {shape}, not {got}{_after(shaped)}")
    require(tensor.dtype == torch.float32, component, f"{what} has to be float32, not {tensor.dtype}")
    require(bool(tensor.isfinite().all()), component, f"{what} has values that are not finite{_after(finite)}")
    return tensor


def _after(advice: str) -> str:
    return f"; {advice}" if advice else ""


def _named(component: Component) -> str:
    return f"{type(component).__name__} (kind {component.kind!r})"


def every_value(code: Code) -> Tensor | None:
    """Every value of a code, ``(k, width)``, where its dial holds them all; else None."""
    shorter, longer = code.grid(64), code.grid(65)
    return shorter if len(shorter) == len(longer) else None
