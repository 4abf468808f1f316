"""A categorical code as a classifier: each of its values stands for one class (paper, section 7.1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .extras import metrics_library


@dataclass(frozen=True)
class Classification:
    """How well a code's values match known classes, which training never saw."""

    error: float
    """Share of held-out pictures whose code value stands for another class than theirs."""
    assignment: dict[int, int]
    """The class that each code value stands for."""
    confusion: list[list[int]]
    """Held-out pictures by class (row) and code value (column)."""


def classify(
    train_code: Tensor, train_class: Tensor, test_code: Tensor, test_class: Tensor, *, values: int, classes: int
) -> Classification:
    """Match code values and classes one to one, as well as can be, on the training split; then hold it
    against the held-out one.

    All tensors are ``(n,)`` int64: code values below ``values`` and class indices below ``classes``. A
    code value that is left without a class is always wrong.
    """
    counts = _contingency(train_class, train_code, classes, values)
    rows, columns = metrics_library("scipy.optimize").linear_sum_assignment(counts.numpy(), maximize=True)
    assignment = {int(column): int(row) for row, column in zip(rows, columns, strict=True)}
    confusion = _contingency(test_class, test_code, classes, values)
    right = sum(int(confusion[row, column]) for column, row in assignment.items())
    return Classification(1 - right / len(test_class), assignment, confusion.tolist())


def _contingency(rows: Tensor, columns: Tensor, n_rows: int, n_columns: int) -> Tensor:
    return torch.bincount(rows * n_columns + columns, minlength=n_rows * n_columns).reshape(n_rows, n_columns)
