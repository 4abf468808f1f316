"""Sprites: squares, ellipses and hearts drawn from known factors, small networks for them, and a recipe."""

from __future__ import annotations

from importlib.resources import files

from ...registry import hookimpl
from .data import Sprites, render
from .networks import SpritesBody, SpritesGenerator

__all__ = ["Sprites", "SpritesBody", "SpritesGenerator", "render"]


@hookimpl
def infogan_components() -> list[type]:
    return [SpritesGenerator, SpritesBody, Sprites]


@hookimpl
def infogan_recipes() -> dict[str, str]:
    return {"sprites": (files(__name__) / "recipes" / "sprites.yaml").read_text()}
