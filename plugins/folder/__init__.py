"""A user's own pictures: any files below a folder, and recipes to begin with."""

from __future__ import annotations

from importlib.resources import files

from ...registry import hookimpl
from .data import Folder

__all__ = ["Folder"]


@hookimpl
def infogan_components() -> list[type]:
    return [Folder]


@hookimpl
def infogan_recipes() -> dict[str, str]:
    folder = files(__name__) / "recipes"
    return {name: (folder / f"{name}.yaml").read_text() for name in ("pictures", "pictures-small", "pictures-resnet")}
