"""The contract of a code's law: likelihood, most likely value, entropy, and the bound that they make.

Facts are checked on draws of the code's own prior and on some hundred settings of what Q might emit.
Monte-Carlo comparisons allow five standard errors.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..core.latent import Code
from .common import ROWS, SIZES_AGREE, check_tensor, every_value, no_error, require

__tracebackhide__ = True  # pytest shows an author's own frames, and not these

ENTROPY_TOLERANCE = 0.03
"""Nats by which the spacing estimate of a density's entropy may miss."""

OVERFLOW = (
    "use log_softmax, logsigmoid or softplus in place of a logarithm of exponentials, and clamp what goes into exp; "
    "give a spread a floor, such as softplus(p) + 0.01, and let no value be impossible"
)


def check_law(code: Code, params: Tensor, values: Tensor, *, exact_mode: bool) -> None:
    """The law that Q's ``params``, ``(ROWS, n_params)``, stand for, on draws ``values`` of the prior."""
    few = values[:ROWS]
    with no_error(code, f"log_prob of params {tuple(params.shape)} and values {(ROWS, code.width)}", SIZES_AGREE):
        code.log_prob(params, few)
    _check_likelihood(code, params, few)
    _check_gradient(code, params, few)
    _check_bfloat16(code, params, few)
    if exact_mode:
        _check_mode(code, params, few)
    if code.discrete:
        _check_discrete_normalised(code, params)
        _check_discrete_entropy(code, values)
        _check_can_be_sure(code)
    elif code.width == 1:
        _check_density_normalised(code, params[:12], values)
        _check_density_entropy(code, values)
    _check_blind_bound(code, params[:24], values)


def _check_likelihood(code: Code, params: Tensor, values: Tensor) -> None:
    """Finite, one number per picture, and a picture's number does not depend on its neighbours."""
    found = check_tensor(
        code,
        "log_prob(params, value)",
        code.log_prob(params, values),
        (ROWS,),
        shaped="it is one number for each picture: sum over the code's columns, and over nothing else",
        finite=OVERFLOW,
    )
    alone = torch.cat([code.log_prob(params[i : i + 1], values[i : i + 1]) for i in range(8)])
    require(
        torch.allclose(alone, found[:8], rtol=1e-4, atol=1e-4),
        code,
        "log_prob of a picture alone differs from that in a batch; does it mix rows, or squeeze without a dim?",
    )
    with no_error(code, "log_prob of an empty batch", "does it take a maximum over the batch, or look at row 0?"):
        check_tensor(code, "log_prob of an empty batch", code.log_prob(params[:0], values[:0]), (0,))
    far = 100 * torch.ones(code.n_params)
    extremes = torch.stack([far, -far, far * (-1.0) ** torch.arange(code.n_params)])
    far_off = code.log_prob(extremes, values[:3])
    check_tensor(code, "log_prob for params of 100 and -100", far_off, (3,), finite=OVERFLOW)


def _check_gradient(code: Code, params: Tensor, values: Tensor) -> None:
    """The likelihood has a finite gradient that reaches every column that Q emits."""
    leaf = params.clone().requires_grad_()
    found = code.log_prob(leaf, values)
    require(found.requires_grad, code, "log_prob has no gradient; is params detached, or rebuilt as a new tensor?")
    (gradient,) = torch.autograd.grad(found.sum(), [leaf])
    check_tensor(code, "the gradient of log_prob", gradient, tuple(params.shape), finite=OVERFLOW)
    for column in range(code.n_params):
        require(
            bool(gradient[:, column].any()),
            code,
            f"column {column} of params receives no gradient; is log_prob ignoring it?",
        )


def _check_bfloat16(code: Code, params: Tensor, values: Tensor) -> None:
    """Params in bfloat16, as a network under autocast gives them, are worked with; training brings them to float32.

    A narrow law magnifies what was rounded, so that the figure is right for most rows and not for every one.
    """
    coarse = params.bfloat16()
    advice = "it has to take params of any floating type; index and compare values, and let torch promote the rest"
    with no_error(code, "log_prob of params in bfloat16", advice):
        found = code.log_prob(coarse, values)
    require(bool(found.isfinite().all()), code, f"log_prob of params in bfloat16 is not finite; {OVERFLOW}")
    expected = code.log_prob(coarse.float(), values)
    off = ((found.float() - expected).abs() / (1 + expected.abs())).median()
    require(
        float(off) <= 0.05,
        code,
        f"log_prob is off by {float(off):.0%} for half of the params in bfloat16; "
        f"does it take the difference of two large numbers?",
    )


