"""How much of a known factor the codes explain."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.latent import Code
from .extras import metrics_library


@dataclass(frozen=True)
class Explained:
    """How one factor shows in the codes."""

    by_code: dict[str, float]
    """Share of the factor's variance that each code alone explains, at most 1."""
    by_all: float
    """Share that all codes together explain."""
    normalised_information: dict[str, float]
    """Normalised mutual information with each discrete code, in [0, 1]; empty for a continuous factor."""


def explain(
    factor: Tensor,
    classes: int | None,
    values: dict[str, Tensor],
    codes: dict[str, Code],
    *,
    period: float | None = None,
) -> Explained:
    """Explain a factor ``(n,)`` from code values ``(n, width)`` read off the same pictures.

    Variance is explained by least squares on a code's numbers, their squares and products, fitted on
    the first half and measured on the second. A factor of ``classes`` classes counts as one-hot, one that
    wraps at a ``period`` as its point on the circle.
    """
    target = _target(factor, classes, period)
    features = {name: _features(value, codes[name]) for name, value in values.items()}
    agreement = {}
    if classes:
        score = metrics_library("sklearn.metrics").normalized_mutual_info_score
        discrete = {name: value for name, value in values.items() if codes[name].discrete}
        agreement = {name: float(score(factor.numpy(), _index(value))) for name, value in discrete.items()}
    return Explained(
        by_code={name: _explained_variance(columns, target) for name, columns in features.items()},
        by_all=_explained_variance(torch.cat(list(features.values()), dim=1), target),
        normalised_information=agreement,
    )


def _target(factor: Tensor, classes: int | None, period: float | None) -> Tensor:
    """What the variance of a factor is that of, ``(n, columns)``."""
    if classes:
        return F.one_hot(factor, classes).float()
    if period:
        turn = factor.double() * (2 * math.pi / period)
        return torch.stack([turn.cos(), turn.sin()], dim=1).float()
    return factor.float().unsqueeze(1)


def _features(value: Tensor, code: Code) -> Tensor:
    """A discrete code's value as it is; a continuous one's with squares and products."""
    if code.discrete:
        return value.float()
    products = torch.einsum("ni,nj->nij", value, value).flatten(1)
    return torch.cat([value, products], dim=1).float()


def _explained_variance(features: Tensor, target: Tensor) -> float:
    """R^2 on the second half of the rows of a regression fitted on the first."""
    design = torch.cat([features, torch.ones(len(features), 1)], dim=1).double()
    half, wanted = len(design) // 2, target.double()
    weights = torch.linalg.lstsq(design[:half], wanted[:half], driver="gelsd").solution
    residual = (wanted[half:] - design[half:] @ weights).square().sum()
    total = (wanted[half:] - wanted[half:].mean(dim=0)).square().sum()
    return float(1 - residual / total)


def _index(value: Tensor) -> list[int]:
    """A number for each distinct value."""
    indices: list[int] = torch.unique(value, dim=0, return_inverse=True)[1].tolist()
    return indices
