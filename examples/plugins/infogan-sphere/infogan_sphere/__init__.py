"""A code for directions in space, and lit balls whose light it finds."""

from importlib.resources import files

from infogan import hookimpl

from .code import Sphere
from .globe import Globe

__all__ = ["Globe", "Sphere"]


@hookimpl
def infogan_components():
    return [Sphere, Globe]


@hookimpl
def infogan_recipes():
    return {"globe": (files(__name__) / "recipes" / "globe.yaml").read_text("utf-8")}