def _check_mode(code: Code, params: Tensor, values: Tensor) -> None:
    """Nothing is likelier than the mode: no draw, no dial position."""
    own = code.discrete or type(code).mode is not Code.mode
    require(own, code, "it is a density, which has to define its own mode: the value that log_prob is largest for")
    with no_error(code, "mode(params)", SIZES_AGREE):
        best = check_tensor(
            code, "mode(params)", code.mode(params), (ROWS, code.width), shaped="it is a value for each picture"
        )
    peak = code.log_prob(params, best)
    slack = 1e-4 * (1 + peak.abs())
    rivals = {"a draw of the prior": values}
    rivals |= {f"dial position {i}": row.expand(ROWS, -1) for i, row in enumerate(code.grid(9)[:32])}
    for what, rival in rivals.items():
        better = code.log_prob(params, rival) > peak + slack
        require(
            not bool(better.any()),
            code,
            f"{what} is likelier than the mode for {int(better.sum())} of {ROWS} params; "
            f"do mode and log_prob read the same columns?",
        )


def _pairs(code: Code, params: Tensor, values: Tensor) -> Tensor:
    """log_prob of every value under every setting: ``(rows, n_params), (k, width) -> (rows, k)``."""
    return torch.stack([_constantly(code, row, values) for row in params])


