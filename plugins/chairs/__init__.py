"""Chairs: the paper's network for rendered chairs (table 6), and recipes for the two factors that it shows."""

from __future__ import annotations

from importlib.resources import files

from ...registry import hookimpl
from .networks import ChairsBody, ChairsGenerator

__all__ = ["ChairsBody", "ChairsGenerator"]

RECIPES = ("chairs-rotation", "chairs-width", "chairs-rotation-text", "chairs-width-text")


@hookimpl
def infogan_components() -> list[type]:
    return [ChairsGenerator, ChairsBody]


@hookimpl
def infogan_recipes() -> dict[str, str]:
    folder = files(__name__) / "recipes"
    return {name: (folder / f"{name}.yaml").read_text() for name in RECIPES}
