"""Scenes: a lit object on a floor, rendered from known factors, a small generator for them, and a recipe."""

from __future__ import annotations

from importlib.resources import files

from ...registry import hookimpl
from .data import Scenes
from .networks import ScenesGenerator
from .rendering import FORMS, render

__all__ = ["FORMS", "Scenes", "ScenesGenerator", "render"]


@hookimpl
def infogan_components() -> list[type]:
    return [ScenesGenerator, Scenes]


@hookimpl
def infogan_recipes() -> dict[str, str]:
    return {"scenes": (files(__name__) / "recipes" / "scenes.yaml").read_text()}
