"""The contract of moving between values: along a range, from one value to another, and to the nearest one."""

from __future__ import annotations

import torch
from torch import Tensor

from ..core.latent import Code, Prior
from .common import ROWS, check_tensor, require, seeded

__tracebackhide__ = True  # pytest shows an author's own frames, and not these


def check_span(code: Code) -> None:
    """A range is walked evenly from end to end, or refused by a ValueError."""
    try:
        found = code.span(-3.0, 5.0, 5)
    except ValueError:
        return
    check_tensor(code, "span(-3, 5, 5)", found, (5, code.width))
    ends = found[0].allclose(torch.tensor(-3.0)) and found[-1].allclose(torch.tensor(5.0))
    require(ends, code, "span(low, high, steps) has to begin at low and to end at high, or to raise a ValueError")


def check_between(prior: Prior) -> None:
    """The way between two draws begins at one and ends at the other; a discrete code has no values of its own on it."""
    start, end = (prior.sample(ROWS, generator=seeded(seed)) for seed in (3, 4))
    for share in (0.0, 0.25, 0.5, 1.0):
        at = torch.full((ROWS, 1), share)
        found = check_tensor(prior, f"between(start, end, {share})", prior.between(start, end, at), (ROWS, prior.width))
        target = {0.0: start, 1.0: end}.get(share)
        arrived = target is None or torch.allclose(found, target, rtol=1e-4, atol=1e-4)
        require(arrived, prior, "between has to give start for a share of 0 and end for a share of 1")
        if isinstance(prior, Code):
            valid = torch.allclose(prior.nearest(found), found, rtol=1e-4, atol=1e-4)
            require(valid, prior, f"between gives a value for a share of {share} that the code cannot have")
    for_none = prior.between(start[:0], end[:0], torch.zeros(0, 1))
    check_tensor(prior, "between for no pictures", for_none, (0, prior.width))


def check_nearest(code: Code, values: Tensor) -> None:
    """What is nearest to a value is that value; what is nearest to anything else is a value too."""
    own = check_tensor(code, "nearest(value)", code.nearest(values), (ROWS, code.width))
    tolerance = 1e-5 * max(1.0, float(values.abs().max()))
    require(
        torch.allclose(own, values, rtol=1e-4, atol=tolerance), code, "nearest moves a value that the code can have"
    )
    found = code.nearest(torch.randn(ROWS, code.width, generator=seeded(5)))
    check_tensor(code, "nearest(any vector)", found, (ROWS, code.width))
    again = torch.allclose(code.nearest(found), found, rtol=1e-4, atol=1e-5)
    require(again, code, "nearest gives something that is not nearest to itself")
