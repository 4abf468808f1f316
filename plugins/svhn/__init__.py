"""SVHN: the paper's network for colour pictures (tables 2 and 3), the house numbers, and two recipes."""

from __future__ import annotations

from importlib.resources import files

from ...registry import hookimpl
from .data import Svhn
from .networks import SvhnBody, SvhnGenerator

__all__ = ["Svhn", "SvhnBody", "SvhnGenerator"]


@hookimpl
def infogan_components() -> list[type]:
    return [SvhnGenerator, SvhnBody, Svhn]


@hookimpl
def infogan_recipes() -> dict[str, str]:
    folder = files(__name__) / "recipes"
    return {name: (folder / f"{name}.yaml").read_text() for name in ("svhn", "svhn-text")}
