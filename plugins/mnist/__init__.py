"""MNIST: the paper's network (table 1), the data and the recipes; Fashion-MNIST and a recipe for it."""

from __future__ import annotations

from importlib.resources import files

from ...registry import hookimpl
from .data import FashionMnist, Mnist
from .networks import MnistBody, MnistGenerator

__all__ = ["FashionMnist", "Mnist", "MnistBody", "MnistGenerator"]


@hookimpl
def infogan_components() -> list[type]:
    return [MnistGenerator, MnistBody, Mnist, FashionMnist]


@hookimpl
def infogan_recipes() -> dict[str, str]:
    folder = files(__name__) / "recipes"
    names = (
        "mnist",
        "mnist-best",
        "mnist-best-regular",
        "mnist-table",
        "mnist-openai",
        "mnist-regular",
        "mnist-two-bodies",
        "fashion-mnist",
    )
    return {name: (folder / f"{name}.yaml").read_text() for name in names}
