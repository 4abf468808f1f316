"""Libraries that only the measures need."""

from __future__ import annotations

import importlib
from typing import Any


def metrics_library(name: str) -> Any:
    """A module of the extra ``metrics``; ImportError says how to install it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f'{error.name} is needed to evaluate a model; pip install "infogan[metrics]"') from None
