"""The contract of draws: independent of one another, and of the law that they should be of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..core.latent import Code, Prior
from .common import every_value, require

__tracebackhide__ = True  # pytest shows an author's own frames, and not these

Reference = Sequence[float] | Callable[[Any], Any]
"""Probabilities of a dial's positions, or a cumulative distribution function."""

ERRORS = 5.0
"""Standard errors by which chance may be off; it is more once in two million times."""

SURPRISE = 15.0
"""Minus the logarithm of the share of times, one in three million, that chance may go beyond a bound on one side."""


def check_independence(prior: Prior, draws: Tensor) -> None:
    """No draw tells of the next one, nor of the one half a batch later; both halves are of one law."""
    n = len(draws)
    for column, values in enumerate(draws.unbind(dim=1)):
        values = values.double()
        spread = values.std()
        if spread > 0:
            scores = (values - values.mean()) / spread
            for lag, which in ((1, "the next one"), (n // 2, "the one half a batch later")):
                correlation = float((scores[lag:] * scores[:-lag]).mean())
                require(
                    abs(correlation) <= _by_chance(scores, n - lag, columns=draws.shape[1]),
                    prior,
                    f"column {column} of a draw tells of {which} (correlation {correlation:.3f}); "
                    f"are draws sorted, mirrored or repeated?",
                )


def _by_chance(scores: Tensor, pairs: int, *, columns: int) -> float:
    """Bernstein's bound on a correlation that is 0, in any of ``columns``.

    For most laws it is five standard errors; in the column of a rare value two hits in a row are a large correlation.
    """
    surprise = SURPRISE + math.log(columns)
    largest = float(scores.square().max()) * surprise / (3 * pairs)
    return largest + math.sqrt(largest**2 + 2 * surprise / pairs)


def check_reference(code: Code, draws: Tensor, reference: Reference) -> None:
    """Draws are of the law that is known from elsewhere."""
    if callable(reference):
        _check_distribution(code, draws, reference)
    else:
        _check_frequencies(code, draws, reference)


def _check_distribution(code: Code, draws: Tensor, cumulative: Callable[[Any], Any]) -> None:
    """Kolmogorov and Smirnov's test: the largest distance of the draws' distribution function from the law's."""
    require(code.width == 1, code, "a distribution function is a reference for a code of one number alone")
    ordered = draws[:, 0].double().sort().values
    expected = torch.as_tensor(cumulative(ordered), dtype=torch.float64)
    ranks = torch.arange(len(ordered) + 1, dtype=torch.float64) / len(ordered)
    distances = torch.maximum(ranks[1:] - expected, expected - ranks[:-1])
    distance, at = float(distances.max()), float(ordered[distances.argmax()])
    require(
        distance * math.sqrt(len(ordered)) <= 2.6,  # chance goes beyond it once in 400,000 times
        code,
        f"its draws are not of the reference's law: up to {at:.4g} lies a share of them that is {distance:.3f} off",
    )


def _check_frequencies(code: Code, draws: Tensor, probabilities: Sequence[float]) -> None:
    """Pearson's test: how often each position of the dial is drawn."""
    dial = every_value(code)
    right = dial is not None and len(dial) == len(probabilities)
    require(right, code, "a reference has to give a probability for each position of a dial that holds every value")
    assert dial is not None
    expected = torch.tensor(probabilities, dtype=torch.float64)
    counts = (draws[:, None, :] == dial[None]).all(dim=2).sum(dim=0).double()
    error = (expected * (1 - expected) / len(draws)).sqrt()
    off = ((counts / len(draws) - expected).abs() / error.clamp_min(1e-9)).tolist()
    worst = max(range(len(off)), key=off.__getitem__)
    require(
        off[worst] <= ERRORS,
        code,
        f"position {worst} of its dial is drawn with a share of {float(counts[worst]) / len(draws):.3f}, and the "
        f"reference says {float(expected[worst]):.3f}; do sample and the options agree?",
    )
