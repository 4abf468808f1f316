"""Scenes: a lit object on a floor, rendered from known factors, small networks for them, and a recipe."""

from __future__ import annotations

from importlib.resources import files

from ...registry import hookimpl
from .data import Scenes
from .networks import ScenesBody, ScenesGenerator
from .rendering import FORMS, render

__all__ = ["FORMS", "Scenes", "ScenesBody", "ScenesGenerator", "render"]


@hookimpl
def infogan_components() -> list[type]:
    return [ScenesGenerator, ScenesBody, Scenes]


@hookimpl
def infogan_recipes() -> dict[str, str]:
    return {"scenes": (files(__name__) / "recipes" / "scenes.yaml").read_text()}
