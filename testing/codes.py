"""The contract of what the generator is fed: noise and codes.

What a code's law has to be is in `laws`. Seeds are fixed, so a check never flickers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..core.latent import Code, Latents, Noise, Prior
from .common import ROWS, check_options, check_tensor, every_value, no_error, require, seeded, untouched_global_state
from .draws import Reference, check_independence, check_reference
from .interpolation import check_between, check_nearest, check_span
from .laws import check_law
from .tiny_model import TinyNoise

__tracebackhide__ = True  # pytest shows an author's own frames, and not these

DRAWS = 20_000
"""Draws of the prior for Monte-Carlo estimates; fewer of a code of thousands of columns."""

MANY = 4096
"""Draws that hardly ever are the same twice, even of a code that is nearly always off."""


def check_noise(noise: Noise) -> None:
    """The contract of a noise: options, width, seeded sampling."""
    check_options(noise)
    _check_size(noise, "width")
    _check_sampling(noise)
    check_between(noise)


def check_code(code: Code, *, exact_mode: bool = True, reference: Reference | None = None) -> None:
    """The contract of a code: sampling, likelihood, entropy, best guess, dial, and how a person writes it.

    Args:
        code: What to check; run it for a few settings of the options.
        exact_mode: False for a law whose most likely value can only be approximated.
        reference: What the prior has to be, where something else knows: the probability of each position of a discrete
            code's dial, or the cumulative distribution function of a code of one number (`scipy.stats.norm.cdf`).

    Raises AssertionError that says which promise is broken and what may be the cause.
    """
    check_options(code)
    _check_size(code, "width")
    _check_size(code, "n_params")
    _check_entropy(code)
    _check_sampling(code)
    values = code.sample(_draws(code), generator=seeded(1))
    check_independence(code, values)
    if reference is not None:
        check_reference(code, values, reference)
    with untouched_global_state(code, "log_prob, mode, law, grid, between, nearest, encode or decode"):
        _check_pure(code, values, exact_mode=exact_mode)
    _check_device(code)
    _check_traces(code)


def _draws(code: Code) -> int:
    return min(DRAWS, max(ROWS, 2**26 // max(code.width, code.n_params)))


def _check_pure(code: Code, values: Tensor, *, exact_mode: bool) -> None:
    """What holds without any draw but ``values``."""
    params = _some_params(code)
    _check_dial(code, values)
    _check_kind_of_law(code, values)
    check_law(code, params, values, exact_mode=exact_mode)
    check_span(code)
    check_between(code)
    check_nearest(code, values[:ROWS])
    _check_writing(code, values[:ROWS])
    _check_law_is_reported(code, params)


def _check_size(prior: Prior, name: str) -> None:
    size = getattr(prior, name)
    right = isinstance(size, int) and not isinstance(size, bool) and size >= 1
    require(right, prior, f"{name} has to be a whole number of at least 1, not {size!r}")


def _check_entropy(code: Code) -> None:
    entropy = code.entropy
    finite = isinstance(entropy, float) and math.isfinite(entropy)
    require(finite, code, f"entropy has to be a finite float in nats, not {entropy!r}")


def _check_sampling(prior: Prior) -> None:
    """Draws are float32 ``(n, width)`` and come from the generator that is passed, and from it alone."""
    for n in (0, 1, 5):
        with no_error(prior, f"sample({n})", "any number of draws can be asked for, none too"):
            drawn = prior.sample(n)
        check_tensor(prior, f"sample({n})", drawn, (n, prior.width), shaped="does width say what sample makes?")
    with untouched_global_state(prior, "sample with a generator"):
        first = prior.sample(MANY, generator=seeded(0), device="cpu")
    require(
        torch.equal(first, prior.sample(MANY, generator=seeded(0))),
        prior,
        "two draws with equally seeded generators differ; does sample pass its generator on to every draw?",
    )
    require(
        not torch.equal(first, prior.sample(MANY, generator=seeded(1))),
        prior,
        "draws with differently seeded generators are equal; does sample ignore its generator?",
    )
    _require_on_device(prior, "sample", lambda: prior.sample(3, device="meta"))
    one = seeded(0)
    require(
        not torch.equal(prior.sample(MANY, generator=one), prior.sample(MANY, generator=one)),
        prior,
        "two draws in turn from one generator are equal; does sample draw from a copy of it?",
    )


def _some_params(code: Code) -> Tensor:
    """What Q might emit, ``(ROWS, n_params)``: small as at the start of training, and large."""
    scales = torch.tensor([0.1, 1.0, 3.0]).repeat(ROWS // 3).unsqueeze(1)
    return torch.randn(ROWS, code.n_params, generator=seeded(2)) * scales


def _check_dial(code: Code, draws: Tensor) -> None:
    """A dial has as many positions as asked for, or else every value, where draws are; none twice, and in order."""
    values = every_value(code)
    everything = None if values is None else len(values)
    scale = (draws.amax(dim=0) - draws.amin(dim=0)).clamp_min(1e-6)
    for steps in (7, 2, 1):
        name, dial = f"grid({steps})", code.grid(steps)
        k = len(dial)
        require(k in (steps, everything), code, f"{name} has {k} positions; it has to have {steps}, or every value")
        check_tensor(code, name, dial, (k, code.width), shaped="each position is one value of the code")
        apart = (dial / scale * 1e5).round().unique(dim=0)
        require(len(apart) == k, code, f"{name} has a position twice; does it end where it began?")
        require(torch.equal(dial, code.grid(steps)), code, f"{name} gives other positions the second time")
        _check_range(code, name, dial, draws)
        rises = dial[:, 0].diff() > 0
        in_order = code.width > 1 or bool(rises.all()) or not bool(rises.any())
        require(in_order, code, f"{name} is not in order; sort it")


def _check_range(code: Code, name: str, dial: Tensor, draws: Tensor) -> None:
    """No position lies where no draw comes near; and the dial of one number goes through nearly all draws.

    The columns of a discrete code with too many values for each to be drawn are looked at together.
    """
    if code.discrete and code.width > 1 and len(draws) < 20 * len(dial):
        dial, draws = dial.reshape(-1, 1), draws.reshape(-1, 1)
    for column, (positions, drawn) in enumerate(zip(dial.unbind(dim=1), draws.unbind(dim=1), strict=True)):
        lowest, highest = float(positions.min()), float(positions.max())
        low, high = float(drawn.min()), float(drawn.max())
        slack = 0.25 * max(high - low, 1e-6)  # a law with thin tails has ends that hardly any draw reaches
        near = lowest >= low - slack and highest <= high + slack
        passed = (drawn < lowest) | (drawn > highest)
        goes_through = code.width > 1 or len(dial) < 7 or float(passed.float().mean()) <= 0.25
        require(
            near and goes_through,
            code,
            f"column {column} of {name} runs from {lowest:.4g} to {highest:.4g}, and {len(draws)} draws from {low:.4g} "
            f"to {high:.4g}; do grid and sample have the same range?",
        )


def _check_kind_of_law(code: Code, values: Tensor) -> None:
    """``discrete`` tells the truth, and a discrete code draws nothing that its dial lacks."""
    repeats = 1 - len(values.unique(dim=0)) / len(values)
    if not code.discrete:
        require(
            repeats < 0.5,
            code,
            f"{repeats:.0%} of its draws repeat others; is it discrete, or its range too fine for float32?",
        )
        return
    dial = every_value(code)
    if dial is not None:
        together = torch.cat([dial, values[:ROWS]]).unique(dim=0)
        require(len(together) == len(dial), code, "it draws values that its grid, which has to hold every value, lacks")


def _check_writing(code: Code, values: Tensor) -> None:
    """What a person writes and the vector are two ways to say the same; nonsense is a ValueError."""
    for what, vectors in (("a dial position", code.grid(7)), ("a draw", values), ("nothing", values[:0])):
        written = code.decode(vectors)
        plain = isinstance(written, list) and len(written) == len(vectors) and _is_plain(written)
        require(plain, code, f"decode has to give a list with one plain value per picture, not {str(written)[:60]}")
        back = check_tensor(code, "encode(decode(...))", code.encode(written), tuple(vectors.shape))
        tolerance = 1e-5 * max(1.0, float(vectors.abs().max()) if len(vectors) else 1.0)
        require(
            torch.allclose(back, vectors, rtol=1e-4, atol=tolerance),
            code,
            f"encode does not undo decode for {what}: {written[0] if written else None!r} went elsewhere",
        )
    first = code.grid(2)[:1]
    for_all = Latents(TinyNoise(), {"it": code}).encode("it", code.decode(first)[0], 3)
    require(
        torch.allclose(for_all, first.expand(3, -1), rtol=1e-4, atol=1e-5),
        code,
        "one written value, given for all of 3 pictures, is not the value of each",
    )
    for nonsense in (object(), "no such value", math.nan, None):
        _check_refused(code, nonsense)


def _check_device(code: Code) -> None:
    """What is made of Q's parameters stays on their device, and nothing waits for a value.

    On the meta device, which stands for any but the CPU: it has shapes and no values.
    """
    params, value = (torch.empty(3, width, device="meta") for width in (code.n_params, code.width))
    _require_on_device(code, "log_prob", lambda: code.log_prob(params, value))
    _require_on_device(code, "mode", lambda: code.mode(params))


def _require_on_device(prior: Prior, name: str, make: Callable[[], Tensor]) -> None:
    advice = "make every tensor with device= or .to(params), and decide with torch.where rather than by a value"
    with no_error(prior, f"{name} of tensors away from the CPU", advice):
        made = make()
    require(made.is_meta, prior, f"{name} gives a tensor on the CPU whatever the device; {advice}")


def _check_traces(code: Code) -> None:
    """The likelihood is one graph, as ``training.compile`` needs it; what it gives then is the same."""
    params, value = _some_params(code)[:4], code.sample(4, generator=seeded(6))
    torch.compiler.reset()  # or what other codes were traced to counts against a limit of torch's
    traced = torch.compile(code.log_prob, fullgraph=True, backend="eager")
    with no_error(code, "torch.compile of log_prob", "it has to be tensor operations from end to end, without prints"):
        found = traced(params, value)
    same = torch.allclose(found, code.log_prob(params, value), rtol=1e-4, atol=1e-4)
    require(same, code, "log_prob gives other values once it is compiled; does it keep something from call to call?")


def _is_plain(written: list[Any]) -> bool:
    try:
        json.dumps(written, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _check_refused(code: Code, nonsense: object) -> None:
    try:
        code.encode([nonsense])
    except ValueError:
        return
    except Exception as error:  # whatever an author's code lets out, it has to become a ValueError
        require(False, code, f"encode([{nonsense!r}]) raises {type(error).__name__}; it has to be a ValueError")
    require(False, code, f"encode takes {nonsense!r}; it has to raise a ValueError that says what would be right")


def _check_law_is_reported(code: Code, params: Tensor) -> None:
    """Mode, confidence and law of a batch, of one picture, and of none."""
    for n in (ROWS, 1, 0):
        some = params[:n]
        with no_error(code, f"mode, confidence or law of {n} pictures", "each has to work for any number of them"):
            best, sure, law = code.mode(some), code.confidence(some), code.law(some)
        check_tensor(code, f"mode of {n} pictures", best, (n, code.width))
        check_tensor(code, f"confidence of {n} pictures", sure, (n,))
        within = bool(((sure >= 0) & (sure <= 1)).all())
        require(within, code, "confidence has to be in [0, 1]; override it where the default does not fit the law")
        require(bool(law) and all(isinstance(name, str) for name in law), code, "law has to name its parameters")
        for name, tensor in law.items():
            batched = isinstance(tensor, Tensor) and tensor.ndim >= 1 and len(tensor) == n
            require(batched, code, f"law's {name!r} has to be a tensor with the batch of {n} for its first axis")
            require(bool(tensor.isfinite().all()), code, f"law's {name!r} has values that are not finite")
