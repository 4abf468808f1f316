"""Faces: the paper's network for rendered faces (table 4), and a recipe for each factor that it shows."""

from __future__ import annotations

from importlib.resources import files

from ...registry import hookimpl
from .networks import FacesBody, FacesGenerator

__all__ = ["FacesBody", "FacesGenerator"]

RECIPES = ("faces-azimuth", "faces-elevation", "faces-lighting", "faces-width")


@hookimpl
def infogan_components() -> list[type]:
    return [FacesGenerator, FacesBody]


@hookimpl
def infogan_recipes() -> dict[str, str]:
    folder = files(__name__) / "recipes"
    return {name: (folder / f"{name}.yaml").read_text() for name in RECIPES}
