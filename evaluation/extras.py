"""Libraries of the extras: what only measures and charts need."""

from __future__ import annotations

import importlib
from typing import Any


def metrics_library(name: str) -> Any:
    """A module of the extra ``metrics``; ImportError says how to install it."""
    return _library(name, "metrics", "evaluate a model")


def plot_library(name: str) -> Any:
    """A module of the extra ``plot``; ImportError says how to install it."""
    return _library(name, "plot", "draw curves")


def _library(name: str, extra: str, purpose: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f'{error.name} is needed to {purpose}; pip install "infogan[{extra}]"') from None
