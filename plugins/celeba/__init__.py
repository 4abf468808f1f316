"""CelebA: the faces, and the paper's recipe. Its network (table 3) is that of SVHN, which the recipe names."""

from __future__ import annotations

from importlib.resources import files

from ...registry import hookimpl
from .data import Celeba

__all__ = ["Celeba"]


@hookimpl
def infogan_components() -> list[type]:
    return [Celeba]


@hookimpl
def infogan_recipes() -> dict[str, str]:
    return {"celeba": (files(__name__) / "recipes" / "celeba.yaml").read_text()}