def _few(code: Code, numbers: int = 2**22) -> int:
    """Values at once, so that a code of thousands of columns stays within some hundred megabytes."""
    return max(1, numbers // max(code.width, code.n_params))


def _check_discrete_normalised(code: Code, params: Tensor) -> None:
    dial = every_value(code)
    values = code.grid(64) if dial is None else dial
    rows = _few(code, 2**28) // len(values)
    total = _pairs(code, params[: max(rows, 2)], values).exp().sum(dim=1)
    wrong = total > 1.001 if dial is None else (total - 1).abs() > 1e-3
    require(
        not bool(wrong.any()),
        code,
        f"its probabilities add up to {float(total[wrong.int().argmax()]):.4f} and not to 1; is log_prob normalised?",
    )


def _check_density_normalised(code: Code, params: Tensor, values: Tensor) -> None:
    """The density has mass 1: on the whole line, or (for a law that wraps around) where the prior lives."""
    low, high = values.min(), values.max()
    inside = torch.linspace(float(low), float(high), 20_001)
    steps = torch.logspace(-7, 4, 20_001) * (high - low)
    wraps, spreads = [], []
    for row in params:
        centre = code.mode(row.unsqueeze(0))[0, 0]
        line = torch.cat([centre - steps.flip(0), centre.reshape(1), centre + steps])
        spreads.append(_mass(code, row, line))
        wraps.append(_mass(code, row, inside))
    close = [all(abs(mass - 1) < 0.01 for mass in masses) for masses in (spreads, wraps)]
    worst = max(spreads, key=lambda mass: abs(mass - 1))
    require(
        any(close),
        code,
        f"its density has mass {worst:.3f} over the whole line and not 1; is log_prob normalised, and a law that ends "
        f"somewhere as good as impossible beyond?",
    )


def _mass(code: Code, row: Tensor, positions: Tensor) -> float:
    """The integral of the density over ``positions``, by trapezoids."""
    density = _constantly(code, row, positions.unsqueeze(1)).exp()
    return float(torch.trapezoid(density, positions.double()))


def _check_discrete_entropy(code: Code, values: Tensor) -> None:
    """Against the frequencies of draws, with Miller and Madow's correction for their number."""
    counts = values.unique(dim=0, return_counts=True)[1].double()
    share = counts / counts.sum()
    surprise = -share.log()
    estimate = float((share * surprise).sum()) + (len(counts) - 1) / (2 * len(values))
    spread = float((share * (surprise - (share * surprise).sum()).square()).sum().sqrt())
    allowed = 5 * spread / math.sqrt(len(values)) + 2e-3 + len(counts) / len(values)
    _require_entropy(code, estimate, allowed)


def _check_can_be_sure(code: Code) -> None:
    """Q can say that it is sure of each value; else L_I could never come near H(c)."""
    dial = every_value(code)
    if dial is not None:
        some = dial[:: math.ceil(len(dial) / _few(code))]
        fitted = _fit(code, torch.zeros(len(some), code.n_params), some)
        least = float(code.log_prob(fitted, some).exp().min())
        require(
            least > 0.5,
            code,
            f"whatever Q emits, some value gets a probability of at most {least:.2f}, so that L_I never comes near "
            f"H(c); is a softmax or sigmoid applied twice?",
        )


def _check_density_entropy(code: Code, values: Tensor) -> None:
    """Against Vasicek's estimate (1976) from the spacing of sorted draws, of which it looks m apart."""
    ordered = values[:, 0].double().sort().values
    m = 30
    gaps = (ordered[m:] - ordered[:-m]).clamp_min(1e-30)
    harmonic = float(torch.digamma(torch.tensor(float(m))))
    estimate = float(gaps.log().mean()) + math.log(len(ordered) + 1) - harmonic
    _require_entropy(code, estimate, ENTROPY_TOLERANCE)


def _require_entropy(code: Code, estimate: float, allowed: float) -> None:
    require(
        abs(code.entropy - estimate) <= allowed,
        code,
        f"entropy says {code.entropy:.4f} nats, its own draws say {estimate:.4f}; do entropy and sample agree?",
    )


def _check_blind_bound(code: Code, params: Tensor, values: Tensor) -> None:
    """A Q that ignores the picture knows nothing: H(c) + E[log q(c)] <= 0, even for the best constant."""
    fitted = _fit(code, torch.zeros(1, code.n_params), values[: min(len(values) // 4, _few(code))])[0]
    rest = values[len(values) // 4 :]
    for constant in [torch.zeros(code.n_params), fitted, *params]:
        scores = code.entropy + _constantly(code, constant, rest)
        allowed = 5 * float(scores.std()) / math.sqrt(len(rest)) + 1e-3
        mean = float(scores.mean())
        require(
            mean <= allowed,
            code,
            f"a Q that ignores the picture scores {mean:.3f} nats, and a bound allows at most 0; "
            f"is entropy too large, or log_prob not normalised?",
        )
    if not code.discrete and code.width > 1:
        best = max(torch.zeros_like(fitted), fitted, key=lambda blind: float(_constantly(code, blind, rest).mean()))
        _check_one_normalisation(code, best, params, rest)


TIGHT = 0.02
"""Nats by which the best blind Q may miss 0 and still count as the prior itself."""


def _check_one_normalisation(code: Code, blind: Tensor, params: Tensor, values: Tensor) -> None:
    """Densities of several numbers have one mass, whatever the params, where the best blind one is the prior itself.

    For then E[q(c) / p(c)], over draws of the prior p, is the mass of q in units of that of p. No integral is needed,
    and no say in what area or volume a density is per, which on a sphere or a torus is the author's choice.
    """
    log_prior = _constantly(code, blind, values)
    if code.entropy + float(log_prior.mean()) < -TIGHT:
        return
    for row in params:
        ratios = (_constantly(code, row, values) - log_prior).exp()
        mass, error = float(ratios.mean()), float(ratios.std()) / math.sqrt(len(values))
        if error < 0.02:  # of a law so narrow that a few draws make up the mean, that would tell little
            require(
                abs(mass - 1) <= 5 * error + TIGHT,
                code,
                f"under some params its density has {mass:.3f} times the mass that it has under others; "
                f"does log_prob's normalising constant go along with params?",
            )


def _constantly(code: Code, constant: Tensor, values: Tensor) -> Tensor:
    """log_prob of every value under one setting of params, in float64."""
    some = values.split(_few(code))
    return torch.cat([code.log_prob(constant.expand(len(few), -1), few) for few in some]).double()


def _fit(code: Code, start: Tensor, values: Tensor, steps: int = 150) -> Tensor:
    """The params that explain ``values`` best, by descent: one row for all of them, or one for each."""
    params = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([params], lr=0.1)
    for _ in range(steps):
        loss = -code.log_prob(params.expand(len(values), -1), values).sum()
        (params.grad,) = torch.autograd.grad(loss, [params])
        optimizer.step()
    return params.detach()
