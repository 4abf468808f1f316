"""Sprites: squares, ellipses and hearts drawn from known factors, small networks for them, and recipes."""

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
    folder = files(__name__) / "recipes"
    return {name: (folder / f"{name}.yaml").read_text() for name in ("sprites", "sprites-regular")}
